"""What a hub has not yet been told is stored: kept, sent, sent again, and dropped only on a receipt."""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from device_sim.resend import is_alarm, when_to_send

EVENTS_PER_MESSAGE = 500
"""Contract §2: an array holds up to 500 events."""

BYTES_PER_MESSAGE = 30_000
"""Kept below 32 KiB, the largest message that a broker set up as recommended will take."""

ORDINARY_AWAITING = 1_000
"""How many ordinary events may wait for their receipts at once. When the platform is away, a hub with
a long backlog would otherwise pour all of it into the broker's queue at every round. Alarms know no limit."""


@dataclass(slots=True)
class Entry:
    """One event in a hub's store, encoded once."""

    id: str
    type: str
    body: bytes
    created: float
    order: int
    alarm: bool
    sendings: int = 0
    last_sent: float | None = None
    first_sent: float | None = None
    settled: bool = False
    awaiting: bool = False


@dataclass(slots=True)
class _Lane:
    """Entries of one urgency: those that may go now, and those that wait for a receipt first."""

    limit: int | None
    ready: list[tuple[float, int, Entry]] = field(default_factory=list)
    waiting: list[tuple[float, int, Entry]] = field(default_factory=list)
    awaiting: int = 0

    def settle(self, entry: Entry) -> None:
        """Forget an entry; its places in the heaps are skipped when they come up."""
        if entry.awaiting:
            entry.awaiting = False
            self.awaiting -= 1

    def advance(self, now: float) -> None:
        """Entries whose wait is over may go again, in the order in which they fell due."""
        while self.waiting and (self.waiting[0][0] <= now or self.waiting[0][2].settled):
            due = heapq.heappop(self.waiting)
            if not due[2].settled:
                self.settle(due[2])
                heapq.heappush(self.ready, due)

    def next(self, now: float) -> Entry | None:
        """The entry that has been due longest, or None when nothing may go now."""
        while self.ready and self.ready[0][2].settled:
            heapq.heappop(self.ready)
        full = self.limit is not None and self.awaiting >= self.limit
        if full or not self.ready or self.ready[0][0] > now:
            return None
        return self.ready[0][2]

    def wakes_at(self) -> float | None:
        """When the next wait is over, whatever may go already."""
        while self.waiting and self.waiting[0][2].settled:
            heapq.heappop(self.waiting)
        return self.waiting[0][0] if self.waiting else None


class Outbox:
    """The store of one hub. Knows no network: it is told what happened and says what to send.

    All times are monotonic seconds. While it is not connected nothing is due.
    """

    def __init__(self, *, ordinary_awaiting: int = ORDINARY_AWAITING) -> None:
        self._entries: dict[str, Entry] = {}
        self._alarms = _Lane(limit=None)
        self._ordinary = _Lane(limit=ordinary_awaiting)
        self._order = 0
        self._connected_since: float | None = None
        self.sent_again = 0
        """How many times an event was sent that had been sent before."""

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, event_id: object) -> bool:
        return event_id in self._entries

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def put(self, event_id: str, event_type: str, body: bytes, now: float) -> Entry:
        """Keep an event. Raises ValueError when the id is in the store already."""
        if event_id in self._entries:
            raise ValueError(f"event id {event_id!r} is in the store already")
        self._order += 1
        entry = Entry(event_id, event_type, body, now, self._order, is_alarm(event_type))
        self._entries[event_id] = entry
        self._schedule(entry)
        return entry

    def settle(self, event_id: str) -> Entry | None:
        """Drop an event that a receipt names; None when it is not (or no longer) in the store."""
        entry = self._entries.pop(event_id, None)
        if entry is not None:
            self._lane(entry).settle(entry)
            entry.settled = True
        return entry

    def connected(self, now: float) -> None:
        """A connection begins: everything without a receipt is due, in the order it was made."""
        self._connected_since = now
        for lane in (self._alarms, self._ordinary):
            lane.ready, lane.waiting, lane.awaiting = [], [], 0
        for entry in self._entries.values():
            entry.sendings, entry.awaiting = 0, False
            self._schedule(entry)

    def disconnected(self) -> None:
        """The connection is gone: nothing is due until the next."""
        self._connected_since = None

    def take(self, now: float, messages: int) -> list[list[Entry]]:
        """Up to `messages` messages to publish now, alarms first, each a list of events that fit in one.

        What is taken counts as sent. Alarms and ordinary events never share a message: an alarm is not
        kept waiting by what travels with it.
        """
        taken: list[list[Entry]] = []
        if self._connected_since is None:
            return taken
        for lane in (self._alarms, self._ordinary):
            lane.advance(now)
            while len(taken) < messages and (batch := self._fill(lane, now)):
                taken.append(batch)
        return taken

    def wakes_at(self) -> float | None:
        """When something more falls due by time alone; None when only an outside event can change that."""
        if self._connected_since is None:
            return None
        times = [at for lane in (self._alarms, self._ordinary) if (at := lane.wakes_at()) is not None]
        return min(times, default=None)

    def backlog(self, now: float) -> int:
        """Events that the platform cannot be presumed to have: not sent on this connection, or overdue.

        What was sent and still may get its receipt in good time does not count, or a hub that speaks
        all the time would never be able to say that its queue is empty.
        """
        for lane in (self._alarms, self._ordinary):
            lane.advance(now)
        return len(self._entries) - self._alarms.awaiting - self._ordinary.awaiting

    def _lane(self, entry: Entry) -> _Lane:
        return self._alarms if entry.alarm else self._ordinary

    def _schedule(self, entry: Entry) -> None:
        due = when_to_send(
            alarm=entry.alarm,
            created=entry.created,
            sendings=entry.sendings,
            last_sent=entry.last_sent,
            connected_since=self._connected_since,
        )
        if due.at is None:
            return
        lane = self._lane(entry)
        if entry.awaiting:
            heapq.heappush(lane.waiting, (due.at, entry.order, entry))
        else:
            heapq.heappush(lane.ready, (due.at, entry.order, entry))

    def _fill(self, lane: _Lane, now: float) -> list[Entry]:
        batch: deque[Entry] = deque()
        size = 2
        while len(batch) < EVENTS_PER_MESSAGE and (entry := lane.next(now)) is not None:
            size += len(entry.body) + 1
            if batch and size > BYTES_PER_MESSAGE:
                break
            heapq.heappop(lane.ready)
            self._mark_sent(lane, entry, now)
            batch.append(entry)
        return list(batch)

    def _mark_sent(self, lane: _Lane, entry: Entry, now: float) -> None:
        if entry.last_sent is None:
            entry.first_sent = now
        else:
            self.sent_again += 1
        entry.sendings += 1
        entry.last_sent = now
        entry.awaiting = True
        lane.awaiting += 1
        self._schedule(entry)


def message_of(batch: Iterable[Entry]) -> bytes:
    """The payload of one message: a lone event as an object, several as an array."""
    bodies = [entry.body for entry in batch]
    return bodies[0] if len(bodies) == 1 else b"[" + b",".join(bodies) + b"]"
