"""The events of a backtest: what care and alerts have to know of the lines of a file (contract §5).

Each line is checked as the gateway checks it and understood as ingest understands it; what the service stores
once counts once here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain, count
from typing import BinaryIO

from msgspec import UNSET

from alerts.classify import worth_a_look
from alerts.model import Signal
from app.backtest_lines import EARLIEST, LATEST, AnyLine, PlainLine, lines_of, sorted_lines_of
from care.evidence import may_be_evidence
from care.hearing import Listener, is_fresh
from care.model import Estate, Hearing, HomeEvent, Hub
from care.policy import Policy
from gateway.clock import in_utc, timing
from gateway.codec import Rejected
from gateway.model import Event, Status
from ingest.facts import concerns_alerts, home_event, signal
from ingest.hearing import HEARTBEAT

_BEFORE = EARLIEST - timedelta(microseconds=1)
# A letter that no id holds, and how many ids are kept as one text: alone each would take five times as much.
_NO_ID = "\n"
_PACKED_TOGETHER = 200


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message of a hub that was rejected and looks like a call for help (domain/alarms.md §1)."""

    hub_id: str
    received_at: datetime
    reason: str


@dataclass(slots=True)
class Received:
    """All that the file holds up to a moment, in order of arrival.

    `hearing` and `events` of every hub of the estate; `batteries` by hub, what statuses said and when;
    `rejected` counts the lines that could not be read; `last` is the last moment of receipt, None in a file
    without any.
    """

    hearing: dict[str, Hearing] = field(default_factory=dict)
    events: dict[str, list[HomeEvent]] = field(default_factory=dict)
    signals: list[Signal] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    batteries: dict[str, list[tuple[datetime, float]]] = field(default_factory=dict)
    rejected: int = 0
    last: datetime | None = None


class _OutOfOrderError(Exception):
    """A line was received before the line above it."""


def read_events(file: BinaryIO, estate: Estate, policy: Policy, until: datetime | None) -> Received:
    """Everything in the file that was received by `until` (None: all of it). Raises OSError.

    Files written by a recorder are in order of receipt and are read as they come; any other order is sorted
    in memory first, lines of one moment staying in the order of the file.
    """
    try:
        return _Reader(estate, policy, until).read(lines_of(file))
    except _OutOfOrderError:
        file.seek(0)
        return _Reader(estate, policy, until).read(sorted_lines_of(file))


class _Home(Listener):
    """What a replay keeps of one hub. `known`: it is in the estate.

    `passed` are the ids of heartbeats that said nothing new. They are many, so they are packed away and only
    looked through at the end, for events that took the id of a heartbeat before them.
    """

    __slots__ = ("_packed", "_packed_away", "_taken", "events", "every", "hub_id", "known", "passed")

    def __init__(self, hub: Hub, policy: Policy, *, known: bool) -> None:
        super().__init__(hub, policy)
        self.hub_id = hub.id
        self.every = hub.heartbeat_every
        self.known = known
        self.events: list[HomeEvent] = []
        self.passed: list[str] = []
        self._packed: list[str] = []
        self._packed_away = 0
        self._taken: dict[str, int] = {}  # after how many of the heartbeats passed over

    def take(self, event_id: str) -> bool:
        """Whether no event of this id was taken before; from now on one was."""
        if event_id in self._taken:
            return False
        if len(self.passed) >= _PACKED_TOGETHER:
            self._packed.append(_NO_ID.join(("", *self.passed, "")))
            self._packed_away += len(self.passed)
            self.passed.clear()
        self._taken[event_id] = self._packed_away + len(self.passed)
        return True

    def has_passed_over(self, event_id: str) -> bool:
        """Whether a heartbeat of this id was passed over; asked of the few that say something new."""
        alone = f"{_NO_ID}{event_id}{_NO_ID}"
        return event_id in self.passed or any(alone in some for some in self._packed)

    def taken_twice(self) -> frozenset[str]:
        """Of the events taken, those whose ids heartbeats had that were passed over before them."""
        taken = self._taken
        if all(taken.keys().isdisjoint(some) for some in self._all_passed()):
            return frozenset()
        passed = enumerate(chain.from_iterable(self._all_passed()))
        return frozenset(event_id for number, event_id in passed if number < taken.get(event_id, 0))

    def _all_passed(self) -> Iterator[Sequence[str]]:
        for some in self._packed:
            yield some[1:-1].split(_NO_ID)
        yield self.passed


class _Homes(dict[str, _Home]):
    """By hub; one that is not in the estate is met when it speaks."""

    def __init__(self, estate: Estate, policy: Policy) -> None:
        super().__init__((hub.id, _Home(hub, policy, known=True)) for hub in estate.hubs.values())
        self._policy = policy

    def __missing__(self, hub_id: str) -> _Home:
        home = self[hub_id] = _Home(Hub(hub_id), self._policy, known=False)
        return home


