"""Wall times on nights when the clocks change."""

from datetime import UTC, date, datetime, time

import pytest

from care.walltime import first_after, last_at_or_before, resolve

LONDON, LORD_HOWE, APIA = "Europe/London", "Australia/Lord_Howe", "Pacific/Apia"


@pytest.mark.parametrize(
    ("day", "wall", "zone", "expected", "moved"),
    [
        (date(2026, 1, 10), time(8), LONDON, "2026-01-10T08:00", False),
        (date(2026, 7, 10), time(8), LONDON, "2026-07-10T07:00", False),
        (date(2026, 3, 29), time(0, 59), LONDON, "2026-03-29T00:59", False),
        (date(2026, 3, 29), time(1, 0), LONDON, "2026-03-29T01:00", True),
        (date(2026, 3, 29), time(1, 59), LONDON, "2026-03-29T01:59", True),
        (date(2026, 3, 29), time(2, 0), LONDON, "2026-03-29T01:00", False),
        (date(2026, 10, 25), time(1, 30), LONDON, "2026-10-25T00:30", False),
        (date(2026, 10, 25), time(2, 0), LONDON, "2026-10-25T02:00", False),
        (date(2026, 10, 4), time(2, 10), LORD_HOWE, "2026-10-03T15:40", True),
        (date(2026, 4, 5), time(1, 45), LORD_HOWE, "2026-04-04T14:45", False),
        (date(2011, 12, 30), time(9), APIA, "2011-12-30T19:00", True),
    ],
)
def test_a_wall_time_resolves(day: date, wall: time, zone: str, expected: str, moved: bool) -> None:
    """A missing time moves forward by the gap and says so; a doubled one takes the first."""
    assert resolve(day, wall, zone) == (datetime.fromisoformat(expected).replace(tzinfo=UTC), moved)


def test_two_missing_times_keep_their_distance() -> None:
    """Every time inside the gap moves by the same gap: none is dropped and none doubled."""
    early, _ = resolve(date(2026, 3, 29), time(1, 10), LONDON)
    late, _ = resolve(date(2026, 3, 29), time(1, 40), LONDON)
    assert (late - early).total_seconds() == 30 * 60


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2026-06-10T03:00", "2026-06-10T03:00"),
        ("2026-06-10T02:59", "2026-06-09T03:00"),
        ("2026-06-10T22:59", "2026-06-10T03:00"),
        ("2026-06-10T23:30", "2026-06-10T03:00"),
    ],
)
def test_the_last_four_oclock(instant: str, expected: str) -> None:
    """The service day begins at the last 04:00 on the wall that is not after the moment."""
    found = last_at_or_before(datetime.fromisoformat(instant).replace(tzinfo=UTC), time(4), LONDON)
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2026-06-10T02:59", "2026-06-10T03:00"),
        ("2026-06-10T03:00", "2026-06-11T03:00"),
        ("2026-10-24T12:00", "2026-10-25T04:00"),
    ],
)
def test_the_first_four_oclock_after(instant: str, expected: str) -> None:
    """The next 04:00 is strictly later, and on the wall: an hour later in UTC once summer time has ended."""
    found = first_after(datetime.fromisoformat(instant).replace(tzinfo=UTC), time(4), LONDON)
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)
