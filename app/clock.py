"""The one place that reads the wall clock. Everything else is given `now`, or a Clock to ask."""

from collections.abc import Callable
from datetime import UTC, datetime

from app.settings import ClockSettings
from device_sim.clock import HurriedClock

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The moment, aware, in UTC."""
    return datetime.now(UTC)


def clock_of(settings: ClockSettings) -> Clock:
    """The clock that the settings ask for: the wall clock, or one that hurries for a simulation."""
    if not settings.is_simulated:
        return system_clock
    since = settings.since or system_clock()
    return HurriedClock(system_clock, settings.speed, since, settings.shows).now
