"""Time that a test moves: what sleeps on it wakes in order, and nothing waits for real."""

import asyncio
import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)


class Arranged:
    """A call that can be taken back."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class SimulatedTime:
    """A `device_sim.clock.Clock` that stands still until it is moved."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed = 0.0
        self._calls: list[tuple[float, int, Arranged]] = []
        self._order = 0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Arranged:
        self._order += 1
        call = Arranged(callback)
        heapq.heappush(self._calls, (self._elapsed + seconds, self._order, call))
        return call

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            woken = asyncio.Event()
            self.call_later(seconds, woken.set)
            await woken.wait()

    async def passes(self, seconds: float) -> None:
        """Move time on, making every call at its moment and letting what it woke run before the next."""
        end = self._elapsed + seconds
        await _settle()
        while self._calls and self._calls[0][0] <= end:
            at, _, call = heapq.heappop(self._calls)
            self._elapsed = max(self._elapsed, at)
            if call.callback is not None:
                call.callback()
                await _settle()
        self._elapsed = end


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)
