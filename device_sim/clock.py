"""What a simulated home needs of time. The program passes real time in; tests pass time that they move."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol


class Timer(Protocol):
    """A call that has been arranged and can be taken back."""

    def cancel(self) -> None:
        """Take the call back; nothing happens if it was made already."""


class Clock(Protocol):
    """Wall time for what is said, steady time for when to say it again."""

    def now(self) -> datetime:
        """The true time, aware and in UTC. A home adds its own error to it."""

    def monotonic(self) -> float:
        """Seconds that never go back, from any origin."""

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call back once, `seconds` of this clock from now."""

    async def sleep(self, seconds: float) -> None:
        """Return when `seconds` of this clock have passed; at once when not above zero."""


class RealClock:
    """Real time. The wall clock is handed in, so that one place in the program reads it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def now(self) -> datetime:
        """The true time, aware and in UTC."""
        return self._now()

    def monotonic(self) -> float:
        """Seconds of the running event loop's clock."""
        return asyncio.get_running_loop().time()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call back once, `seconds` from now, on the running event loop."""
        return asyncio.get_running_loop().call_later(seconds, callback)

    async def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed."""
        await asyncio.sleep(max(0.0, seconds))


class HurriedClock(RealClock):
    """A day in minutes: what is said bears a time that runs `speed` times faster since a true moment.

    Only `now` hurries. The network does not, so pauses before something is said again, and every other
    measured time, stay real; whoever waits for a moment of this clock waits `until`.
    """

    def __init__(
        self, now: Callable[[], datetime], speed: float, since: datetime | None, begin: datetime | None = None
    ) -> None:
        super().__init__(now)
        self.speed = speed
        self._since = since
        self._begin = begin or since or now()

    def start(self) -> None:
        """Lets a clock that stands at `begin`, as one without `since` does, run from now on."""
        self._since = self._since or super().now()

    def now(self) -> datetime:
        """The hurried time; at the true moment `since` it was `begin`."""
        return self._begin + (super().now() - self._since) * self.speed if self._since else self._begin

    async def until(self, moment: datetime) -> None:
        """Return when this clock has reached a moment; at once when that is past."""
        await self.sleep((moment - self.now()).total_seconds() / self.speed)
