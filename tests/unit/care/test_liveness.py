"""Could the home speak, and has it been heard again?"""

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from care.liveness import Ears, Speech, hubs_that_matter, listen
from care.model import Device, Dwelling, Hearing, Hub, Interval, QueueWord, Scope, Tier, Visit
from care.policy import DEFAULT_POLICY, Policy
from care.windows import frame
from tests.unit.care.builders import DOOR_HUB, DWELLING, HUB, LONDON, at, minutes, talking, visit

LATER = at("23:59", 20)


def speech(
    hearing: Hearing | list[Hearing],
    planned: Visit | None = None,
    until: datetime = LATER,
    outages: tuple[Interval, ...] = (),
    policy: Policy = DEFAULT_POLICY,
) -> Speech:
    """Whether the home could speak for an essential visit at eight; its window is 07:15 to 09:00."""
    (window,) = frame([planned or visit()], (), policy, LONDON).values()
    several = hearing if isinstance(hearing, list) else [hearing]
    return listen(window, [Ears.of(one, policy, outages) for one in several], policy, until)


def gap(start: str, end: str | None, day: int = 0) -> Interval:
    """From one message to the next."""
    return Interval(at(start, day), None if end is None else at(end, day))


def quiet(*gaps: Interval, **more: Any) -> Hearing:
    """A hub that was heard all the time but in these gaps."""
    return talking(gaps=gaps, **more)


def word(clock: str, queued: int) -> QueueWord:
    """A fresh heartbeat."""
    return QueueWord(at(clock), queued)


@pytest.mark.parametrize(
    ("hearing", "could_speak"),
    [
        (talking(), True),
        # Twenty-five minutes are no silence, a microsecond more is; a quarter of 105 minutes is 26.25.
        (quiet(gap("07:30", "07:55")), True),
        (quiet(gap("07:30", "08:21:15")), True),  # 26.25 minutes of silence: not more than a quarter
        (quiet(gap("07:30", "08:21:15.000001")), False),
        # Two silences add up.
        (quiet(gap("07:15", "07:55"), gap("08:00", "08:36:15")), True),
        (quiet(gap("07:15", "07:55"), gap("08:00", "08:36:16")), False),
        # Only what lies in the window counts.
        (quiet(gap("04:00", "07:41")), True),
        (quiet(gap("04:00", "07:42")), False),
        # Silent at `missed_at` itself: more than 25 minutes since the last message then.
        (quiet(gap("08:35", "09:30")), True),
        (quiet(gap("08:34:59.999999", "09:30")), False),
        (quiet(gap("08:30", "09:00")), True),  # heard again at that very moment
        (quiet(gap("08:30", "09:00:00.000001")), False),
        # The end of all hearing.
        (talking(last_heard_at=at("08:35")), True),
        (talking(last_heard_at=at("08:34:59")), False),
        # Before the first message a hub is silent; one that was never heard always.
        (talking(first_heard_at=at("07:41:15")), True),
        (talking(first_heard_at=at("07:41:16")), False),
        (Hearing(HUB), False),
        # A last will silences at once.
        (talking(offline=(gap("09:00", "09:01"),)), False),
        (talking(offline=(gap("08:59", "09:00"),)), True),
        (talking(offline=(gap("07:30", "07:56:15"),)), True),
        (talking(offline=(gap("07:30", "07:56:16"),)), False),
        (talking(offline=(gap("07:30", None),)), False),
        # A will within a gap is not counted twice.
        (quiet(gap("07:30", "08:21:15"), offline=(gap("08:00", "08:21:15"),)), True),
        # Events still kept in the hub's queue.
        (talking(queue_words=(word("08:50", 3),)), False),
        (talking(queue_words=(word("09:00", 3),)), False),
        (talking(queue_words=(word("09:00:01", 3),)), True),
        (talking(queue_words=(word("08:50", 3), word("08:55", 0))), True),
    ],
)
def test_the_home_could_speak(hearing: Hearing, could_speak: bool) -> None:
    """Each way of not being heard, at its boundary."""
    found = speech(hearing)
    assert found.could_speak is could_speak
    assert (found.missed_from == at("09:00")) or not could_speak
    assert bool(found.why) is not could_speak


