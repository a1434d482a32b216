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
from gateway.clock import in_utc, timing
from gateway.codec import Rejected, decode_event, decode_status
from gateway.model import AwareTime, Status
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


_decoder = msgspec.json.Decoder(_Line)


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


def read_events(path: Path, estate: Estate, until: datetime | None) -> Received:
    """Everything in the file that was received by `until` (None: all of it). Raises OSError.

    Files written by a recorder are in order of receipt and are read as they come; any other order is sorted
    in memory first, lines of one moment staying in the order of the file.
    """
    try:
        with path.open("rb") as lines:
            return _Reader(estate, until).read(_in_file_order(lines))
    except _OutOfOrderError:
        with path.open("rb") as lines:
            ordered = sorted(
                (line for line in map(_line, lines) if line is not None),
                key=lambda line: _EARLIEST if isinstance(line, bytes) else line.received_at,
            )
        return _Reader(estate, until).read(ordered)


def _line(raw: bytes) -> _Line | bytes | None:
    """One line taken apart; the bytes themselves when that cannot be done, None when there are none."""
    body = raw.strip(_BLANK)
    if not body:
        return None
    try:
        line = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    if not _EARLIEST <= line.received_at <= _LATEST or not (len(line.event) or len(line.status)):
        return body
    return line


def _in_file_order(lines: Iterable[bytes]) -> Iterator[_Line | bytes]:
    latest = _EARLIEST
    for raw in lines:
        line = _line(raw)
        if isinstance(line, _Line):
            if line.received_at < latest:
                raise _OutOfOrderError
            latest = line.received_at
        if line is not None:
            yield line


class _Reader:
    """Files each line where it belongs."""

    def __init__(self, estate: Estate, until: datetime | None) -> None:
        self._hubs = estate.hubs
        self._until = until
        self._found = Received({hub.id: Listener(hub) for hub in estate.hubs.values()})
        self._seen: dict[str, set[str]] = {}

    def read(self, lines: Iterable[_Line | bytes]) -> Received:
        """Takes lines in order of arrival."""
        found = self._found
        for arrival, line in enumerate(lines):
            if isinstance(line, bytes):
                found.rejected += 1
                continue
            received_at = line.received_at.astimezone(UTC)
            if self._until is not None and received_at > self._until:
                continue
            found.last = received_at
            if len(line.event):
                self._event(line.hub, received_at, arrival, bytes(line.event))
            if len(line.status):
                self._status(line.hub, received_at, arrival, bytes(line.status))
        return found

    def _event(self, hub_id: str, received_at: datetime, arrival: int, raw: bytes) -> None:
        listener = self._found.listeners.get(hub_id)
        if listener is not None:
            listener.heard(received_at, arrival)
        event = decode_event(raw)
        if isinstance(event, Rejected):
            self._found.rejected += 1
            if event.looks_like_alarm:
                self._found.unreadable.append(Unreadable(hub_id, received_at, event.reason))
            return
        seen = self._seen.setdefault(hub_id, set())
        if event.id in seen:
            return
        seen.add(event.id)
        if event.type == HEARTBEAT:
            queued = queued_of(event.data.get("queued"))
            if listener is not None and queued is not None:
                effective_at = timing(in_utc(event.at), received_at).effective_at
                if is_fresh(effective_at, received_at, self._hubs[hub_id].heartbeat_every):
                    listener.queue(received_at, arrival, queued)
            return
        if listener is not None and may_be_evidence(event.type):
            seen_at_home = home_event(fact(hub_id, event, received_at), arrival)
            self._found.events.setdefault(hub_id, []).append(seen_at_home)
        if concerns_alerts(event.type):
            self._found.signals.append(signal(hub_id, event, received_at, known_hub=listener is not None))

    def _status(self, hub_id: str, received_at: datetime, arrival: int, raw: bytes) -> None:
        listener = self._found.listeners.get(hub_id)
        status = decode_status(raw)
        if isinstance(status, Status) and status.battery is not None:
            self._found.batteries.setdefault(hub_id, []).append((received_at, status.battery))
        if isinstance(status, Rejected):
            self._found.rejected += 1
        if listener is None:
            return
        if isinstance(status, Status) and not status.online:
            listener.went_offline(received_at, arrival)
        else:
            listener.heard(received_at, arrival)
