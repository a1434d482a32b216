"""From every receipt of a hub to what silence rules need: gaps, offline spells, words on the queue.

A replay hears millions of heartbeats; each is looked at once and only what matters is kept. The live service
keeps the same gaps in its tables as they end.
"""

from datetime import UTC, datetime, timedelta
from typing import TypeGuard

from care.liveness import silence_limit
from care.model import Hearing, Hub, Interval, QueueWord
from care.policy import Policy

_NEVER = datetime.min.replace(tzinfo=UTC)
_NOT_STEADY = timedelta(-1)


def is_fresh(effective_at: datetime, received_at: datetime, heartbeat_every: timedelta) -> bool:
    """Whether a heartbeat speaks of now: it happened within `heartbeat_every` of its receipt."""
    return received_at - effective_at <= heartbeat_every


def queued_of(value: object) -> int | None:
    """What a heartbeat's `queued` says; None when it says nothing, or nothing that could be a length."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value


class Listener:
    """Hears one hub, message by message in the order of arrival, and tells when it was heard.

    `said` is the last word on its queue, `last_heard_at` the last receipt. A heartbeat that says `said` again
    within `steady_for` of that changes only `last_heard_at`, which may then be set in place of `heard`.

    Shorter gaps than the policy calls silence are not kept: where heartbeats come a little early and a little
    late, every second one ends a gap longer than its interval.
    """

    __slots__ = (
        "_first",
        "_gaps",
        "_hub",
        "_least",
        "_offline",
        "_unsure",
        "_wills",
        "_words",
        "last_heard_at",
        "said",
        "steady_for",
    )

    def __init__(self, hub: Hub, policy: Policy) -> None:
        self._hub = hub
        self._least = silence_limit(hub, policy)
        self._first: datetime | None = None
        self._gaps: list[Interval] = []
        self._offline: list[Interval] = []
        self._wills: tuple[datetime, ...] = ()
        self._words: list[QueueWord] = []
        self._unsure = True
        self.last_heard_at = _NEVER
        self.said: int | None = None
        self.steady_for = _NOT_STEADY

    def heard(self, received_at: datetime) -> None:
        """Anything but a last will was received: an event, a repeat, a rejected message, a status."""
        if self._first is None:
            self._first = received_at
        elif received_at - self.last_heard_at > self._least:
            self._gaps.append(Interval(self.last_heard_at, received_at))
            self._unsure = True
        if self._wills:
            self._offline += [Interval(will, received_at) for will in self._wills]
            self._wills = ()
            self._unsure = True
        self.last_heard_at = received_at
        self._settle()

    def went_offline(self, received_at: datetime) -> None:
        """A status `online: false` was received."""
        self._wills = (*self._wills, received_at)
        self._settle()

    def _settle(self) -> None:
        steady = not self._wills and self._first is not None and (self.said != 0 or not self._unsure)
        self.steady_for = self._least if steady else _NOT_STEADY

    def is_news(self, queued: object) -> TypeGuard[int]:
        """Whether it is a word on the queue's length, and one worth keeping.

        It is when it differs from the word before, and when it is the first empty queue after a time in which
        the hub may have been silent: with these every question is answered as with all.
        """
        if queued == self.said and (queued or not self._unsure):
            return False
        return queued_of(queued) is not None

    def queue(self, received_at: datetime, queued: int) -> None:
        """A fresh heartbeat, heard just now, named the length of the hub's queue."""
        if self.is_news(queued):
            self._words.append(QueueWord(received_at, queued))
            self.said = queued
        if queued == 0:
            self._unsure = False
        self._settle()

    def hearing(self) -> Hearing:
        """When the hub was heard, with every gap that is silence under the policy or a more patient one."""
        last = None if self._first is None else self.last_heard_at
        offline = (*self._offline, *(Interval(will, None) for will in self._wills))
        return Hearing(self._hub, self._first, last, tuple(self._gaps), offline, tuple(self._words))