def test_a_flexible_window_is_its_last_four_hours() -> None:
    """Of a flexible visit's long day only 19:00 to 23:00 must have been heard, an hour at most missing."""
    flexible = visit(tier=Tier.FLEXIBLE)
    assert speech(quiet(gap("05:00", "18:50")), flexible).could_speak
    assert speech(quiet(gap("19:05", "20:30")), flexible).could_speak
    assert not speech(quiet(gap("19:05", "20:31")), flexible).could_speak


def test_any_hub_that_matters_silences_the_home() -> None:
    """One of two hubs was away: what it would have said is not known."""
    second = Hub("hub-13", dwelling_id="elm-12")
    away = talking(second, gaps=(gap("07:30", "08:40"),))
    assert not speech([talking(), away]).could_speak


def test_silence_depends_on_the_hubs_own_rhythm_and_the_policy() -> None:
    """An hourly hub may be quiet for two and a half hours; a policy may ask for more or less."""
    hourly = Hub("hub-12", dwelling_id="elm-12", heartbeat_every=timedelta(hours=1))
    assert speech(talking(hourly, gaps=(gap("06:30", "09:00"),))).could_speak
    assert not speech(
        quiet(gap("07:30", "07:55")),
        policy=Policy(silence_factor=Fraction(1, 10), silent_share=Fraction(1, 5)),
    ).could_speak
    strict = Policy(silent_share=Fraction(0))
    assert speech(quiet(gap("07:30", "07:55")), policy=strict).could_speak
    assert not speech(quiet(gap("07:30", "07:55:01")), policy=strict).could_speak


@pytest.mark.parametrize(
    ("hearing", "missed_from"),
    [
        # Silent half the window and back in time: fifteen minutes before the end it has said everything.
        (quiet(gap("07:20", "08:45")), at("09:00")),
        (quiet(gap("07:20", "08:45:01")), at("09:00:01")),
        # A fresh heartbeat with an empty queue shortens the wait; it may be what ends the silence.
        (quiet(gap("07:20", "08:50"), queue_words=(word("08:50", 0),)), at("09:00")),
        (quiet(gap("07:20", "08:59"), queue_words=(word("09:04", 0),)), at("09:04")),
        # One that was received before the silence ended says nothing of what was kept in it.
        (quiet(gap("07:20", "08:59"), queue_words=(word("07:20", 0),)), at("09:14")),
        # Back only later.
        (quiet(gap("07:20", "10:00")), at("10:15")),
        (quiet(gap("07:20", "10:00"), queue_words=(word("10:02", 0),)), at("10:02")),
        # Still kept: not before the queue is told empty.
        (quiet(gap("07:20", "10:00"), queue_words=(word("10:02", 4), word("10:30", 0))), at("10:30")),
        (quiet(gap("07:20", "10:00"), queue_words=(word("10:02", 4),)), None),
        (talking(queue_words=(word("08:50", 3), word("09:20", 0))), at("09:20")),
        (talking(queue_words=(word("08:50", 3),)), None),
        # Silent again before it could be sure.
        (quiet(gap("07:20", "10:00"), offline=(gap("10:10", "10:20"),)), at("10:35")),
        (quiet(gap("07:20", "10:00"), gap("10:14", "11:00")), at("10:15")),
        # Never back.
        (talking(last_heard_at=at("07:20")), None),
        (Hearing(HUB), None),
        (talking(offline=(gap("08:00", None),)), None),
    ],
)
def test_heard_again(hearing: Hearing, missed_from: datetime | None) -> None:
    """The first moment, not before `missed_at`, at which the hub has said everything."""
    found = speech(hearing)
    assert not found.could_speak
    assert found.missed_from == missed_from


def test_every_hub_must_have_said_everything() -> None:
    """The later of two decides, and the first may fall silent again meanwhile."""
    second = Hub("hub-13", dwelling_id="elm-12")
    early, late = quiet(gap("07:20", "10:00")), talking(second, gaps=(gap("07:20", "11:00"),))
    assert speech([early, late]).missed_from == at("11:15")
    again = quiet(gap("07:20", "10:00"), offline=(gap("11:10", "11:20"),))
    assert speech([again, late]).missed_from == at("11:35")


