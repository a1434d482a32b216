"""What becomes of a duty by time and by people (domain/visits.md §7, domain/alarms.md §1–2)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.duties import (
    ARRIVAL_GRACE,
    LEASE,
    LONGEST_ETA,
    acknowledged,
    claimed,
    closed,
    decide,
    released,
    renewed,
)
from alerts.errors import DutyClosed, DutyRefused, EtaOutOfRange, HeldByAnother, NotHeld
from alerts.ladder import Audience
from alerts.model import Duty, DutyState, Priority, Role
from tests.unit.alerts.patience import patient

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
A = timedelta(minutes=15)


def duty(**changes: Any) -> Duty:
    """A landlord's duty in a missed visit, raised at nine, no step taken."""
    values: dict[str, Any] = {
        "id": 1,
        "alert_id": 1,
        "organisation_id": "elm",
        "role": Role.LANDLORD,
        "state": DutyState.OPEN,
        "priority": Priority.WELFARE,
        "raised_at": NINE,
        "ladder": "visit",
        "ladder_step": A,
        "step_from": NINE,
        "next_check_at": NINE,
    }
    return Duty(**{**values, **changes})


def at(**after: float) -> datetime:
    """A moment after nine."""
    return NINE + timedelta(**after)


def everybody(_: Audience, at: datetime) -> bool:
    """Every audience has somebody."""
    return True


def test_the_first_step_is_due_at_the_raise() -> None:
    """A new duty takes its first step at once, and looks again when the second is due."""
    decision = decide(duty(), everybody, NINE)
    assert [(step.number, step.due_at) for step in decision.steps] == [(1, NINE)]
    assert (decision.duty.step, decision.duty.stepped_at) == (1, NINE)
    assert decision.duty.next_check_at == at(minutes=15)


def test_a_sweep_that_slept_catches_up_with_the_true_due_times() -> None:
    """Forty minutes late, three steps come out with the times at which they fell due."""
    decision = decide(duty(), everybody, at(minutes=40))
    assert [step.due_at for step in decision.steps] == [NINE, at(minutes=15), at(minutes=30)]
    assert decision.duty.next_check_at == at(minutes=45)


def test_a_held_duty_waits_for_its_claim_to_end() -> None:
    """While somebody is at it no step is taken, and the next look is at the end of the lease."""
    held = claimed(duty(), "Olga", NINE)
    decision = decide(held, everybody, at(seconds=29))
    assert (decision.steps, decision.duty.next_check_at) == ((), at(seconds=30))


def test_a_lease_that_ends_puts_the_duty_back_and_its_steps_are_taken() -> None:
    """At the end of the lease, that moment included, the claim is gone and what fell due is done."""
    decision = decide(claimed(duty(), "Olga", NINE), everybody, NINE + LEASE)
    assert (decision.released, decision.released_at) == ("Olga", NINE + LEASE)
    assert decision.duty.claimed_by is None
    assert [step.number for step in decision.steps] == [1]


def test_an_acknowledgement_without_a_promise_stops_the_ladder_for_good() -> None:
    """No further check, for this duty alone."""
    answered = acknowledged(duty(step=1, stepped_at=NINE), "Hugh", None, at(minutes=1))
    assert answered.next_check_at is None
    assert decide(answered, everybody, at(days=3)).steps == ()


def test_a_promise_that_passes_starts_the_ladder_again() -> None:
    """Ten minutes after the ETA, that moment included, the duty is open again from its first step."""
    eta = at(minutes=20)
    answered = acknowledged(duty(step=2, stepped_at=at(minutes=15)), "Hugh", eta, at(minutes=16))
    again = eta + ARRIVAL_GRACE
    assert answered.next_check_at == again
    assert decide(answered, everybody, again - timedelta(microseconds=1)).steps == ()
    decision = decide(answered, everybody, again + A)
    assert decision.rearmed_at == again
    assert [(step.number, step.due_at) for step in decision.steps] == [(1, again), (2, again + A)]
    assert decision.duty.state is DutyState.OPEN


@pytest.mark.parametrize(
    "eta",
    [
        NINE - timedelta(microseconds=1),
        NINE + LONGEST_ETA + timedelta(microseconds=1),
        NINE + timedelta(days=7),
    ],
)
def test_a_promise_for_the_past_or_for_next_week_is_refused(eta: datetime) -> None:
    """A promise stops a ladder, so it must be for now, and soon."""
    with pytest.raises(EtaOutOfRange):
        acknowledged(duty(), "Hugh", eta, NINE)


@pytest.mark.parametrize("eta", [NINE, NINE + LONGEST_ETA])
def test_promises_at_the_bounds_are_taken(eta: datetime) -> None:
    """This very moment and a day ahead are still promises."""
    assert acknowledged(duty(), "Hugh", eta, NINE).eta == eta


