"""Messages in hand, and when they are written. `due` decides; `Gatherer` holds and waits."""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from zlib import crc32

import msgspec

from gateway.session import Message
from ingest.model import Arrival
from ingest.presence import Marker
from ingest.turns import next_turn

MOST_MESSAGES = 20_000
"""In hand before we stop reading. Reading ahead is what lets a press overtake: the broker keeps one order,
and its own limit (max_inflight_messages) is not kept by Mosquitto 2.0.11, which sends all it has."""
MOST_BYTES = 32 * 1024 * 1024
"""Payload in hand before we stop reading."""
LONGEST_WAY = 0.05
"""Seconds for which everyday work gives way to calls for help at one time. In a storm of them it goes on for
as long before it gives way again."""


class InHand(msgspec.Struct, eq=False):
    """A message that is still the broker's: what it says, and what to acknowledge once that is committed.

    Without `content` it says nothing, and is only to be acknowledged in its turn.
    """

    message: Message
    content: Arrival | Marker | None
    taken: float

    @property
    def weight(self) -> int:
        """What it adds to a batch, counted in events."""
        return self.content.weight if isinstance(self.content, Arrival) else 1


class Lane(StrEnum):
    """Queues, each written by a connection of its own, so that a press waits for no other batch.

    Half of the hubs have the one ordinary lane and half the other: while the database works on a batch of the
    one, the other's is made ready. What a hub says keeps its order within each kind.
    """

    ORDINARY = "ordinary"
    SECOND = "second"
    URGENT = "urgent"


def lane_of(content: Arrival | Marker | None) -> Lane:
    """Where a message goes: urgent is what may be somebody calling for help (DESIGN, promise 7)."""
    if not isinstance(content, Arrival):
        return Lane.ORDINARY
    if content.is_urgent:
        return Lane.URGENT
    # Of another maker's bridge any message may speak of any of its hubs: they stay in one lane.
    if content.hub is not None and content.adapted is None and crc32(content.hub.encode()) & 1:
        return Lane.SECOND
    return Lane.ORDINARY


def due(lane: Lane, events: int, waited: float, *, size: int, wait: float) -> str | None:
    """Why what is in hand should be written now; None: it may wait for more. Times in seconds."""
    if events == 0:
        return None
    if lane is Lane.URGENT:
        return "urgent"
    if events >= size:
        return "full"
    if waited >= wait:
        return "waited"
    return None


@dataclass(slots=True)
class _Queue:
    waiting: deque[InHand] = field(default_factory=deque)
    being_written: list[InHand] = field(default_factory=list)
    events: int = 0
    hint: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, size: int) -> list[InHand]:
        taken: list[InHand] = []
        events = 0
        while self.waiting and (events == 0 or events + self.waiting[0].weight <= size):
            events += self.waiting[0].weight
            taken.append(self.waiting.popleft())
        self.events -= events
        return taken


class Gatherer:
    """What has been taken from the broker and is not being written yet."""

    def __init__(self, *, size: int, wait: float) -> None:
        self._size = size
        self._wait = wait
        self._queues = {lane: _Queue() for lane in Lane}
        self._messages = 0
        self._bytes = 0
        self._nobody_calls = asyncio.Event()
        self._nobody_calls.set()
        self._goes_on_until = 0.0
        self.behind: Callable[[], bool] = lambda: False
        """Whether there is more to take at once."""
        self.settled = asyncio.Event()
        """Set while nothing is in hand, and every lane has done with what it wrote last."""
        self.settled.set()

    def __len__(self) -> int:
        return self._messages

    @property
    def is_full(self) -> bool:
        """Too much is in hand to take more."""
        return self._messages >= MOST_MESSAGES or self._bytes > MOST_BYTES

    @property
    def has_room(self) -> bool:
        """Enough was written since to take more again."""
        return len(self) < MOST_MESSAGES // 2 and self._bytes < MOST_BYTES // 2

    def add(self, one: InHand, lane: Lane) -> None:
        """Takes a message in hand, behind what waits in its lane."""
        queue = self._queues[lane]
        queue.waiting.append(one)
        self.settled.clear()
        if lane is Lane.URGENT:
            self._nobody_calls.clear()
        before, queue.events = queue.events, queue.events + one.weight
        self._messages += 1
        self._bytes += len(one.message.payload)
        if lane is Lane.URGENT or before == 0 or before < self._size <= queue.events:
            queue.hint.set()

    def drop(self, connection: Any) -> int:
        """Forgets what came by a connection that has ended: the next one is delivered all of it again."""
        before = self._messages
        self._messages = self._bytes = 0
        for queue in self._queues.values():
            stay = [one for one in queue.waiting if one.message.connection is not connection]
            queue.waiting = deque(stay)
            queue.events = sum(one.weight for one in stay)
            self._messages += len(stay)
            self._bytes += sum(len(one.message.payload) for one in stay)
        self._look_again()
        return before - self._messages

    def _look_again(self) -> None:
        if not self._messages and not any(queue.being_written for queue in self._queues.values()):
            self.settled.set()
        urgent = self._queues[Lane.URGENT]
        if not urgent.waiting and not urgent.being_written:
            self._nobody_calls.set()

    async def give_way(self) -> None:
        """Lets others in this process have their turn, and calls for help be written before all else."""
        await next_turn()
        loop = asyncio.get_running_loop()
        if loop.time() < self._goes_on_until or (self._nobody_calls.is_set() and not self.behind()):
            return
        try:
            async with asyncio.timeout(LONGEST_WAY):
                while self.behind():  # a call may lie in what is not read yet
                    await next_turn()
                await self._nobody_calls.wait()
        except TimeoutError:
            self._goes_on_until = loop.time() + LONGEST_WAY

    def holds(self, mid: int) -> bool:
        """Whether a message of this id waits here, or is in a batch that a lane has not done with yet."""
        return any(
            one.message.mid == mid
            for queue in self._queues.values()
            for one in itertools.chain(queue.waiting, queue.being_written)
        )

    async def batch(self, lane: Lane) -> tuple[list[InHand], str]:
        """Waits until something of this lane is due, and takes it out in its order; and why it was due.

        Who asks for the next batch has done with the one before.
        """
        loop = asyncio.get_running_loop()
        queue = self._queues[lane]
        queue.being_written = []
        self._look_again()
        while True:
            waited = loop.time() - queue.waiting[0].taken if queue.waiting else 0.0
            why = due(lane, queue.events, waited, size=self._size, wait=self._wait)
            if why is not None:
                taken = queue.take(self._size)
                self._messages -= len(taken)
                self._bytes -= sum(len(one.message.payload) for one in taken)
                queue.being_written = taken
                return taken, why
            queue.hint.clear()
            if not queue.waiting:
                await queue.hint.wait()
                continue
            handle = loop.call_later(self._wait - waited, queue.hint.set)
            try:
                await queue.hint.wait()
            finally:
                handle.cancel()
