"""When a unit's fault is told, and that failing and restoring commute (domain/alarms.md §1)."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.faults import DELAY, LONGEST_ON_BATTERY, MAINS_FAILED, Fault, failed, judge, restored
from tests.unit.alerts.patience import patient

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
NONE = Fault("hub-12", "", "technical.link_failed")


def at(minutes: float) -> datetime:
    """A moment after nine."""
    return NINE + timedelta(minutes=minutes)


def test_a_fault_is_due_fifteen_minutes_after_it_was_received() -> None:
    """A unit that flushes old faults is given the same quarter of an hour to say that they are over."""
    fault = failed(NONE, at(-120), NINE, "e1")
    assert fault.next_check_at == NINE + DELAY
    assert fault.failing_since == at(-120)


def test_repeats_do_not_postpone() -> None:
    """A device that complains every five minutes is heard after fifteen all the same."""
    fault = NONE
    for minute in (0, 5, 10):
        fault = failed(fault, at(minute), at(minute), f"e{minute}")
    assert fault.next_check_at == NINE + DELAY
    assert fault.event_id == "e0"


def test_a_restoring_event_ends_it_quietly() -> None:
    """Nothing is due any more."""
    fault = restored(failed(NONE, NINE, NINE, "e1"), at(5))
    assert (fault.failing, fault.next_check_at) == (False, None)


def test_an_end_that_overtakes_its_beginning_ends_it_all_the_same() -> None:
    """Restored at five past, heard before the failure of nine."""
    fault = failed(restored(NONE, at(5)), NINE, at(6), "e1")
    assert (fault.failing, fault.next_check_at) == (False, None)


def test_a_failure_after_the_end_is_a_new_one() -> None:
    """A quarter of an hour of its own."""
    fault = failed(restored(failed(NONE, NINE, NINE, "e1"), at(5)), at(10), at(10), "e2")
    assert (fault.failing_since, fault.next_check_at, fault.event_id) == (at(10), at(25), "e2")


@patient
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=1, max_size=5))
def test_the_order_of_arrival_does_not_matter_to_the_end(events: list[tuple[bool, int]]) -> None:
    """In whatever order failing and restoring events arrive, the end is the same."""
    ends = set()
    for order in permutations(events):
        fault = NONE
        for fails, minute in order:
            fault = failed(fault, at(minute), at(20), "e") if fails else restored(fault, at(minute))
        ends.add((fault.failing, fault.failing is not (fault.next_check_at is None)))
    assert len(ends) == 1
    assert ends.pop()[1]


@pytest.mark.parametrize(
    ("minutes", "raised", "look"), [(14.99, None, 15.0), (15.0, 15.0, None), (60.0, 15.0, None)]
)
def test_a_lasting_fault_is_raised_as_of_its_due_time(
    minutes: float, raised: float | None, look: float | None
) -> None:
    """Exactly at the end of the delay, and with that time however late the look."""
    judgement = judge(failed(NONE, NINE, NINE, "e1"), None, at(minutes))
    assert judgement.raise_at == (None if raised is None else at(raised))
    assert judgement.look_at == (None if look is None else at(look))


def test_what_was_restored_is_not_raised() -> None:
    """Neither raised nor looked at again."""
    judgement = judge(restored(failed(NONE, NINE, NINE, "e1"), at(1)), None, at(60))
    assert (judgement.raise_at, judgement.look_at) == (None, None)


MAINS = failed(Fault("hub-12", "", MAINS_FAILED), NINE, NINE, "e1")


def test_a_mains_failure_waits_while_the_battery_lasts() -> None:
    """It counts down: nobody is told while the unit says that its battery is full enough."""
    judgement = judge(MAINS, 0.8, at(20))
    assert (judgement.raise_at, judgement.look_at) == (None, at(25))
    assert judge(MAINS, 0.26, at(20)).raise_at is None


def test_a_mains_failure_is_raised_when_the_battery_nears_its_end() -> None:
    """A quarter left, that value included."""
    assert judge(MAINS, 0.25, at(200)).raise_at == at(200)


def test_a_mains_failure_is_raised_at_last_whatever_the_unit_says() -> None:
    """A battery that claims to be full for a day is not believed."""
    late = NINE + LONGEST_ON_BATTERY
    assert judge(MAINS, 1.0, late - timedelta(seconds=1)).look_at == late
    assert judge(MAINS, 1.0, late).raise_at == late


def test_a_unit_that_says_nothing_of_its_battery_is_not_counted_down() -> None:
    """Then fifteen minutes are all there is to go by."""
    assert judge(MAINS, None, at(15)).raise_at == at(15)
