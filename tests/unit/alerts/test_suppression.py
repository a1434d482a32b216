"""What a window holds back, until when, and what it never does (domain/alarms.md §1)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.classify import LIFE_SAFETY, WELFARE
from alerts.suppression import EMPTY_HOME, Hold, Why, Window, held, is_test, suppresses
from tests.unit.alerts.patience import patient

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def window(why: Why, begins: float = 0, ends: float = 1, number: int = 1) -> Window:
    """A window between hours after nine."""
    return Window(number, why, NINE + begins * HOUR, NINE + ends * HOUR)


@pytest.mark.parametrize("why", [Why.AWAY, Why.HOSPITAL])
def test_away_holds_back_inactivity_exit_bed_and_chair_and_nothing_else(why: Why) -> None:
    """Not a flood, a cold home, a door or a fault, and never a press or a fire."""
    kinds = {kind: 2 for kind in WELFARE} | {kind: 1 for kind in LIFE_SAFETY}
    kinds |= {"door.forced": 3, "technical.mains_failed": 4, "hub.silent": 4, "alarm.unheard_of": 1}
    found = {kind for kind, priority in kinds.items() if suppresses(why, kind, priority)}
    assert found == EMPTY_HOME == {"alarm.inactivity", "alarm.exit", "alarm.bed", "alarm.chair"}


@pytest.mark.parametrize("why", Why)
@pytest.mark.parametrize("kind", [*LIFE_SAFETY, "alarm.unheard_of"])
def test_life_safety_is_never_held_back(why: Why, kind: str) -> None:
    """Whoever opened what for whatever reason."""
    assert held(kind, 1, NINE, [window(why)]) == Hold(NINE)


def test_works_hold_back_doors_and_faults_and_an_installer_all_but_life_safety() -> None:
    """Those who live in a scheme under works are watched over as ever."""
    cases = [("alarm.inactivity", 2), ("door.held", 3), ("technical.tamper", 4), ("hub.silent", 2)]
    assert [suppresses(Why.SCHEME_WORKS, *case) for case in cases] == [False, True, True, False]
    assert [suppresses(Why.INSTALLER_TEST, *case) for case in cases] == [True, True, True, True]
    assert [suppresses(Why.TEST, *case) for case in cases] == [False, False, False, False]


def test_a_windows_end_does_not_belong_to_it() -> None:
    """It always ends by itself."""
    away = [window(Why.AWAY)]
    assert held("alarm.bed", 2, NINE, away).window == away[0]
    assert held("alarm.bed", 2, NINE + HOUR - timedelta(microseconds=1), away).until == NINE + HOUR
    assert held("alarm.bed", 2, NINE + HOUR, away) == Hold(NINE + HOUR)


def test_windows_that_meet_hold_on_and_the_first_is_named() -> None:
    """Away until ten, in hospital from ten to twelve; a third window later is another matter."""
    windows = [window(Why.AWAY), window(Why.HOSPITAL, 1, 3, 2), window(Why.AWAY, 4, 5, 3)]
    assert held("alarm.bed", 2, NINE, windows) == Hold(NINE + 3 * HOUR, windows[0])
    assert windows[0].words == "suppressed: nobody at home, until 2026-11-21 10:00 UTC"


def test_an_alarm_within_a_test_is_marked_and_a_fault_is_not() -> None:
    """An installer's window is a test too; one that is away tests nothing."""
    assert is_test("alarm.pendant", NINE, [window(Why.TEST)])
    assert is_test("alarm.smoke", NINE, [window(Why.INSTALLER_TEST)])
    assert not is_test("alarm.pendant", NINE + HOUR, [window(Why.TEST)])
    assert not is_test("alarm.pendant", NINE, [window(Why.AWAY)])
    assert not is_test("technical.tamper", NINE, [window(Why.TEST)])


windows = st.lists(
    st.builds(
        lambda why, begins, lasts: window(why, begins, begins + lasts),
        st.sampled_from(Why),
        st.integers(-5, 20),
        st.integers(1, 10),
    ),
    max_size=6,
)


@patient
@given(windows, st.integers(0, 20))
def test_what_is_held_is_free_at_the_end_that_is_named(plan: list[Window], hour: int) -> None:
    """At that moment, whatever the windows, nothing holds it back; before it, something always does."""
    at = NINE + hour * HOUR
    hold = held("alarm.bed", 2, at, plan)
    assert held("alarm.bed", 2, hold.until, plan) == Hold(hold.until)
    for step in range(int((hold.until - at) / HOUR)):
        assert held("alarm.bed", 2, at + step * HOUR, plan).window is not None
