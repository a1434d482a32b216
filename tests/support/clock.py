"""A clock that tests move."""

from datetime import UTC, datetime, timedelta

import pytest

START = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
"""A Saturday morning in winter time, so that London's wall clock is UTC unless a test wants otherwise."""


class MovableClock:
    """Tells the time that the test last set: `clock()` is an aware datetime in UTC."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def __call__(self) -> datetime:
        return self._now

    @property
    def now(self) -> datetime:
        """The same as calling it."""
        return self._now

    def advance(self, by: timedelta | None = None, **parts: float) -> datetime:
        """Move it on, by a timedelta or `minutes=3`; returns the new time. Time does not go back."""
        step = (by or timedelta()) + timedelta(**parts)
        if step < timedelta():
            raise ValueError(f"a clock that goes back needs set(): {step}")
        self._now += step
        return self._now

    def set(self, now: datetime) -> None:
        """Put it anywhere: jumps, and clocks that are wrong."""
        if now.tzinfo is None:
            raise ValueError("a time without a zone")
        self._now = now.astimezone(UTC)


@pytest.fixture
def clock() -> MovableClock:
    """A clock at 2026-11-21 07:30 UTC that stands until the test moves it."""
    return MovableClock()
