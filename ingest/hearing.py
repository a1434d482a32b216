"""What a batch says of the hubs themselves: when they were heard, their queue, their clock. Pure.

Source: domain/visits.md §6 ("Could the home speak?").
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

import msgspec

from gateway.clock import in_utc, timing
from gateway.model import Event, Status
from ingest.model import Arrival
from ingest.sequence import Followed

HEARTBEAT = "heartbeat"
CLOCK_SAMPLES = 9
"""Fresh heartbeats whose median tells a hub's clock from ours: one held up on its way changes nothing."""
MOST_QUEUED = 2**31 - 1
"""What the column holds; a hub that claims more is as far from done as one that claims this."""


LANES_APART = timedelta(minutes=5)
"""One lane of intake may be so far behind the other. A message that seems older still was stamped before our
clock was set back, and counts."""


class HubRow(msgspec.Struct, frozen=True):
    """What one batch changes in a hub's row. None leaves what stands there."""

    id: str
    heard_from: datetime | None
    heard_to: datetime | None
    online: bool | None
    status: dict[str, Any] | None
    status_at: datetime | None
    queued: int | None
    last_seq: int | None
    boot: str | None
    clock_offset_s: float | None
    clock_samples: tuple[float, ...] | None
    look_again_at: datetime | None


@dataclass(frozen=True, slots=True)
class KnownHub:
    """What the estate and earlier batches say of a hub."""

    id: str
    heartbeat_every: timedelta
    last_heard_at: datetime | None
    online: bool | None
    next_check_at: datetime | None
    boot: str | None = None
    last_seq: int | None = None
    clock_samples: Sequence[float] = ()
    status_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What one heartbeat says of the hub's queue, and how old it was when it came."""

    queued: int
    age: timedelta


class StatusRow(msgspec.Struct, frozen=True):
    """One status as it came, for the rules that ask when a home could speak."""

    hub_id: str
    received_at: datetime
    online: bool
    status: dict[str, Any]


@dataclass(slots=True)
class Heard:
    """One hub in one batch, gathered message by message in the order of arrival."""

    hub: str
    times: list[datetime] = field(default_factory=list)
    online: bool | None = None
    status: Status | None = None
    status_at: datetime | None = None
    statuses: list[StatusRow] = field(default_factory=list)
    kept_statuses: list[StatusRow] = field(default_factory=list)
    heartbeats: list[Heartbeat] = field(default_factory=list)
    clock_samples: list[float] = field(default_factory=list)

    def take(self, arrival: Arrival) -> None:
        """Adds what one message of this hub tells."""
        if arrival.is_spoken:
            self.times.append(arrival.received_at)
            self.online = True
        if arrival.status is not None:
            self._take_status(arrival.status, arrival.received_at, arrival.retained)
        for event in arrival.events:
            self._take_event(event, arrival.received_at)

    def _take_status(self, status: Status, received_at: datetime, retained: bool) -> None:
        row = StatusRow(self.hub, received_at, status.online, _as_dict(status))
        (self.kept_statuses if retained else self.statuses).append(row)
        self.online = status.online
        self.status, self.status_at = status, received_at

    def _take_event(self, event: Event, received_at: datetime) -> None:
        if event.type != HEARTBEAT:
            return
        at = in_utc(event.at)
        queued = event.data.get("queued")
        if not queued:  # with nothing before it in the queue it came as it was said
            self.clock_samples.append((at - received_at).total_seconds())
        if isinstance(queued, int) and not isinstance(queued, bool) and queued >= 0:
            age = received_at - timing(at, received_at).effective_at
            self.heartbeats.append(Heartbeat(min(queued, MOST_QUEUED), age))

    def yield_to(self, known: KnownHub) -> None:
        """Says nothing of being online where something later is known: the other lane was quicker.

        A press that is committed after its home's farewell must not make the home alive again.
        """
        said = max((*self.times, *([self.status_at] if self.status_at else ())), default=None)
        stands = max((at for at in (known.last_heard_at, known.status_at) if at), default=None)
        if said and stands and said < stands <= said + LANES_APART:
            self.online = self.status = self.status_at = None

    def queued(self, every: timedelta) -> int | None:
        """The queue that the last fresh heartbeat tells of; None when this batch has none.

        A heartbeat that lay in a buffer tells how things stood then.
        """
        fresh = [heartbeat.queued for heartbeat in self.heartbeats if heartbeat.age <= every]
        return fresh[-1] if fresh else None

    def told_anew(self, known: KnownHub) -> tuple[StatusRow, ...]:
        """The statuses worth a record: each live one, and a kept one that differs from what we knew."""
        kept = [row for row in self.kept_statuses if row.online is not known.online]
        return (*self.statuses, *kept)

    def row(self, known: KnownHub, followed: Followed | None, look_again_at: datetime | None) -> HubRow:
        """What to change in the hub's row; `look_again_at` when supervision should look at it."""
        samples = (*known.clock_samples, *self.clock_samples)[-CLOCK_SAMPLES:]
        return HubRow(
            id=self.hub,
            heard_from=min(self.times, default=None),
            heard_to=max(self.times, default=None),
            online=self.online,
            status=None if self.status is None else _as_dict(self.status),
            status_at=self.status_at,
            queued=self.queued(known.heartbeat_every),
            last_seq=followed.last_seq if followed else None,
            boot=followed.boot if followed else None,
            clock_offset_s=median(samples) if self.clock_samples else None,
            clock_samples=samples if self.clock_samples else None,
            look_again_at=look_again_at,
        )


def _as_dict(status: Status) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(status)
    return shown


def gather(arrivals: Iterable[Arrival], heard: dict[str, Heard]) -> None:
    """Adds what each hub said to what it said before in the same batch, by hub."""
    for arrival in arrivals:
        if arrival.hub is not None:
            said = heard.get(arrival.hub)
            if said is None:
                said = heard[arrival.hub] = Heard(arrival.hub)
            said.take(arrival)


GAP_FACTOR = 1.25
"""A heartbeat that comes a moment late is no gap: half of all heartbeats do. Silence begins at 2.5 (policy
`silence_factor`); a policy below this could not be held in the live service."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A time between two messages of a hub that is well over its own interval."""

    heard_from: datetime
    heard_to: datetime


def gaps(before: datetime | None, times: Sequence[datetime], every: timedelta) -> tuple[Gap, ...]:
    """The gaps that end in this batch. `before`: when the hub was last heard until now; None: never.

    Only gaps longer than `GAP_FACTOR` × `every` count; the rules for silence begin at a larger multiple.
    """
    found: list[Gap] = []
    last = before
    for moment in sorted(times):
        if last is not None and moment - last > GAP_FACTOR * every:
            found.append(Gap(last, moment))
        last = moment if last is None else max(last, moment)
    return tuple(found)


def calls_for_a_look(known: KnownHub, heard: Heard, found: Sequence[Gap]) -> str | None:
    """Why supervision should look at the hub now, or None when its own next look is soon enough."""
    if heard.times and known.last_heard_at is None:
        return "heard for the first time"
    if found:
        return "heard after a gap"
    if heard.online is not None and known.online is not None and heard.online is not known.online:
        return "back" if heard.online else "gone"
    if heard.times and known.next_check_at is None:
        return "heard after a long silence"
    return None
