"""What a device's clock is worth."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.clock import Timing, in_utc, timing

RECEIVED = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DAY = timedelta(hours=24)
MONTH = timedelta(days=30)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (RECEIVED - timedelta(minutes=5), Timing(RECEIVED - timedelta(minutes=5), False)),
        (RECEIVED, Timing(RECEIVED, False)),
        (RECEIVED + TICK, Timing(RECEIVED, False)),
        (RECEIVED + DAY, Timing(RECEIVED, False)),
        (RECEIVED + DAY + TICK, Timing(RECEIVED, True)),
        (RECEIVED - MONTH, Timing(RECEIVED - MONTH, False)),
        (RECEIVED - MONTH - TICK, Timing(RECEIVED, True)),
    ],
)
def test_effective_time_at_its_boundaries(at: datetime, expected: Timing) -> None:
    """An event never happened after its receipt; beyond a day or a month its clock is not believed."""
    assert timing(at, RECEIVED) == expected


@pytest.mark.parametrize(
    ("at", "utc"),
    [
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), datetime(1, 1, 1, tzinfo=UTC)),
        (
            datetime(9999, 12, 31, 23, 59, tzinfo=timezone(-timedelta(hours=12))),
            datetime.max.replace(tzinfo=UTC),
        ),
        (datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=1))), datetime(2026, 7, 1, 11, tzinfo=UTC)),
    ],
)
def test_times_beyond_the_calendar_are_held_at_its_edge(at: datetime, utc: datetime) -> None:
    """A time that UTC cannot write is clamped instead of raising an error."""
    assert in_utc(at) == utc
    assert timing(at, RECEIVED).effective_at <= RECEIVED
