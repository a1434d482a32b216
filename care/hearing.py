"""From every receipt of a hub to what silence rules need: gaps, offline spells, words on the queue.

A replay hears millions of heartbeats; they are kept as plain numbers and thinned to the few that matter.
The live service keeps the same gaps in its tables as they end.
"""

from array import array
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from care.liveness import silence_limit
from care.model import Hearing, Hub, Interval, QueueWord
from care.policy import Policy

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST = 2**62  # a queue longer than this is a hub's nonsense, and is long all the same


def is_fresh(effective_at: datetime, received_at: datetime, heartbeat_every: timedelta) -> bool:
    """Whether a heartbeat speaks of now: it happened within `heartbeat_every` of its receipt."""
    return received_at - effective_at <= heartbeat_every


def queued_of(value: object) -> int | None:
    """What a heartbeat's `queued` says; None when it says nothing, or nothing that could be a length."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value


class Listener:
    """Collects what was received from one hub, in any order, and tells when it was heard."""

    __slots__ = ("_arrivals", "_heard", "_hub", "_wills", "_word_arrivals", "_words", "_words_at")

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._heard = array("q")
        self._arrivals = array("q")
        self._wills: list[tuple[int, int]] = []
        self._words_at = array("q")
        self._word_arrivals = array("q")
        self._words = array("q")

    def heard(self, received_at: datetime, arrival: int) -> None:
        """Anything but a last will was received: an event, a repeat, a rejected message, a status."""
        self._heard.append(_number(received_at))
        self._arrivals.append(arrival)

    def went_offline(self, received_at: datetime, arrival: int) -> None:
        """A status `online: false` was received."""
        self._wills.append((_number(received_at), arrival))

    def queue(self, received_at: datetime, arrival: int, queued: int) -> None:
        """A fresh heartbeat named the length of the hub's queue."""
        self._words_at.append(_number(received_at))
        self._word_arrivals.append(arrival)
        self._words.append(min(queued, _MOST))

    def hearing(self, policy: Policy) -> Hearing:
        """When the hub was heard, with every gap that is silence under this policy."""
        heard, arrivals = _numbers(self._heard), _numbers(self._arrivals)
        order = np.lexsort((arrivals, heard))
        heard, arrivals = heard[order], arrivals[order]
        least = min(self._hub.heartbeat_every, silence_limit(self._hub, policy)) // _MICROSECOND
        quiet = np.flatnonzero(np.diff(heard) > least)
        gaps = tuple(Interval(_moment(heard[at]), _moment(heard[at + 1])) for at in quiet)
        offline = tuple(_offline(self._wills, heard, arrivals))
        return Hearing(
            self._hub,
            _moment(heard[0]) if len(heard) else None,
            _moment(heard[-1]) if len(heard) else None,
            gaps,
            offline,
            self._thinned(gaps + offline),
        )

    def _thinned(self, silences: Iterable[Interval]) -> tuple[QueueWord, ...]:
        """The words that change what is known: those that differ from the one before, and the first empty
        queue after each time in which the hub may have been silent."""
        at, words = _numbers(self._words_at), _numbers(self._words)
        order = np.lexsort((_numbers(self._word_arrivals), at))
        at, words = at[order], words[order]
        keep = np.ones(len(words), dtype=bool)
        keep[1:] = words[1:] != words[:-1]
        empty = np.flatnonzero(words == 0)
        for silence in silences:
            if silence.end is not None:
                next_empty = np.searchsorted(at[empty], _number(silence.end))
                if next_empty < len(empty):
                    keep[empty[next_empty]] = True
        return tuple(QueueWord(_moment(at[i]), int(words[i])) for i in np.flatnonzero(keep))


def _offline(
    wills: list[tuple[int, int]], heard: NDArray[np.int64], arrivals: NDArray[np.int64]
) -> Iterable[Interval]:
    """From each last will to the first message that arrived after it."""
    for moment, arrival in sorted(wills):
        after = int(np.searchsorted(heard, moment, side="left"))
        while after < len(heard) and heard[after] == moment and arrivals[after] < arrival:
            after += 1
        yield Interval(_moment(moment), _moment(heard[after]) if after < len(heard) else None)


def _numbers(kept: "array[int]") -> NDArray[np.int64]:
    return np.frombuffer(kept, np.int64) if kept else np.empty(0, np.int64)


def _number(moment: datetime) -> int:
    """Microseconds of the epoch. The product of doubles is off by less than half of one."""
    return round(moment.timestamp() * 1e6)


def _moment(number: int | np.int64) -> datetime:
    return _EPOCH + timedelta(microseconds=int(number))
