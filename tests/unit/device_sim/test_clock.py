"""A clock that hurries."""

from datetime import UTC, datetime, timedelta

from device_sim.clock import HurriedClock

NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_it_shows_its_beginning_until_it_is_started_and_hurries_from_then_on() -> None:
    """What gets ready meanwhile costs the simulated day nothing; started again, it goes on as it was."""
    true_time = [NINE + 5 * SECOND]
    clock = HurriedClock(lambda: true_time[0], 60, None, NINE)
    true_time[0] += 20 * SECOND
    assert clock.now() == NINE
    clock.start()
    true_time[0] += 2 * SECOND
    assert clock.now() == NINE + 120 * SECOND
    clock.start()
    assert clock.now() == NINE + 120 * SECOND


def test_one_that_began_at_a_moment_shows_the_time_since() -> None:
    """Two programs that are told the same moment show the same time."""
    clock = HurriedClock(lambda: NINE + 3 * SECOND, 10, NINE)
    assert clock.now() == NINE + 30 * SECOND