class _Reader:
    """Files each message where it belongs."""

    def __init__(self, estate: Estate, policy: Policy, until: datetime | None) -> None:
        self._until = LATEST if until is None else min(until, LATEST)
        self._homes = _Homes(estate, policy)
        self._arrivals = count()
        self._found = Received()

    def read(self, lines: Iterable[AnyLine | None]) -> Received:
        """Takes lines in order of arrival; None stands for one that could not be read."""
        homes, until = self._homes, self._until
        latest = _BEFORE
        for line in lines:
            # Asked here and first, because nearly every line is a heartbeat that says nothing new.
            if (
                line.__class__ is PlainLine
                and (event := line.event) is not UNSET
                and event.type == HEARTBEAT
                and latest <= (received_at := line.received_at) <= until
                and received_at - (home := homes[line.hub]).last_heard_at <= home.steady_for
                and event.data.get("queued") == home.said
                and line.status is UNSET
                and received_at.tzinfo is UTC
            ):
                latest = home.last_heard_at = received_at
                home.passed.append(event.id)
            else:
                latest = self._line(line, latest)
        self._found.last = None if latest is _BEFORE else latest
        self._finish()
        return self._found

    def _line(self, line: AnyLine | None, latest: datetime) -> datetime:
        """Takes any line, the one before it received at `latest`; the latest moment with it."""
        if line is None or (line.event is UNSET and line.status is UNSET):
            self._found.rejected += 1
            return latest
        received_at, event = line.received_at, line.event
        if received_at.tzinfo is not UTC:
            received_at = in_utc(received_at)
        if not latest <= received_at <= self._until:
            self._leave_out(received_at, latest)
            return latest
        home = self._homes[line.hub]
        if event is not UNSET:
            home.heard(received_at)
            if isinstance(event, Rejected):
                self._rejected(home, received_at, event)
            elif event.type == HEARTBEAT:
                self._heartbeat(home, received_at, event)
            else:
                self._event(home, received_at, event)
        if line.status is not UNSET:
            self._status(home, received_at, line.status)
        return received_at

    @staticmethod
    def _heartbeat(home: _Home, received_at: datetime, heartbeat: Event) -> None:
        """Keeps its word on the queue when it is a fresh one and new, else only its id."""
        if not home.is_news(queued := heartbeat.data.get("queued")):
            home.passed.append(heartbeat.id)
            return
        effective_at = timing(in_utc(heartbeat.at), received_at).effective_at
        if not is_fresh(effective_at, received_at, home.every):
            home.passed.append(heartbeat.id)
        elif not home.has_passed_over(heartbeat.id) and home.take(heartbeat.id):
            home.queue(received_at, queued)

    def _leave_out(self, received_at: datetime, latest: datetime) -> None:
        """A line too late, or received at no moment that is believed."""
        if EARLIEST <= received_at < latest:
            raise _OutOfOrderError
        self._found.rejected += not EARLIEST <= received_at <= LATEST

    def _rejected(self, home: _Home, received_at: datetime, event: Rejected) -> None:
        self._found.rejected += 1
        if event.looks_like_alarm:
            self._found.unreadable.append(Unreadable(home.hub_id, received_at, event.reason))

    def _event(self, home: _Home, received_at: datetime, event: Event) -> None:
        if not home.take(event.id):
            return
        if home.known and may_be_evidence(event.type):
            home.events.append(home_event(home.hub_id, event, received_at, next(self._arrivals)))
        if _may_concern_alerts(event.type):
            self._found.signals.append(signal(home.hub_id, event, received_at, known_hub=home.known))

    def _status(self, home: _Home, received_at: datetime, status: Status | Rejected) -> None:
        if isinstance(status, Rejected):
            self._found.rejected += 1
        elif status.battery is not None:
            self._found.batteries.setdefault(home.hub_id, []).append((received_at, status.battery))
        if isinstance(status, Status) and not status.online:
            home.went_offline(received_at)
        else:
            home.heard(received_at)

    def _finish(self) -> None:
        """Puts together what was found of each hub, without what took the id of an earlier heartbeat."""
        found = self._found
        repeats: set[tuple[str, str]] = set()
        for home in self._homes.values():
            twice = home.taken_twice()
            if twice:
                repeats.update((home.hub_id, event_id) for event_id in twice)
                home.events = [event for event in home.events if event.event_id not in twice]
            if home.known:
                found.hearing[home.hub_id] = home.hearing()
                found.events[home.hub_id] = home.events
        if repeats:
            found.signals = [one for one in found.signals if (one.hub_id, one.event_id) not in repeats]


@lru_cache(maxsize=1000)
def _may_concern_alerts(type_: str) -> bool:
    """Whether any event of this type could touch an alert; most doors' cannot, and they are many.

    Only a credential's being there can make a difference, so it is asked of an event that has one.
    """
    probe = Signal("", "", type_, EARLIEST, EARLIEST, data={"credential": "any"})
    return concerns_alerts(type_) and worth_a_look(probe)
