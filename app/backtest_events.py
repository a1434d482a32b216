"""The events file of a backtest (contract §5): JSON lines to what care and alerts have to know.

Each line is checked as the gateway checks it and understood as ingest understands it; what the service stores
once counts once here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from alerts.model import Signal
from care.evidence import may_be_evidence
from care.hearing import Listener, is_fresh, queued_of
from care.model import Estate, HomeEvent
from care.policy import Policy
from gateway.clock import in_utc, timing
from gateway.codec import MAX_DATA_BYTES, MAX_DEPTH, Rejected, decode_event, decode_status
from gateway.model import AwareTime, Event, Status
from ingest.facts import concerns_alerts, fact, home_event, signal
from ingest.hearing import HEARTBEAT

_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_BLANK = b" \t\r\n"


class _Line(msgspec.Struct, frozen=True):
    """One line of the file; what the hub sent is looked into afterwards."""

    hub: str
    received_at: AwareTime
    event: msgspec.Raw = msgspec.Raw()
    status: msgspec.Raw = msgspec.Raw()


class _PlainLine(msgspec.Struct, frozen=True):
    """A line whose event is decoded along with it, as nearly all can be."""

    hub: str
    received_at: AwareTime
    event: Event
    status: msgspec.Raw = msgspec.Raw()


_line_decoder = msgspec.json.Decoder(_Line)
_plain_decoder = msgspec.json.Decoder(_PlainLine)


class _Message(msgspec.Struct, frozen=True, gc=False):
    """A line taken apart."""

    hub_id: str
    received_at: datetime
    event: Event | Rejected | None
    status: Status | Rejected | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message of a hub that was rejected and looks like a call for help (domain/alarms.md §1)."""

    hub_id: str
    received_at: datetime
    reason: str


@dataclass(slots=True)
class Received:
    """All that the file holds up to a moment, in order of arrival.

    `listeners` of every hub of the estate; `batteries` by hub, what statuses said and when; `rejected` counts
    the lines that could not be read; `last` is the last moment of receipt, None in a file without any.
    """

    listeners: dict[str, Listener]
    events: dict[str, list[HomeEvent]] = field(default_factory=dict)
    signals: list[Signal] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    batteries: dict[str, list[tuple[datetime, float]]] = field(default_factory=dict)
    rejected: int = 0
    last: datetime | None = None


class _OutOfOrderError(Exception):
    """A line was received before the line above it."""


def read_events(path: Path, estate: Estate, policy: Policy, until: datetime | None) -> Received:
    """Everything in the file that was received by `until` (None: all of it). Raises OSError.

    Files written by a recorder are in order of receipt and are read as they come; any other order is sorted
    in memory first, lines of one moment staying in the order of the file.
    """
    try:
        with path.open("rb") as lines:
            return _Reader(estate, policy, until).read(_in_file_order(lines))
    except _OutOfOrderError:
        with path.open("rb") as lines:
            ordered = sorted(
                (message for raw in lines if (body := raw.strip(_BLANK)) for message in [_taken_apart(body)]),
                key=lambda message: _EARLIEST if message is None else message.received_at,
            )
        return _Reader(estate, policy, until).read(ordered)


def _in_file_order(lines: Iterable[bytes]) -> Iterator[_Message | None]:
    latest = _EARLIEST
    for raw in lines:
        body = raw.strip(_BLANK)
        if not body:
            continue
        message = _taken_apart(body)
        if message is not None:
            if message.received_at < latest:
                raise _OutOfOrderError
            latest = message.received_at
        yield message


def _taken_apart(body: bytes) -> _Message | None:
    """What one line holds; None when it is no line of this file at all."""
    line = _plain_line(body) or _careful_line(body)
    if line is None:
        return None
    if not _EARLIEST <= line.received_at <= _LATEST:
        return None
    if isinstance(line, _PlainLine):
        event: Event | Rejected | None = line.event
    else:
        event = decode_event(bytes(line.event)) if len(line.event) else None
    status = decode_status(bytes(line.status)) if len(line.status) else None
    if event is None and status is None:
        return None
    return _Message(line.hub, _utc(line.received_at), event, status)


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is UTC else in_utc(moment)


def _plain_line(body: bytes) -> _PlainLine | None:
    """The line with its event decoded, when that is as good as decoding the event by itself."""
    if not _is_plain(body):
        return None
    try:
        return _plain_decoder.decode(body)
    except msgspec.DecodeError:
        return None


def _careful_line(body: bytes) -> _Line | None:
    """The line with its event still to be decoded; None when not even that can be had."""
    try:
        return _line_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _is_plain(body: bytes) -> bool:
    """Whether the gateway's further checks, of size, depth and text, must all come out well."""
    return (
        len(body) <= MAX_DATA_BYTES
        and b"\\" not in body
        and body.isascii()
        and body.count(b"{") + body.count(b"[") <= MAX_DEPTH
    )


class _Reader:
    """Files each message where it belongs."""

    def __init__(self, estate: Estate, policy: Policy, until: datetime | None) -> None:
        self._until = until
        self._found = Received({hub.id: Listener(hub, policy) for hub in estate.hubs.values()})
        self._every = {hub.id: hub.heartbeat_every for hub in estate.hubs.values()}
        self._seen: dict[str, set[str]] = {hub_id: set() for hub_id in estate.hubs}

    def read(self, messages: Iterable[_Message | None]) -> Received:
        """Takes messages in order of arrival; None stands for a line that could not be read."""
        found = self._found
        for arrival, message in enumerate(messages):
            if message is None:
                found.rejected += 1
                continue
            if self._until is not None and message.received_at > self._until:
                continue
            found.last = message.received_at
            if message.event is not None:
                self._event(message.hub_id, message.received_at, arrival, message.event)
            if message.status is not None:
                self._status(message.hub_id, message.received_at, message.status)
        return found

    def _event(self, hub_id: str, received_at: datetime, arrival: int, event: Event | Rejected) -> None:
        listener = self._found.listeners.get(hub_id)
        if listener is not None:
            listener.heard(received_at)
        if isinstance(event, Rejected):
            self._found.rejected += 1
            if event.looks_like_alarm:
                self._found.unreadable.append(Unreadable(hub_id, received_at, event.reason))
            return
        seen = self._seen.get(hub_id)
        if seen is None:
            seen = self._seen[hub_id] = set()
        if event.id in seen:
            return
        seen.add(event.id)
        if event.type == HEARTBEAT:
            queued = queued_of(event.data.get("queued"))
            if listener is not None and queued is not None and self._is_fresh(hub_id, event, received_at):
                listener.queue(received_at, queued)
            return
        if listener is not None and may_be_evidence(event.type):
            seen_at_home = home_event(fact(hub_id, event, received_at), arrival)
            self._found.events.setdefault(hub_id, []).append(seen_at_home)
        if concerns_alerts(event.type):
            self._found.signals.append(signal(hub_id, event, received_at, known_hub=listener is not None))

    def _is_fresh(self, hub_id: str, event: Event, received_at: datetime) -> bool:
        every = self._every[hub_id]
        if event.at == received_at:
            return True
        return is_fresh(timing(_utc(event.at), received_at).effective_at, received_at, every)

    def _status(self, hub_id: str, received_at: datetime, status: Status | Rejected) -> None:
        if isinstance(status, Rejected):
            self._found.rejected += 1
        elif status.battery is not None:
            self._found.batteries.setdefault(hub_id, []).append((received_at, status.battery))
        listener = self._found.listeners.get(hub_id)
        if listener is None:
            return
        if isinstance(status, Status) and not status.online:
            listener.went_offline(received_at)
        else:
            listener.heard(received_at)
