"""Sentences of the visit rules, one tiny case each, worked out by hand: for the oracle and for the engine.

The random worlds show that both read the rules alike; these, that they read them as written. Here §1 to §5.
"""

from pathlib import Path

import pytest

from tests.support.oracle.story import Story, at


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """An empty day."""
    return Story(tmp_path)


# -- §1, time ------------------------------------------------------------------------------------------------


def test_a_device_cannot_report_the_future(story: Story) -> None:
    """An event's effective time is never later than when it was received."""
    story.visit("v", "08:00", "08:30")
    story.tap("joy", "08:20", received="08:10")
    story.is_judged("v", arrived_at=at("08:10").isoformat())


def test_a_clock_more_than_thirty_days_behind_is_not_believed(story: Story) -> None:
    """The time received is used for an `at` more than 30 days behind, and not for one exactly that far."""
    story.visit("v", "08:00", "08:30")
    story.visit("w", "10:00", "10:30")
    data = {"credential": "fob:joy"}
    story.send("hub-1", "carer.arrived", at("-30 08:00"), at("08:00"), data)
    story.send("hub-1", "carer.arrived", at("-30 09:59:59.999999"), at("10:00"), data)
    story.is_judged("v", attendance="not_attended")
    story.is_judged("w", arrived_at=at("10:00").isoformat())


def test_a_visit_in_the_missing_hour_is_moved_with_its_end(story: Story) -> None:
    """A wall time that does not exist moves forward by the gap, its end with it."""
    story.visit("v", "01:30", "02:30", service_date="2026-03-29")
    story.is_judged("v", start="2026-03-29T01:30:00+00:00", end="2026-03-29T02:30:00+00:00")


def test_an_end_in_the_missing_hour_is_moved_alone(story: Story) -> None:
    """A roster row's start and end are resolved each alone."""
    story.visit("v", "00:30", "01:30", service_date="2026-03-29")
    story.is_judged("v", start="2026-03-29T00:30:00+00:00", end="2026-03-29T01:30:00+00:00")


def test_of_a_time_that_comes_twice_the_first_is_meant(story: Story) -> None:
    """01:30 in the autumn night is summer time; an end at 02:00 is an hour and a half later."""
    story.visit("v", "01:30", "02:00", service_date="2026-10-25")
    story.is_judged("v", start="2026-10-25T00:30:00+00:00", end="2026-10-25T02:00:00+00:00")


def test_the_minutes_of_a_recurrence_are_elapsed_minutes(story: Story) -> None:
    """An hour from 00:30 in the spring night ends at 02:30 on the wall."""
    story.files.estate["packages"][0]["visits"] = [
        {"id": "n", "rrule": "FREQ=DAILY;COUNT=1", "start": "00:30", "minutes": 60, "from": "2026-03-29"}
    ]
    story.is_judged("ada-b/n/2026-03-29", end="2026-03-29T01:30:00+00:00")


# -- §2, windows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arrived", "timeliness"),
    [("07:29:59.999999", "early"), ("07:30", "on_time"), ("08:30", "on_time"), ("08:30:00.000001", "late")],
)
def test_bounds_are_inclusive_on_the_good_side(story: Story, arrived: str, timeliness: str) -> None:
    """Essential: half an hour before and after the start is on time, a microsecond beyond is not."""
    story.visit("v", "08:00", "08:30")
    story.tap("joy", arrived)
    story.is_judged("v", timeliness=timeliness)


@pytest.mark.parametrize(("arrived", "state"), [("07:15", "completed"), ("07:14:59.999999", "missed")])
def test_a_visit_counts_from_45_minutes_before(story: Story, arrived: str, state: str) -> None:
    """Essential: counts from start − 45 min, that moment included."""
    story.visit("v", "08:00", "08:30")
    story.tap("joy", arrived)
    story.is_judged("v", state=state)


