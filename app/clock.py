"""The one place that reads the wall clock. Everything else is given `now`, or a Clock to ask."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The moment, aware, in UTC."""
    return datetime.now(UTC)
