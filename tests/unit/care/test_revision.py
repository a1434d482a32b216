"""What a plan makes of a visit, before and after it has begun (domain/visits.md §6, 1; docs/roster.md)."""

from datetime import UTC, date, datetime, time, timedelta

from msgspec.structs import replace

from care.model import Plan, Source, Tier, Visit
from care.revision import Outcome, Planned, revise, withdraw

START = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BEFORE, AFTER = START - HOUR, START + HOUR
VISIT = Visit(
    ref="v1",
    package_id="pkg",
    resident_id="ada",
    dwelling_id="home",
    provider_id="bright",
    tier=Tier.ESSENTIAL,
    service_date=date(2026, 11, 16),
    start_at=START,
    end_at=START + HOUR / 2,
    start_wall=time(8),
    end_wall=time(8, 30),
)
MOVED = replace(VISIT, start_at=START + 2 * HOUR, end_at=START + 2.5 * HOUR, start_wall=time(10))
CANCELLED = replace(VISIT, plan=Plan.CANCELLED, plan_reason="cancelled in the roster")


def test_a_new_visit_is_stamped_only_when_it_has_begun() -> None:
    """A visit that is first heard of after its start was added when we heard of it."""
    assert revise(None, VISIT, BEFORE).visit.changed_at is None
    assert revise(None, VISIT, AFTER).visit.changed_at == AFTER
    assert revise(None, replace(VISIT, changed_at=BEFORE), AFTER).visit.changed_at == BEFORE


def test_the_same_plan_is_no_change() -> None:
    """A plan that says the same changes nothing, also when it says no more when it was changed."""
    stamped = replace(VISIT, changed_at=AFTER)
    assert revise(Planned(stamped), VISIT, AFTER).outcome is Outcome.SAME
    assert revise(Planned(VISIT), replace(VISIT, changed_at=BEFORE), BEFORE).outcome is Outcome.CHANGED


def test_before_the_start_anything_may_change() -> None:
    """Until a visit begins it is what the last plan says."""
    assert revise(Planned(VISIT), MOVED, BEFORE).visit == MOVED
    assert revise(Planned(VISIT), CANCELLED, BEFORE).outcome is Outcome.CANCELLED
    assert revise(Planned(CANCELLED), VISIT, BEFORE).outcome is Outcome.CHANGED


def test_after_the_start_times_are_frozen() -> None:
    """A move that comes after the start is not taken, unless it was made before and only delivered late."""
    frozen = revise(Planned(VISIT), MOVED, START)
    assert (frozen.outcome, frozen.visit) == (Outcome.FROZEN, VISIT)
    in_time = replace(MOVED, changed_at=BEFORE)
    assert revise(Planned(VISIT), in_time, AFTER).visit == in_time
    at_the_start = replace(MOVED, changed_at=START)
    assert revise(Planned(VISIT), at_the_start, AFTER).outcome is Outcome.FROZEN


def test_after_the_start_a_cancellation_is_taken_with_its_moment() -> None:
    """A cancellation is taken at any time; the rules on late changes need to know when it was made."""
    assert revise(Planned(VISIT), CANCELLED, AFTER).visit.changed_at == AFTER
    told = replace(CANCELLED, changed_at=START + HOUR / 4)
    assert revise(Planned(VISIT), told, AFTER).visit.changed_at == START + HOUR / 4
    both = replace(MOVED, plan=Plan.CANCELLED)
    assert revise(Planned(VISIT), both, AFTER).visit.start_at == START


def test_a_row_that_only_repeats_a_recurrence_changes_nothing_after_the_start() -> None:
    """Where a visit's plan comes from judges nothing, so nobody is told of a frozen plan."""
    occurrence = replace(VISIT, source=Source.RECURRENCE, end_wall=None)
    assert revise(Planned(occurrence), VISIT, AFTER).outcome is Outcome.SAME


def test_a_settled_visit_is_changed_by_no_plan() -> None:
    """Seventy-two hours after its end a visit is history."""
    settled = Planned(VISIT, settled=True)
    assert revise(settled, CANCELLED, AFTER).outcome is Outcome.FROZEN
    assert withdraw(settled, "gone", AFTER, Source.ROSTER).outcome is Outcome.FROZEN


def test_what_is_withdrawn_is_cancelled_once() -> None:
    """A visit that a plan no longer holds is cancelled with its reason, and only once."""
    gone = withdraw(Planned(VISIT), "not in the full roster", AFTER, Source.ROSTER)
    assert (gone.outcome, gone.visit.plan, gone.visit.changed_at) == (
        Outcome.CANCELLED,
        Plan.CANCELLED,
        AFTER,
    )
    assert withdraw(Planned(gone.visit), "again", AFTER, Source.ROSTER).outcome is Outcome.SAME