def test_no_visit_is_missed_later_than_the_next_one_starts(story: Story) -> None:
    """`missed_at` is never after the start of the next planned visit, and then there is no late."""
    story.visit("v", "08:00", "08:30")
    story.visit("w", "08:20", "08:40")
    story.is_judged("v", state="missed", until="08:20")
    assert story.alerts("v") == [("missed", "08:20", None)]


def test_an_early_lunch_never_hides_a_missed_breakfast(story: Story) -> None:
    """`latest` is the next visit's counts-from: an arrival there is the next visit's."""
    story.visit("breakfast", "08:00", "08:30")
    story.visit("lunch", "12:00", "12:30")
    story.tap("joy", "11:15", "11:45")
    story.is_judged("breakfast", state="missed")
    story.is_judged("lunch", state="completed")


def test_a_late_breakfast_is_still_breakfast(story: Story) -> None:
    """An arrival before the next visit's counts-from turns a miss into attendance, however late."""
    story.visit("breakfast", "08:00", "08:30")
    story.visit("lunch", "12:00", "12:30")
    story.tap("joy", "11:14:59")
    story.is_judged("breakfast", state="completed", timeliness="late")
    assert story.alerts("breakfast") == [("late", "08:30", "09:00"), ("missed", "09:00", "11:14:59.000000")]


def test_the_last_visit_counts_until_four_in_the_morning(story: Story) -> None:
    """With no next planned visit: the first 04:00 local after planned end and `missed_at`, itself outside."""
    story.visit("v", "22:00", "22:30")
    story.tap("joy", "+1 03:59:59.999999")
    story.is_judged("v", state="completed")
    story.files.events.pop()
    story.tap("joy", "+1 04:00")
    story.is_judged("v", state="missed")


def test_a_flexible_visit_counts_all_day_until_eleven(story: Story) -> None:
    """Flexible: from 04:00, on time whenever it comes, missed at 23:00 local, never late."""
    story.visit("v", "10:00", "10:30", tier="flexible")
    story.is_judged("v", state="missed", until="23:00")
    assert story.alerts("v") == [("missed", "23:00", None)]
    story.tap("joy", "04:00", "04:20")
    story.is_judged("v", state="completed", timeliness="on_time")


# -- §3, evidence --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "data", "verification"),
    [
        ("carer.arrived", {"credential": "fob:joy"}, "partial"),
        ("carer.arrived", {"method": "button"}, "partial"),
        ("carer.arrived", {"method": "fob"}, "indicative"),
        ("carer.arrived", {"credential": "fob:nobody", "method": "button"}, "indicative"),
        ("carer.arrived", {"credential": "fob:lee"}, "none"),
        ("door.granted", {"panel": "p", "credential": "fob:joy"}, "partial"),
        ("door.granted", {"panel": "p"}, "indicative"),
        ("door.granted", {"panel": "p", "credential": "fob:lee"}, "none"),
        ("door.opened", {"panel": "p"}, "indicative"),
        ("door.call", {"panel": "p"}, "indicative"),
        ("door.denied", {"panel": "p", "credential": "fob:joy"}, "none"),
        ("door.held", {"panel": "p"}, "none"),
        ("door.forced", {"panel": "p"}, "none"),
    ],
)
def test_each_event_at_the_dwelling_has_its_strength(
    story: Story, kind: str, data: dict[str, str], verification: str
) -> None:
    """Strong and medium evidence attends; weak is shown as possible attendance; the rest says nothing."""
    story.visit("v", "08:00", "08:30")
    story.send("hub-1", kind, at("08:05"), at("08:05"), data)
    attendance = {"partial": "attended", "indicative": "unknown", "none": "not_attended"}[verification]
    story.is_judged("v", verification=verification, attendance=attendance)


def test_the_shared_door_is_evidence_when_one_dwelling_expects_the_provider(story: Story) -> None:
    """`door.granted` at a communal panel is medium for the one dwelling with a visit of that provider."""
    story.visit("v", "08:00", "08:30")
    story.door("door.granted", "08:05", "joy")
    story.tap("joy", None, "08:35")
    story.is_judged("v", verification="full", arrived_at=at("08:05").isoformat())


