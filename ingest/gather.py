"""Messages in hand, and when they are written. `due` decides; `Gatherer` holds and waits."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

from gateway.session import Message
from ingest.model import Arrival
from ingest.presence import Marker

MOST_MESSAGES = 20_000
"""In hand before we stop reading. Reading ahead is what lets a press overtake: the broker keeps one order,
and its own limit (max_inflight_messages) is not kept by Mosquitto 2.0.11, which sends all it has."""
MOST_BYTES = 32 * 1024 * 1024
"""Payload in hand before we stop reading."""


@dataclass(frozen=True, slots=True)
class InHand:
    """A message that is still the broker's: what it says, and what to acknowledge once that is committed.

    Without `content` it says nothing, and is only to be acknowledged in its turn.
    """

    message: Message
    content: Arrival | Marker | None
    taken: float


def due(events: int, urgent: bool, waited: float, *, size: int, wait: float) -> str | None:
    """Why what is in hand should be written now; None: it may wait for more. Times in seconds."""
    if events == 0:
        return None
    if urgent:
        return "urgent"
    if events >= size:
        return "full"
    if waited >= wait:
        return "waited"
    return None


class Gatherer:
    """What has been taken from the broker and is not committed yet."""

    def __init__(self, *, size: int, wait: float) -> None:
        self._size = size
        self._wait = wait
        self._urgent: deque[InHand] = deque()
        self._ordinary: deque[InHand] = deque()
        self._events = 0
        self._bytes = 0
        self._hint = asyncio.Event()

    def __len__(self) -> int:
        return len(self._urgent) + len(self._ordinary)

    @property
    def is_full(self) -> bool:
        """Too much is in hand to take more."""
        return len(self) >= MOST_MESSAGES or self._bytes > MOST_BYTES

    @property
    def has_room(self) -> bool:
        """Enough was written since to take more again."""
        return len(self) < MOST_MESSAGES // 2 and self._bytes < MOST_BYTES // 2

    def add(self, one: InHand) -> None:
        """Takes a message in hand."""
        urgent = isinstance(one.content, Arrival) and one.content.is_urgent
        (self._urgent if urgent else self._ordinary).append(one)
        before = self._events
        self._events += _weight(one)
        self._bytes += len(one.message.payload)
        if urgent or before == 0 or before < self._size <= self._events:
            self._hint.set()

    def drop(self, connection: Any) -> int:
        """Forgets what came by a connection that has ended: the next one is delivered all of it again."""
        before = len(self)
        for queue in (self._urgent, self._ordinary):
            stay = [one for one in queue if one.message.connection is not connection]
            queue.clear()
            queue.extend(stay)
        self._count()
        return before - len(self)

    async def batch(self) -> tuple[list[InHand], str]:
        """Waits until something is due, and takes it out: urgent messages first, each kind in its order."""
        loop = asyncio.get_running_loop()
        while True:
            oldest = min((queue[0].taken for queue in (self._urgent, self._ordinary) if queue), default=None)
            waited = 0.0 if oldest is None else loop.time() - oldest
            why = due(self._events, bool(self._urgent), waited, size=self._size, wait=self._wait)
            if why is not None:
                return self._take(), why
            self._hint.clear()
            if oldest is None:
                await self._hint.wait()
                continue
            handle = loop.call_later(self._wait - waited, self._hint.set)
            try:
                await self._hint.wait()
            finally:
                handle.cancel()

    def _take(self) -> list[InHand]:
        taken: list[InHand] = []
        events = 0
        for queue in (self._urgent, self._ordinary):
            while queue and (events == 0 or events + _weight(queue[0]) <= self._size):
                events += _weight(queue[0])
                taken.append(queue.popleft())
        self._events -= events
        self._bytes -= sum(len(one.message.payload) for one in taken)
        return taken

    def _count(self) -> None:
        everything = [*self._urgent, *self._ordinary]
        self._events = sum(_weight(one) for one in everything)
        self._bytes = sum(len(one.message.payload) for one in everything)


def _weight(one: InHand) -> int:
    return one.content.weight if isinstance(one.content, Arrival) else 1