def test_what_comes_is_not_known_yet() -> None:
    """At 10:05 it is only known when to look again; a quarter past it is missed."""
    hearing = quiet(gap("07:20", "10:00"), last_heard_at=at("10:05"))
    assert speech(hearing, until=at("10:05")).missed_from is None
    assert speech(hearing, until=at("10:05")).look_again_at == at("10:15")
    assert speech(hearing, until=at("10:15")).missed_from == at("10:15")


def test_nobody_hears_this_home() -> None:
    """Without a hub that matters nothing is ever known."""
    found = speech([])
    assert (found.could_speak, found.heard, found.missed_from, found.look_again_at) == (
        False,
        False,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("outage", "hearing", "could_speak"),
    [
        # While we were away no hub was silent.
        (gap("07:30", "09:00"), quiet(gap("07:29", "09:00")), True),
        (gap("07:30", "08:30"), quiet(gap("07:29", "08:50")), True),
        # After our return silence counts from then.
        (gap("07:30", "08:00"), quiet(gap("07:29", "08:51:15")), True),
        (gap("07:30", "08:00"), quiet(gap("07:29", "08:51:16")), False),
        # What was silent before we went was silent then.
        (gap("08:30", None), quiet(gap("07:00", "09:30")), False),
        (gap("07:20", None), talking(offline=(gap("07:00", None),)), True),
        (gap("07:20", "08:20"), talking(offline=(gap("07:00", None),)), False),
        (gap("05:00", "08:59"), Hearing(HUB), False),
        (gap("05:00", None), Hearing(HUB), True),
    ],
)
def test_our_own_outage_is_no_silence_of_theirs(
    outage: Interval, hearing: Hearing, could_speak: bool
) -> None:
    """The times in which we could not listen are taken out of every silence."""
    assert speech(hearing, outages=(outage,)).could_speak is could_speak


def test_an_outage_of_ours_does_not_make_a_hub_heard() -> None:
    """A hub that was silent before we went away has said nothing merely because we came back."""
    hearing = talking(last_heard_at=at("07:20"))
    outage = (gap("08:30", "10:00"),)
    found = speech(hearing, outages=outage)
    assert (found.could_speak, found.missed_from) == (False, None)
    back = quiet(gap("07:20", "10:10"))
    assert speech(back, outages=outage).missed_from == at("10:25")


def test_a_limit_never_leaves_the_calendar() -> None:
    """A century's heartbeat and a factor of a million make a hub that is never silent, and no crash."""
    patient = Hub("hub-12", dwelling_id="elm-12", heartbeat_every=timedelta(days=36_500))
    hearing = talking(patient, gaps=(gap("07:15", "09:30"),))
    assert speech(hearing, policy=Policy(silence_factor=Fraction(1_000_000))).could_speak


def test_the_hubs_that_matter() -> None:
    """The dwelling's own; its scheme's with a communal panel only when it has none."""
    no_panel = Hub("hub-lift", scheme="elm-court", devices=(Device("lift", "pull_cord"),))
    other = Hub("hub-oak", scheme="oak-court", devices=(Device("front", "door_panel", Scope.COMMUNAL),))
    assert hubs_that_matter([HUB, DOOR_HUB, no_panel, other], DWELLING) == [HUB]
    assert hubs_that_matter([DOOR_HUB, no_panel, other], DWELLING) == [DOOR_HUB]
    assert hubs_that_matter([no_panel, other], DWELLING) == []
    assert hubs_that_matter([DOOR_HUB], Dwelling("lane-1", "1 Lane End", LONDON)) == []


def test_ears_know_each_silence() -> None:
    """A hub is silent from beyond its limit to the next message, exclusive at both ends."""
    ears = Ears.of(quiet(gap("08:00", "09:00")), DEFAULT_POLICY)
    limit = at("08:25")
    assert not ears.silent_at(limit)
    assert ears.silent_at(limit + timedelta(microseconds=1))
    assert ears.silent_at(at("08:59:59"))
    assert not ears.silent_at(at("09:00"))
    assert ears.silent_within(at("08:20"), at("08:40")) == minutes(15)
