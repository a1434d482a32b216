"""What becomes of a message after an attempt, and whether it is still to be sent."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.retry import (
    LONGEST_PAUSE,
    LONGEST_PAUSE_LIFE_SAFETY,
    MOST_ATTEMPTS,
    Corrected,
    Delivered,
    DeliveryState,
    Next,
    Outcome,
    Permanent,
    Purpose,
    Retryable,
    Worth,
    after_attempt,
    backoff,
    worth_sending,
)
from tests.unit.alerts.patience import patient

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def after(outcome: Outcome, *, attempts: int = 1, priority: int = 2, wanted: bool = True) -> Next:
    """What becomes of it, with the least jitter."""
    return after_attempt(outcome, attempts=attempts, priority=priority, wanted=wanted, jitter=0.0, now=NINE)


def test_delivered_is_the_end() -> None:
    """Nothing more is to be tried."""
    assert after(Delivered()) == Next(DeliveryState.DELIVERED, None, "handed over")


def test_a_permanent_refusal_is_dead_even_for_life_safety() -> None:
    """Trying an address that does not exist helps nobody; the ladder tells others."""
    assert after(Permanent("no such user"), priority=1).state is DeliveryState.DEAD


def test_a_refusal_for_now_is_tried_again_later() -> None:
    """With a pause, and the reason kept."""
    following = after(Retryable("busy"))
    assert (following.state, following.reason) == (DeliveryState.PENDING, "busy")
    assert following.attempt_at == NINE + timedelta(seconds=1)


def test_life_safety_is_never_given_up_while_it_is_wanted() -> None:
    """A thousand attempts are followed by another, half a minute later at most."""
    following = after(Retryable("busy"), attempts=1000, priority=1)
    assert following.state is DeliveryState.PENDING
    assert following.attempt_at is not None
    assert following.attempt_at <= NINE + LONGEST_PAUSE_LIFE_SAFETY


def test_everything_else_has_a_last_attempt() -> None:
    """After it the message is dead, and says how often it was tried."""
    assert after(Retryable("busy"), attempts=MOST_ATTEMPTS - 1).state is DeliveryState.PENDING
    dead = after(Retryable("busy"), attempts=MOST_ATTEMPTS)
    assert (dead.state, dead.reason) == (DeliveryState.DEAD, "given up after 15 attempts: busy")


@pytest.mark.parametrize("priority", [1, 2])
def test_what_is_no_longer_wanted_is_withdrawn(priority: int) -> None:
    """A duty that was answered while the message was on its way asks for no second try."""
    assert after(Retryable("busy"), priority=priority, wanted=False).state is DeliveryState.WITHDRAWN


def test_a_receivers_wish_for_a_pause_is_kept_within_reason() -> None:
    """Retry-After counts, up to five minutes."""
    assert after(Retryable("429", pause=timedelta(minutes=2))).attempt_at == NINE + timedelta(minutes=2)
    assert after(Retryable("429", pause=timedelta(days=2))).attempt_at == NINE + timedelta(minutes=5)


@patient
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 4]), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_to_a_bound_and_never_vanish(attempts: int, priority: int, jitter: float) -> None:
    """At least a second, at most the bound of its class."""
    longest = LONGEST_PAUSE_LIFE_SAFETY if priority == 1 else LONGEST_PAUSE
    assert timedelta(seconds=1) <= backoff(attempts, priority, jitter) <= longest
    assert backoff(attempts, priority, 0.0) <= backoff(attempts + 1, priority, 0.0)


@pytest.mark.parametrize("purpose", [Purpose.RAISE, Purpose.REMINDER])
@pytest.mark.parametrize(("answered", "over"), [(True, False), (False, True), (True, True)])
def test_an_answered_duty_tells_nobody(purpose: Purpose, answered: bool, over: bool) -> None:
    """Nor does an alert that was stood down."""
    worth, _ = worth_sending(purpose, answered=answered, alert_over=over, corrected=None)
    assert worth is Worth.WITHDRAW


def test_an_open_duty_tells() -> None:
    """The message goes out."""
    assert worth_sending(Purpose.RAISE, answered=False, alert_over=False, corrected=None)[0] is Worth.SEND


@pytest.mark.parametrize(
    ("state", "maybe", "worth"),
    [
        (DeliveryState.DELIVERED, False, Worth.SEND),
        (DeliveryState.SENDING, False, Worth.WAIT),
        (DeliveryState.PENDING, True, Worth.WAIT),
        (DeliveryState.WITHDRAWN, False, Worth.WITHDRAW),
        (DeliveryState.WITHDRAWN, True, Worth.SEND),
        (DeliveryState.DEAD, False, Worth.WITHDRAW),
        (DeliveryState.DEAD, True, Worth.SEND),
    ],
)
def test_a_stand_down_goes_to_those_who_were_told_or_may_have_been(
    state: DeliveryState, maybe: bool, worth: Worth
) -> None:
    """It waits while that is open, and goes nowhere when they were not."""
    found, _ = worth_sending(
        Purpose.STAND_DOWN, answered=True, alert_over=True, corrected=Corrected(state, maybe)
    )
    assert found is worth