def test_a_later_promise_replaces_an_earlier_one() -> None:
    """An acknowledged duty can be acknowledged again, with another ETA."""
    first = acknowledged(duty(), "Hugh", at(minutes=5), NINE)
    second = acknowledged(first, "Hugh", at(minutes=50), at(minutes=6))
    assert second.next_check_at == at(minutes=60)


Act = Callable[[Duty], Duty]
ACTS: dict[str, Act] = {
    "claim": lambda held: claimed(held, "Otto", at(seconds=10)),
    "acknowledge": lambda held: acknowledged(held, "Otto", None, at(seconds=10)),
    "close": lambda held: closed(held, "Otto", "reassurance", at(seconds=10)),
}


@pytest.mark.parametrize("name", ACTS)
def test_what_another_holds_is_refused_and_names_the_holder(name: str) -> None:
    """Nobody acts on a duty that another has in hand."""
    with pytest.raises(HeldByAnother, match="Olga") as refusal:
        ACTS[name](claimed(duty(), "Olga", NINE))
    assert (refusal.value.holder, refusal.value.until) == ("Olga", NINE + LEASE)


@pytest.mark.parametrize("name", ACTS)
def test_a_closed_duty_takes_no_answer(name: str) -> None:
    """What is closed stays as it was closed."""
    with pytest.raises(DutyClosed, match="closed by Hugh"):
        ACTS[name](closed(duty(), "Hugh", "resident_well", NINE))


def test_the_holder_acts_and_keeps_the_claim_until_it_closes() -> None:
    """Acknowledging keeps the claim in force; closing ends it."""
    held = claimed(duty(), "Otto", NINE)
    assert ACTS["acknowledge"](held).holder(at(seconds=11)) == "Otto"
    assert ACTS["close"](held).holder(at(seconds=11)) is None


def test_claiming_again_renews_and_remembers_since_when() -> None:
    """The holder's second claim is a longer lease of the first."""
    again = claimed(claimed(duty(), "Olga", NINE), "Olga", at(seconds=20))
    assert (again.claimed_at, again.lease_until) == (NINE, at(seconds=50))


@pytest.mark.parametrize("act", [renewed, released])
def test_only_a_claim_in_force_is_renewed_or_released(act: Callable[[Duty, str, datetime], Duty]) -> None:
    """A lease that has ended may be another's by now."""
    held = claimed(duty(), "Olga", NINE)
    with pytest.raises(NotHeld):
        act(held, "Olga", NINE + LEASE)
    with pytest.raises(NotHeld):
        act(held, "Otto", at(seconds=1))


def test_a_released_duty_is_looked_at_at_once() -> None:
    """Back in the queue, its ladder goes on from where it was."""
    back = released(claimed(duty(), "Olga", NINE), "Olga", at(seconds=5))
    assert (back.claimed_by, back.next_check_at, back.raised_at) == (None, at(seconds=5), NINE)


def test_a_ladder_that_has_ended_leaves_an_open_duty_with_a_next_look() -> None:
    """`visit.late` has one step; the duty is open after it and must not be forgotten."""
    decision = decide(duty(ladder="visit.once", ladder_step=None), everybody, NINE)
    assert decision.duty.next_check_at == at(hours=24)


STATES = st.sampled_from(["open", "held", "acknowledged", "promised", "closed"])
LADDERS = st.sampled_from([("visit", A), ("visit.centre", A), ("visit.once", None), ("alarm.1", None)])


@patient
@given(STATES, LADDERS, st.integers(0, 7200), st.sets(st.sampled_from(list(Audience))))
def test_no_open_duty_is_without_a_future_check_and_deciding_twice_is_once(
    state: str, ladder: tuple[str, timedelta | None], seconds: int, there: set[Audience]
) -> None:
    """Whatever state and ladder: what is open is looked at again later, and nothing is due twice."""
    now = at(seconds=seconds)
    one = duty(ladder=ladder[0], ladder_step=ladder[1])
    states: dict[str, Act] = {
        "open": lambda it: it,
        "held": lambda it: claimed(it, "Olga", NINE),
        "acknowledged": lambda it: acknowledged(it, "Olga", None, NINE),
        "promised": lambda it: acknowledged(it, "Olga", at(minutes=30), NINE),
        "closed": lambda it: closed(it, "Olga", "test", NINE),
    }
    decision = decide(states[state](one), lambda audience, at: audience in there, now)
    after = decision.duty
    if after.state is DutyState.OPEN:
        assert after.next_check_at is not None
        assert after.next_check_at > now
    if after.state is DutyState.CLOSED:
        assert after.next_check_at is None
        assert decision.steps == ()
    again = decide(after, lambda audience, at: audience in there, now)
    assert again.steps == ()
    assert again.duty == after


def test_a_refusal_is_a_sentence() -> None:
    """Every refusal can be shown to a person as it is."""
    with pytest.raises(DutyRefused) as refusal:
        claimed(replace(duty(), state=DutyState.CLOSED), "Olga", NINE)
    assert str(refusal.value) == "Duty 1 was closed."
