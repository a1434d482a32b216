"""The events of a backtest: what care and alerts have to know of the lines of a file (contract §5).

Each line is checked as the gateway checks it and understood as ingest understands it; what the service stores
once counts once here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import BinaryIO

from msgspec import UNSET

from alerts.classify import worth_a_look
from alerts.model import Signal
from app.backtest_lines import EARLIEST, LATEST, AnyLine, lines_of, sorted_lines_of
from care.evidence import may_be_evidence
from care.hearing import Listener, is_fresh
from care.model import Estate, Hearing, HomeEvent
from care.policy import Policy
from gateway.clock import in_utc, timing
from gateway.codec import Rejected
from gateway.model import Event, Status
from ingest.facts import concerns_alerts, home_event, signal
from ingest.hearing import HEARTBEAT


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


class _Home:
    """What a replay keeps of one hub. `listener` None: it is not in the estate.

    `_ids` are of events taken, `_beats` of heartbeats that said nothing new: whether those had come before
    made no difference, so they are only remembered, and looked through when an id is asked for.
    """

    __slots__ = ("_beats", "_ids", "events", "every", "hub_id", "listener", "pass_over")

    def __init__(self, hub_id: str, listener: Listener | None, every: timedelta) -> None:
        self.hub_id = hub_id
        self.listener = listener
        self.every = every
        self.events: list[HomeEvent] = []
        self._ids: set[str] = set()
        self._beats: list[str] = []
        self.pass_over = self._beats.append

    def is_repeat(self, event_id: str) -> bool:
        """Whether an event of this id was received before; from now on it was."""
        if self._beats:
            self._ids.update(self._beats)
            self._beats.clear()
        known = len(self._ids)
        self._ids.add(event_id)
        return len(self._ids) == known


class _Reader:
    """Files each message where it belongs."""

    def __init__(self, estate: Estate, policy: Policy, until: datetime | None) -> None:
        self._until = LATEST if until is None else min(until, LATEST)
        self._homes = {
            hub.id: _Home(hub.id, Listener(hub, policy), hub.heartbeat_every) for hub in estate.hubs.values()
        }
        self._found = Received()

    def read(self, lines: Iterable[AnyLine | None]) -> Received:
        """Takes lines in order of arrival; None stands for one that could not be read."""
        found, homes, until = self._found, self._homes, self._until
        latest = EARLIEST
        for arrival, line in enumerate(lines):
            if line is None or (line.event is UNSET and line.status is UNSET):
                found.rejected += 1
                continue
            received_at = line.received_at
            if received_at.tzinfo is not UTC:
                received_at = in_utc(received_at)
            if received_at < latest:
                if received_at >= EARLIEST:
                    raise _OutOfOrderError
                found.rejected += 1
                continue
            if received_at > until:
                found.rejected += received_at > LATEST
                continue
            latest = found.last = received_at
            home = homes.get(line.hub)
            if home is None:
                home = homes[line.hub] = _Home(line.hub, None, timedelta())
            if line.event is not UNSET:
                self._event(home, received_at, arrival, line.event)
            if line.status is not UNSET:
                self._status(home, received_at, line.status)
        for home in homes.values():
            if home.listener is not None:
                found.hearing[home.hub_id] = home.listener.hearing()
                found.events[home.hub_id] = home.events
        return found

    def _event(self, home: _Home, received_at: datetime, arrival: int, event: Event | Rejected) -> None:
        listener = home.listener
        if listener is not None:
            listener.heard(received_at)
        if isinstance(event, Rejected):
            self._found.rejected += 1
            if event.looks_like_alarm:
                self._found.unreadable.append(Unreadable(home.hub_id, received_at, event.reason))
            return
        if event.type == HEARTBEAT:
            queued = event.data.get("queued")
            # Asked first, because hardly any heartbeat says anything new.
            if listener is None or not listener.is_news(queued):
                home.pass_over(event.id)
            elif not home.is_repeat(event.id) and _is_fresh(event, received_at, home.every):
                listener.queue(received_at, queued)
            return
        if home.is_repeat(event.id):
            return
        if listener is not None and may_be_evidence(event.type):
            home.events.append(home_event(home.hub_id, event, received_at, arrival))
        if _may_concern_alerts(event.type):
            heard = signal(home.hub_id, event, received_at, known_hub=listener is not None)
            self._found.signals.append(heard)

    def _status(self, home: _Home, received_at: datetime, status: Status | Rejected) -> None:
        if isinstance(status, Rejected):
            self._found.rejected += 1
        elif status.battery is not None:
            self._found.batteries.setdefault(home.hub_id, []).append((received_at, status.battery))
        if home.listener is None:
            return
        if isinstance(status, Status) and not status.online:
            home.listener.went_offline(received_at)
        else:
            home.listener.heard(received_at)


@lru_cache(maxsize=1000)
def _may_concern_alerts(type_: str) -> bool:
    """Whether any event of this type could touch an alert; most doors' cannot, and they are many.

    Only a credential's being there can make a difference, so it is asked of an event that has one.
    """
    probe = Signal("", "", type_, EARLIEST, EARLIEST, data={"credential": "any"})
    return concerns_alerts(type_) and worth_a_look(probe)


def _is_fresh(event: Event, received_at: datetime, heartbeat_every: timedelta) -> bool:
    return is_fresh(timing(in_utc(event.at), received_at).effective_at, received_at, heartbeat_every)
