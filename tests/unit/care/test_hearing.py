"""From receipts to gaps, offline spells and words on the queue: against the plain definitions."""

from datetime import datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from care.hearing import Listener, is_fresh, queued_of
from care.liveness import Ears, silence_limit
from care.model import Interval, QueueWord
from care.policy import DEFAULT_POLICY
from tests.unit.care.builders import HUB, at

LIMIT = silence_limit(HUB, DEFAULT_POLICY)
MICROSECOND = timedelta(microseconds=1)


def test_gaps_are_what_lies_between_messages() -> None:
    """A gap that is silence is kept, from the last message to the next; one of just the limit is none."""
    listener = Listener(HUB, DEFAULT_POLICY)
    for clock in ["08:00", "08:25", "09:00", "09:00", "09:25:00.000001"]:
        listener.heard(at(clock))
    hearing = listener.hearing()
    assert (hearing.first_heard_at, hearing.last_heard_at) == (at("08:00"), at("09:25:00.000001"))
    assert hearing.gaps == (
        Interval(at("08:25"), at("09:00")),
        Interval(at("09:00"), at("09:25:00.000001")),
    )


def test_a_hub_that_said_nothing_was_never_heard() -> None:
    """A last will is not hearing."""
    listener = Listener(HUB, DEFAULT_POLICY)
    listener.went_offline(at("08:00"))
    hearing = listener.hearing()
    assert (hearing.first_heard_at, hearing.last_heard_at, hearing.gaps) == (None, None, ())
    assert hearing.offline == (Interval(at("08:00"), None),)


@pytest.mark.parametrize(("will_first", "end"), [(True, "08:00"), (False, "08:05")])
def test_a_will_ends_with_what_arrives_after_it(will_first: bool, end: str) -> None:
    """Of two messages of one moment the order of arrival decides."""
    listener = Listener(HUB, DEFAULT_POLICY)
    listener.heard(at("07:55"))
    steps = [listener.went_offline, listener.heard]
    for step in steps if will_first else reversed(steps):
        step(at("08:00"))
    listener.heard(at("08:05"))
    assert listener.hearing().offline == (Interval(at("08:00"), at(end)),)


def test_words_are_thinned_to_those_that_matter() -> None:
    """What repeats the word before is dropped, but the first empty queue after a silence is kept."""
    listener = Listener(HUB, DEFAULT_POLICY)
    said = [("08:00", 0), ("08:10", 0), ("09:00", 0), ("09:10", 0), ("09:20", 2), ("09:30", 2), ("09:40", 0)]
    for clock, queued in said:
        listener.heard(at(clock))
        listener.queue(at(clock), queued)
    words = listener.hearing().queue_words
    assert words == tuple(
        QueueWord(at(clock), queued)
        for clock, queued in [("08:00", 0), ("09:00", 0), ("09:20", 2), ("09:40", 0)]
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, 0),
        (3, 3),
        (-1, None),
        (True, None),
        (False, None),
        (1.5, None),
        ("3", None),
        (None, None),
        (2**70, 2**70),
    ],
)
def test_only_a_length_is_a_word_on_the_queue(value: object, said: int | None) -> None:
    """A heartbeat whose `queued` is no length says nothing about the queue."""
    assert queued_of(value) == said


def test_a_huge_queue_is_a_queue() -> None:
    """A number beyond all storage still means that something is kept."""
    listener = Listener(HUB, DEFAULT_POLICY)
    listener.queue(at("08:00"), 2**70)
    assert listener.hearing().queue_words[0].queued > 0


def test_a_heartbeat_is_fresh_within_its_interval() -> None:
    """It happened at most `heartbeat_every` before its receipt."""
    assert is_fresh(at("08:00"), at("08:10"), HUB.heartbeat_every)
    assert not is_fresh(at("08:00"), at("08:10") + MICROSECOND, HUB.heartbeat_every)


# --- against the definition, moment by moment -------------------------------------------------------

Receipt = tuple[int, str]  # minute of the day, what
receipts = st.lists(
    st.tuples(st.integers(0, 300), st.sampled_from(["message", "message", "will", "empty", "kept"])),
    max_size=14,
)


def moment(minute: float) -> datetime:
    """So many minutes after six."""
    return at("06:00") + timedelta(minutes=minute)


def silent(said: list[Receipt], now: datetime) -> bool:
    """The definition of section 6, word for word, from what had been received by then."""
    known = sorted(((moment(minute), number, what) for number, (minute, what) in enumerate(said)))
    heard = [(when, number) for when, number, what in known if what != "will" and when <= now]
    if not heard:
        return True
    if now - heard[-1][0] > LIMIT:
        return True
    wills = [(when, number) for when, number, what in known if what == "will" and when <= now]
    return bool(wills) and wills[-1] > heard[-1]


def everything_said(said: list[Receipt], now: datetime) -> bool:
    """Whether the hub has said everything, by searching back for the last silent moment in half seconds."""
    if silent(said, now):
        return False
    words = [
        (moment(minute), number, what)
        for number, (minute, what) in enumerate(said)
        if what in ("empty", "kept") and moment(minute) <= now
    ]
    words.sort(key=lambda word: word[:2])
    if words and words[-1][2] == "kept":
        return False
    # A silence ends with a message; the last one that ended a silence, and when.
    ends = [
        moment(minute)
        for number, (minute, what) in enumerate(said)
        if what != "will" and moment(minute) <= now and _was_silent_before(said, minute, number)
    ]
    back = max(ends)
    return now - back >= DEFAULT_POLICY.heard_again or any(
        what == "empty" and when >= back for when, _, what in words
    )


def _was_silent_before(said: list[Receipt], minute: int, number: int) -> bool:
    """Whether the hub was silent until this message: by what had arrived before it."""
    earlier = [(other, what) for n, (other, what) in enumerate(said) if (other, n) < (minute, number)]
    return silent(earlier, moment(minute))


def ears_of(said: list[Receipt]) -> Ears:
    """The same receipts through the listener."""
    listener = Listener(HUB, DEFAULT_POLICY)
    for minute, what in sorted(said, key=lambda one: one[0]):
        if what == "will":
            listener.went_offline(moment(minute))
            continue
        listener.heard(moment(minute))
        if what in ("empty", "kept"):
            listener.queue(moment(minute), 0 if what == "empty" else 2)
    return Ears.of(listener.hearing(), DEFAULT_POLICY)


@given(receipts, st.integers(0, 700))
def test_silence_is_as_defined(said: list[Receipt], half_minute: int) -> None:
    """At any moment the listener's silence is the definition's, whatever came in whatever order."""
    now = moment(half_minute / 2)
    assert ears_of(said).silent_at(now) is silent(said, now)


@given(receipts, st.integers(0, 700))
@example([(0, "message"), (1, "will"), (1, "message")], 30)
def test_everything_said_is_as_defined(said: list[Receipt], half_minute: int) -> None:
    """At any moment "has said everything" is the definition's, also after the words were thinned."""
    now = moment(half_minute / 2)
    assert ears_of(said).said_everything(now, DEFAULT_POLICY) is everything_said(said, now)


@given(receipts, st.integers(0, 300), st.integers(1, 200))
def test_the_length_of_silence_is_as_defined(said: list[Receipt], start: int, length: int) -> None:
    """Counted in half minutes, in whose middles nothing changes, the silent share of a window is the same."""
    begin, end = moment(start), moment(start + length)
    quarters = [begin + timedelta(seconds=15 + 30 * n) for n in range(2 * length)]
    counted = timedelta(seconds=30) * sum(silent(said, now) for now in quarters)
    assert ears_of(said).silent_within(begin, end) == counted