def test_the_shared_door_proves_nothing_when_two_dwellings_do(story: Story) -> None:
    """With visits of the provider in two dwellings it is weak for both."""
    story.visit("v", "08:00", "08:30")
    story.visit("w", "08:30", "09:00", package="cyd-b")
    story.door("door.granted", "08:05", "joy")
    story.is_judged("v", state="missed", verification="indicative")
    story.is_judged("w", state="missed", verification="indicative")


def test_a_cancelled_visit_does_not_make_the_shared_door_ambiguous(story: Story) -> None:
    """Only visits that are neither cancelled nor suspended count there."""
    story.visit("v", "08:00", "08:30")
    story.visit("w", "08:00", "08:30", package="cyd-b", status="cancelled")
    story.door("door.granted", "08:05", "joy")
    story.is_judged("v", attendance="attended")


@pytest.mark.parametrize(("clock", "attendance"), [("09:00", "attended"), ("09:00:00.000001", "unknown")])
def test_the_shared_door_counts_until_missed_where_there_is_a_hub(
    story: Story, clock: str, attendance: str
) -> None:
    """[counts from, `missed_at`] for a dwelling with a hub; afterwards the tap is weak."""
    story.visit("v", "08:00", "08:30")
    story.door("door.granted", clock, "joy")
    story.is_judged("v", attendance=attendance)


def test_the_shared_door_counts_until_latest_where_there_is_no_hub(story: Story) -> None:
    """[counts from, `latest`) for a dwelling without a hub of its own."""
    story.visit("v", "08:00", "08:30", package="dan-b")
    story.door("door.granted", "10:00", "joy")
    story.is_judged("v", attendance="attended", timeliness="late")


@pytest.mark.parametrize("kind", ["door.opened", "door.call", "door.granted"])
def test_a_stranger_at_the_shared_door_says_nothing(story: Story, kind: str) -> None:
    """An event at a communal panel without a credential of the provider is no evidence at all."""
    story.visit("v", "08:00", "08:30")
    story.door(kind, "08:05")
    story.is_judged("v", verification="none", attendance="not_attended")


def test_a_tap_in_another_flat_says_nothing(story: Story) -> None:
    """`carer.…` at a hub that is not the dwelling's is no evidence."""
    story.visit("v", "08:00", "08:30")
    story.tap("joy", "08:05", "08:35", hub="hub-2")
    story.is_judged("v", verification="none", attendance="not_attended")


# -- §4, sessions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("again", "start"), [("08:20", "08:00"), ("08:20:00.000001", "08:00")])
def test_another_arrival_within_twenty_minutes_is_the_same_session(
    story: Story, again: str, start: str
) -> None:
    """Twenty minutes belong to it; a later arrival begins a session and leaves the first without an end."""
    story.visit("v", "08:00", "08:30")
    story.tap("joy", "08:00")
    story.tap("joy", again, "08:30")
    together = again == "08:20"
    departed = at("08:30").isoformat() if together else None
    story.is_judged("v", arrived_at=at(start).isoformat(), departed_at=departed)


def test_twenty_minutes_run_from_the_latest_arrival(story: Story) -> None:
    """08:00, 08:20 and 08:40 are one session."""
    story.visit("v", "08:00", "09:00")
    for again in ("08:00", "08:20", "08:40"):
        story.tap("joy", again)
    story.tap("joy", None, "09:00")
    story.is_judged("v", departed_at=at("09:00").isoformat(), duration="ok")


def test_the_first_departure_is_the_session_s(story: Story) -> None:
    """Another departure within twenty minutes belongs to it and changes nothing."""
    story.visit("v", "08:00", "08:30")
    story.tap("joy", "08:00", "08:30")
    story.tap("joy", None, "08:50")
    story.is_judged("v", departed_at=at("08:30").isoformat(), duration="ok")


