"""What becomes of a message after an attempt, and whether it is still to be sent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.retry import (
    LONGEST_PAUSE,
    LONGEST_PAUSE_LIFE_SAFETY,
    LOOK_AGAIN,
    MOST_ATTEMPTS,
    PATIENCE,
    PATIENCE_LIFE_SAFETY,
    Corrected,
    Delivered,
    DeliveryState,
    Next,
    Outcome,
    Permanent,
    Purpose,
    Retryable,
    Sent,
    Tried,
    Undelivered,
    Worth,
    after_attempt,
    after_word,
    backoff,
    worth_sending,
)
from tests.unit.alerts.patience import patient

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def tried(
    *,
    attempts: int = 1,
    priority: int = 2,
    wanted: bool = True,
    way: tuple[str, ...] = ("email",),
    since: datetime = NINE,
) -> Tried:
    """How a message stands with its present channel."""
    return Tried(attempts, since, way, priority, wanted)


def after(outcome: Outcome, now: datetime = NINE, **stands: Any) -> Next:
    """What becomes of it, with the least jitter."""
    return after_attempt(outcome, tried(**stands), jitter=0.0, now=now)


def word(said: Delivered | Undelivered | None, now: datetime = NINE, **stands: Any) -> Next:
    """What becomes of a message that a provider took at nine."""
    return after_word(said, NINE, tried(**stands), jitter=0.0, now=now)


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


def test_a_channel_that_refuses_for_good_gives_way_at_once() -> None:
    """To the contact's next; the last one's refusal is the end."""
    following = after(Permanent("no such number"), way=("sms", "voice", "email"))
    assert (following.state, following.attempt_at) == (DeliveryState.PENDING, NINE)
    assert following.way == ("voice", "email")
    assert after(Permanent("no such number"), way=("email",)).state is DeliveryState.DEAD


def test_an_answered_duty_is_not_carried_to_the_next_channel() -> None:
    """Nobody needs to be told any more."""
    assert after(Permanent("no such number"), way=("sms", "email"), wanted=False).way is None


@pytest.mark.parametrize(("priority", "patience"), [(1, PATIENCE_LIFE_SAFETY), (2, PATIENCE)])
def test_a_channel_that_only_refuses_for_now_has_its_time(priority: int, patience: timedelta) -> None:
    """A minute for life safety; then the next, without waiting for a pause that would come too late."""
    way = ("sms", "email")
    within = after(Retryable("busy"), NINE + timedelta(seconds=5), priority=priority, way=way, attempts=2)
    assert within.way is None
    late = after(Retryable("busy"), NINE + patience, priority=priority, way=way, attempts=2)
    assert (late.state, late.attempt_at) == (DeliveryState.PENDING, NINE + patience)
    assert late.way == (("email", "sms") if priority == 1 else ("email",))


def test_a_wish_for_a_long_pause_is_a_reason_to_go_on() -> None:
    """A provider that asks for five minutes is not waited for while another way is open."""
    asked = Retryable("429", pause=timedelta(minutes=5))
    assert after(asked, priority=1, way=("sms", "voice")).way == ("voice", "sms")


@patient
@given(st.lists(st.sampled_from(["sms", "voice", "email"]), min_size=1, max_size=3, unique=True))
def test_life_safety_goes_round_its_channels_without_end(channels: list[str]) -> None:
    """However often each fails for now, there is a next attempt within half a minute, and every channel has
    turns."""
    now, since, way, attempts, seen = NINE, NINE, tuple(channels), 1, set()
    for _ in range(60):
        seen.add(way[0])
        following = after(Retryable("busy"), now, priority=1, way=way, since=since, attempts=attempts)
        assert following.state is DeliveryState.PENDING
        assert following.attempt_at is not None
        assert following.attempt_at - now <= LONGEST_PAUSE_LIFE_SAFETY
        now = following.attempt_at
        since, attempts, way = (now, 1, following.way) if following.way else (since, attempts + 1, way)
    assert seen == set(channels)


def test_what_a_provider_took_waits_for_its_word() -> None:
    """Looked at every quarter of a minute."""
    assert after(Sent("SM1")) == Next(DeliveryState.SENT, NINE + LOOK_AGAIN, "the provider has it")
    assert word(None, NINE + LOOK_AGAIN).state is DeliveryState.SENT
    assert word(Delivered(), way=("sms", "email")).state is DeliveryState.DELIVERED


def test_a_message_that_did_not_arrive_goes_another_way_at_once() -> None:
    """Where there is none, the same number is tried again: a telephone comes back on."""
    assert word(Undelivered("no answer"), way=("voice", "email"), priority=1).way == ("email", "voice")
    again = word(Undelivered("no answer"), way=("voice",))
    assert (again.state, again.way) == (DeliveryState.PENDING, None)
    assert word(Undelivered("no answer"), wanted=False).state is DeliveryState.WITHDRAWN


def test_for_want_of_a_word_another_way_is_gone() -> None:
    """A message too many is better than none; without another way, the provider is believed."""
    late = NINE + PATIENCE_LIFE_SAFETY
    assert word(None, late, priority=1, way=("sms", "voice")).way == ("voice", "sms")
    assert word(None, late, priority=1, way=("sms",)).state is DeliveryState.DELIVERED
    assert word(None, late, priority=1, way=("sms", "voice"), wanted=False).state is DeliveryState.DELIVERED


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
        (DeliveryState.SENT, False, Worth.SEND),
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
