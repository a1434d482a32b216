"""The history of a visit whose evidence turns: doubles, late halves, better matches."""

import pytest

from care.model import (
    Attendance,
    Duration,
    State,
    Timeliness,
    Verification,
)
from tests.unit.care.builders import (
    arrives,
    at,
    departs,
    event,
    home,
    visit,
)
from tests.unit.care.telling import LATE, MISSED, PART, UNKNOWN, alerts, history, states


def test_half_of_a_double() -> None:
    """One of two came: unknown until `missed_at`, part attended from it on, with an alert."""
    events = [arrives("joy", "08:00"), departs("joy", "08:30")]
    found = history(home([visit(carers_required=2)], events))
    assert states(found) == [
        ("07:15", State.PLANNED, UNKNOWN),
        ("08:00", State.IN_PROGRESS, UNKNOWN),
        ("08:30", State.COMPLETED, UNKNOWN),
        ("09:00", State.COMPLETED, Attendance.PART_ATTENDED),
    ]
    assert alerts(found) == [(PART, "09:00", None)]
    assert [version.verdict.verification for version in found.versions[-2:]] == [
        Verification.NONE,
        Verification.PARTIAL,
    ]
    assert "1 of 2 carers" in found.verdict.reason


def test_the_other_half_comes_late() -> None:
    """Attended, judged by the earliest start and the shortest stay; the alert stands down."""
    events = [
        arrives("joy", "08:00"),
        departs("joy", "08:40"),
        arrives("sam", "09:20"),
        departs("sam", "09:30"),
    ]
    found = history(home([visit(carers_required=2)], events))
    assert alerts(found) == [(PART, "09:00", "09:20")]
    final = found.verdict
    assert (final.attendance, final.timeliness, final.duration) == (
        Attendance.ATTENDED,
        Timeliness.ON_TIME,
        Duration.SHORT,
    )
    assert (final.arrived_at, final.departed_at, final.carers) == (at("08:00"), at("09:30"), ("joy", "sam"))
    assert final.verification is Verification.FULL


def test_half_a_double_turns_up_after_the_miss() -> None:
    """A late first carer stands the missed alert down and raises the part-attended one at that receipt."""
    found = history(home([visit(carers_required=2)], [arrives("joy", "09:10")]))
    assert alerts(found) == [(LATE, "08:30", "09:00"), (MISSED, "09:00", "09:10"), (PART, "09:10", None)]


def test_an_emptied_slot_falls_back_with_a_new_alert() -> None:
    """A buffered arrival moves the session out of this window: missed, by an alert at that receipt."""
    events = [arrives("joy", "07:20", "07:20"), arrives("joy", "07:05", "09:30")]
    found = history(home([visit()], events))
    assert states(found) == [
        ("07:15", State.PLANNED, UNKNOWN),
        ("07:20", State.IN_PROGRESS, Attendance.ATTENDED),
        ("09:00", State.COMPLETED, Attendance.ATTENDED),
        ("09:30", State.MISSED, Attendance.NOT_ATTENDED),
    ]
    assert alerts(found) == [(MISSED, "09:30", None)]


def test_a_verdict_may_fall_back_to_late() -> None:
    """Before `missed_at` it is the late alert that is raised at the receipt."""
    events = [arrives("joy", "07:20", "07:20"), arrives("joy", "07:05", "08:40")]
    found = history(home([visit()], events))
    assert alerts(found) == [(LATE, "08:40", "09:00"), (MISSED, "09:00", None)]


def test_a_better_match_moves_a_session_to_another_visit() -> None:
    """Joy at 08:25 first serves the later visit better; when 09:05 arrives the two fall into order."""
    visits = [visit(), visit("08:45", ref="v2")]
    household = home(visits, [arrives("joy", "08:25", "08:25"), arrives("joy", "09:05", "09:05")])
    first, second = history(household), history(household, ref="v2")
    assert first.verdict.arrived_at == at("08:25")
    assert second.verdict.arrived_at == at("09:05")


def test_verdicts_settle() -> None:
    """Evidence received up to 72 hours after the planned end counts; later it is kept and changes nothing."""
    late = arrives("joy", "08:05")
    in_time = event("carer.arrived", late.at, at("08:30", 3), credential="fob:joy")
    too_late = event("carer.arrived", late.at, at("08:30:00.000001", 3), credential="fob:joy")
    assert history(home([visit()], [in_time])).verdict.attendance is Attendance.ATTENDED
    settled = history(home([visit()], [too_late]))
    assert (settled.verdict.state, settled.next_check_at) == (State.MISSED, None)


@pytest.mark.parametrize("second", ["08:20", "09:00", "09:00:01"])
def test_the_second_of_two_may_come_until_it_is_missed(second: str) -> None:
    """Up to `missed_at`, that moment included, nothing was ever to be told of a visit for two."""
    events = [arrives("joy", "08:05"), arrives("sam", second)]
    found = history(home([visit(carers_required=2)], events))
    late = second == "09:00:01"
    assert alerts(found) == ([(PART, "09:00", "09:00")] if late else [])
    assert found.verdict.attendance is Attendance.ATTENDED


def test_who_was_seen_to_come_may_be_lost_and_found_again() -> None:
    """What a better match takes away makes the visit late, until somebody else is known to have come."""
    events = [
        arrives("joy", "07:20", "07:20"),
        arrives("joy", "07:05", "08:40"),
        arrives("sam", "08:50", "08:50"),
    ]
    found = history(home([visit()], events))
    assert alerts(found) == [(LATE, "08:40", "08:50")]