def test_a_departure_after_sixteen_hours_does_not_end_a_session(story: Story) -> None:
    """Sixteen hours exactly still do."""
    story.visit("v", "08:00", "08:30")
    story.tap("joy", "08:00", "+1 00:00")
    story.is_judged("v", duration="long", departed_at=at("+1 00:00").isoformat())
    story.files.events.pop()
    story.tap("joy", None, "+1 00:00:00.000001")
    story.is_judged("v", duration="unknown", departed_at=None)


def test_a_departure_without_an_arrival_is_placed_by_its_end(story: Story) -> None:
    """It may fill a slot when its end is in [start, `latest`)."""
    story.visit("v", "08:00", "08:30")
    story.tap("joy", None, "07:59:59.999999")
    story.is_judged("v", state="missed")
    story.tap("kim", None, "08:00")
    story.is_judged("v", state="completed", timeliness="none", duration="unknown", arrived_at=None)


# -- §5, matching --------------------------------------------------------------------------------------------


def test_the_nearest_visit_first_is_wrong(story: Story) -> None:
    """Planned 08:00 and 08:45, arrivals 08:25 and 09:05 belong to them in that order."""
    story.visit("v", "08:00", "08:30")
    story.visit("w", "08:45", "09:15")
    story.tap("joy", "08:25", "08:55")
    story.tap("kim", "09:05", "09:35")
    story.is_judged("v", carers=["joy"])
    story.is_judged("w", carers=["kim"])


def test_one_session_may_serve_both_of_a_couple(story: Story) -> None:
    """Two residents of one dwelling are matched apart."""
    story.visit("a", "08:00", "08:30")
    story.visit("b", "08:15", "08:45", package="bob-b")
    story.tap("joy", "08:00", "08:45")
    story.is_judged("a", carers=["joy"])
    story.is_judged("b", carers=["joy"])


def test_a_session_fills_one_slot_of_one_resident(story: Story) -> None:
    """The button's unnamed carer comes to one of two providers' visits, not to both."""
    story.visit("a", "08:00", "08:30")
    story.visit("o", "08:10", "08:40", package="ada-o")
    story.tap("button", "08:10", "08:40")
    story.is_judged("o", attendance="attended")
    story.is_judged("a", attendance="not_attended")


def test_who_is_named_comes_to_their_own_visit(story: Story) -> None:
    """The named carers are matched to the visits that name them, though the others lie nearer."""
    story.visit("v", "08:00", "08:30", carer_1="joy")
    story.visit("w", "08:30", "09:00", carer_1="kim")
    story.tap("kim", "08:00", "08:30")
    story.tap("joy", "08:20", "08:50")
    story.is_judged("v", carers=["joy"])
    story.is_judged("w", carers=["kim"])


def test_two_slots_are_never_filled_by_one_carer(story: Story) -> None:
    """A carer who comes twice is half of a double-handed visit."""
    story.visit("v", "08:00", "09:00", carers_required="2")
    story.tap("joy", "08:00", "08:20")
    story.tap("joy", "08:30", "08:50")
    story.is_judged("v", attendance="part_attended", carers=["joy"])


def test_at_most_one_slot_is_filled_by_the_unnamed_carer(story: Story) -> None:
    """Two stays by button fill one slot; a named carer fills the other."""
    story.visit("v", "08:00", "09:00", carers_required="2")
    story.tap("button", "08:00", "08:20")
    story.tap("button", "08:30", "08:50")
    story.is_judged("v", attendance="part_attended", carers=[])
    story.tap("joy", "08:40", "09:00")
    story.is_judged("v", attendance="attended", carers=["joy"])


def test_early_minutes_weigh_double(story: Story) -> None:
    """Ten minutes late for one visit cost less than six early for the next."""
    story.visit("v", "08:00", "08:30")
    story.visit("w", "08:16", "08:46", package="ada-o")
    story.tap("button", "08:10", "08:40")
    story.is_judged("v", attendance="attended")
    story.is_judged("w", attendance="not_attended")
