"""The history of a visit: verdicts and alerts with their true moments, case by case."""

from datetime import datetime
from typing import Any

import pytest

from care.history import histories
from care.model import (
    Attendance,
    Duration,
    State,
    Tier,
    Timeliness,
    Verdict,
    Verification,
)
from care.policy import Policy
from tests.unit.care.builders import (
    DOOR_HUB,
    arrives,
    at,
    departs,
    event,
    home,
    minutes,
    talking,
    visit,
)
from tests.unit.care.telling import END, LATE, MISSED, UNKNOWN, alerts, history, states, verdict


def test_nobody_came() -> None:
    """Planned, due, late, missed; the late alert gives way to the missed one, which stays."""
    found = history(home([visit()]))
    assert states(found) == [
        ("07:15", State.PLANNED, UNKNOWN),
        ("08:00", State.DUE, UNKNOWN),
        ("08:30", State.LATE, UNKNOWN),
        ("09:00", State.MISSED, Attendance.NOT_ATTENDED),
    ]
    assert alerts(found) == [(LATE, "08:30", "09:00"), (MISSED, "09:00", None)]
    assert found.alerts[0].cause == "it goes on as another alert: the visit was not made"


def test_somebody_came() -> None:
    """In progress from the receipt of the arrival, completed at the receipt of the departure; no alert."""
    found = history(home([visit()], [arrives("joy", "08:05"), departs("joy", "08:33", "08:40")]))
    assert states(found) == [
        ("07:15", State.PLANNED, UNKNOWN),
        ("08:00", State.DUE, UNKNOWN),
        ("08:05", State.IN_PROGRESS, Attendance.ATTENDED),
        ("08:40", State.COMPLETED, Attendance.ATTENDED),
    ]
    assert alerts(found) == []
    assert found.verdict == Verdict(
        State.COMPLETED,
        Attendance.ATTENDED,
        Timeliness.ON_TIME,
        Duration.OK,
        Verification.FULL,
        at("08:05"),
        at("08:33"),
        ("joy",),
        found.verdict.reason,
    )


@pytest.mark.parametrize(
    ("clock", "state"),
    [
        ("07:59:59.999999", State.PLANNED),
        ("08:00", State.DUE),
        ("08:29:59.999999", State.DUE),
        ("08:30", State.LATE),
        ("08:59:59.999999", State.LATE),
        ("09:00", State.MISSED),
    ],
)
def test_each_state_begins_at_its_moment(clock: str, state: State) -> None:
    """What holds at a moment holds from that moment on."""
    assert verdict(until=at(clock)).state is state


@pytest.mark.parametrize(
    ("came", "received", "timeliness", "expected_alerts"),
    [
        ("08:30", "08:30", Timeliness.ON_TIME, []),
        ("08:30", "08:31", Timeliness.ON_TIME, [(LATE, "08:30", "08:31")]),
        ("08:30:00.000001", "08:31", Timeliness.LATE, [(LATE, "08:30", "08:31")]),
        ("08:59", "09:00", Timeliness.LATE, [(LATE, "08:30", "09:00")]),
        ("08:59", "09:01", Timeliness.LATE, [(LATE, "08:30", "09:00"), (MISSED, "09:00", "09:01")]),
        ("07:29:59", "07:29:59", Timeliness.EARLY, []),
        ("07:30", "07:30", Timeliness.ON_TIME, []),
    ],
)
def test_timeliness_and_receipt_are_two_things(
    came: str, received: str, timeliness: Timeliness, expected_alerts: list[Any]
) -> None:
    """Timeliness follows when they came, alerts when we knew; a bound itself is still good."""
    found = history(home([visit()], [arrives("joy", came, received)]))
    assert found.verdict.timeliness is timeliness
    assert alerts(found) == expected_alerts


@pytest.mark.parametrize(
    ("came", "attended"), [("07:14:59", False), ("07:15", True), ("10:59", True), ("11:15", False)]
)
def test_an_arrival_counts_until_latest(came: str, attended: bool) -> None:
    """A late breakfast is still breakfast, and an early lunch never hides a missed one."""
    household = home([visit(), visit("12:00", ref="lunch")], [arrives("joy", came)])
    assert (history(household).verdict.attendance is Attendance.ATTENDED) is attended
    assert (history(household, ref="lunch").verdict.attendance is Attendance.ATTENDED) is (came == "11:15")


@pytest.mark.parametrize(
    ("length", "stay", "duration"),
    [
        (30, 24, Duration.OK),
        (30, 23.99, Duration.SHORT),
        (30, 60, Duration.OK),
        (30, 60.01, Duration.LONG),
        (120, 180, Duration.OK),
        (120, 180.01, Duration.LONG),
    ],
)
def test_duration_is_measured_against_the_plan(length: float, stay: float, duration: Duration) -> None:
    """Short below four fifths, long above the plan and the greater of half an hour and half of it."""
    came = event("carer.arrived", at("08:00"), credential="fob:joy")
    left = event("carer.departed", at("08:00") + minutes(stay), credential="fob:joy")
    assert verdict(came, left, length=length).duration is duration


@pytest.mark.parametrize(
    ("came", "length", "limit"),
    [
        ("08:05", 30, "09:05"),  # arrival + 30, + 30
        ("07:50", 30, "09:00"),  # planned end, + 30
        ("08:10", 120, "11:10"),  # arrival + 120, + 60
    ],
)
def test_a_visit_that_nobody_left_is_completed_in_the_end(came: str, length: float, limit: str) -> None:
    """In progress until the plan and a grace are over, then completed with duration unknown."""
    found = history(home([visit(length=length)], [arrives("joy", came)]))
    assert states(found)[-1] == (limit, State.COMPLETED, Attendance.ATTENDED)
    assert found.versions[-2].verdict.state is State.IN_PROGRESS
    assert found.verdict.duration is Duration.UNKNOWN
    assert (found.verdict.verification, found.verdict.departed_at) == (Verification.PARTIAL, None)


def test_a_departure_received_after_that_still_tells_the_duration() -> None:
    """A buffered departure completes the record."""
    found = history(home([visit()], [arrives("joy", "08:05"), departs("joy", "08:35", "10:00")]))
    assert states(found)[-1][0] == "10:00"
    assert (found.verdict.duration, found.verdict.verification) == (Duration.OK, Verification.FULL)


def test_only_a_departure_was_seen() -> None:
    """Attended, completed, but neither timely nor of known length, and partly verified."""
    found = verdict(departs("joy", "08:31"))
    assert (found.state, found.attendance) == (State.COMPLETED, Attendance.ATTENDED)
    assert (found.timeliness, found.duration) == (Timeliness.NONE, Duration.UNKNOWN)
    assert (found.verification, found.arrived_at, found.departed_at) == (
        Verification.PARTIAL,
        None,
        at("08:31"),
    )


def test_a_button_proves_attendance_but_not_who() -> None:
    """Medium evidence makes a visit attended, partly verified, by nobody named."""
    found = verdict(arrives(None, "08:00"), departs(None, "08:30"))
    assert (found.attendance, found.verification, found.carers) == (
        Attendance.ATTENDED,
        Verification.PARTIAL,
        (),
    )


def test_a_swap_is_named() -> None:
    """Another carer of the right provider proves attendance, and the reason says who came for whom."""
    found = verdict(arrives("joy", "08:00"), departs("joy", "08:30"), carers=("sam",))
    assert (found.attendance, found.carers) == (Attendance.ATTENDED, ("joy",))
    assert "swap" in found.reason.lower()
    assert "Joy Okafor (joy)" in found.reason
    assert "Sam Oke (sam)" in found.reason or "sam" in found.reason


def test_another_providers_carer_proves_nothing() -> None:
    """The visit stays missed, and the stranger's tap is not even possible attendance."""
    found = verdict(arrives("kim", "08:00"), departs("kim", "08:30"))
    assert (found.state, found.attendance, found.verification) == (
        State.MISSED,
        Attendance.NOT_ATTENDED,
        Verification.NONE,
    )


def test_weak_evidence_is_possible_attendance() -> None:
    """It changes neither states nor alerts, but nobody may say that nobody came."""
    found = history(home([visit()], [event("door.opened", at("08:10"), at("09:30"))]))
    assert states(found)[-2:] == [
        ("09:00", State.MISSED, Attendance.NOT_ATTENDED),
        ("09:30", State.MISSED, Attendance.UNKNOWN),
    ]
    assert found.verdict.verification is Verification.INDICATIVE
    assert "Possible attendance" in found.verdict.reason
    assert alerts(found) == [(LATE, "08:30", "09:00"), (MISSED, "09:00", None)]


@pytest.mark.parametrize(
    ("clock", "counts"), [("07:14:59", False), ("07:15", True), ("11:14", True), ("11:15", False)]
)
def test_weak_evidence_counts_in_the_window_alone(clock: str, counts: bool) -> None:
    """In [counts from, latest)."""
    household = home([visit(), visit("12:00", ref="v2")], [event("door.opened", at(clock))])
    assert (history(household).verdict.verification is Verification.INDICATIVE) is counts


def test_a_shared_door_is_all_there_is() -> None:
    """Without a hub of its own the home is heard through the scheme's; a tap there is medium evidence."""
    granted = event("door.granted", at("09:30"), hub_id="hub-door", credential="fob:joy", panel="front")
    found = history(home([visit()], [granted], hearing=[talking(DOOR_HUB)], hubs=(DOOR_HUB,)))
    assert found.verdict.attendance is Attendance.ATTENDED
    assert found.verdict.verification is Verification.PARTIAL
    with_hub = history(home([visit()], [granted]))
    assert (with_hub.verdict.state, with_hub.verdict.attendance) == (State.MISSED, UNKNOWN)


def test_communal_door_and_unit_make_one_session() -> None:
    """Downstairs at 07:58, at the unit at 08:03: one presence, with strong evidence in it."""
    granted = event("door.granted", at("07:58"), hub_id="hub-door", credential="fob:joy", panel="front")
    found = verdict(granted, arrives("joy", "08:03"), departs("joy", "08:30"))
    assert (found.arrived_at, found.verification) == (at("07:58"), Verification.FULL)


def test_a_flexible_visit_is_on_time_all_day() -> None:
    """Any time that day is on time; there is no late, and at eleven at night it is missed."""
    assert verdict(arrives("joy", "21:00"), tier=Tier.FLEXIBLE).timeliness is Timeliness.ON_TIME
    found = history(home([visit(tier=Tier.FLEXIBLE)]))
    assert alerts(found) == [(MISSED, "23:00", None)]
    assert verdict(departs("joy", "21:00"), tier=Tier.FLEXIBLE).timeliness is Timeliness.NONE


@pytest.mark.parametrize(
    ("until", "next_check"),
    [
        (at("06:00"), at("08:00")),
        (at("08:00"), at("08:30")),
        (at("08:30"), at("09:00")),
        (at("09:00"), at("08:30", 3)),
        (at("08:30", 3), None),
    ],
)
def test_each_decision_says_when_to_look_again(until: datetime, next_check: datetime | None) -> None:
    """The next moment at which time alone may change something; settled, there is none."""
    assert history(home([visit()]), until).next_check_at == next_check


@pytest.mark.parametrize(
    ("until", "next_check"),
    [(at("07:50"), at("08:00")), (at("08:00"), at("09:00")), (at("08:29"), at("09:00"))],
)
def test_a_visit_under_way_is_looked_at_when_it_should_be_over(until: datetime, next_check: datetime) -> None:
    """Nobody waits for one who is there to be late; that nobody was seen to leave is noticed at its limit."""
    assert history(home([visit()], [arrives("joy", "07:55")]), until).next_check_at == next_check


def test_a_visit_that_was_made_is_looked_at_when_it_settles() -> None:
    """Nothing that time alone brings can change it: no sweep takes it up when others are missed."""
    made = home([visit()], [arrives("joy", "07:55"), departs("joy", "08:28")])
    assert history(made, at("08:30")).next_check_at == at("08:30", 3)


def test_two_residents_of_one_dwelling_are_matched_apart() -> None:
    """The couple's visits are two households' matters: one session serves both."""
    events = [arrives("joy", "08:00"), departs("joy", "08:30")]
    ada = home([visit()], events)
    bert = home([visit(ref="v2", resident_id="bert", package_id="pkg-bert")], events)
    assert (
        history(ada).verdict.attendance is history(bert, ref="v2").verdict.attendance is Attendance.ATTENDED
    )


def test_a_moved_visit_says_so() -> None:
    """Clocks that skip its planned start are named in the reason."""
    shifted = visit(shifted=True, start_wall=at("07:30").time())
    assert "clocks" in history(home([shifted])).verdict.reason


def test_an_alert_speaks_of_no_carer() -> None:
    """Its reason goes to the landlord too: neither a name nor an id of a carer is in it."""
    household = home([visit(carers_required=2, carers=("joy", "sam"))], [arrives("joy", "08:40")])
    for span in history(household).alerts:
        assert not any(word in span.reason.lower() for word in ("joy", "sam", "okafor", "swap"))


def test_only_what_is_asked_for_is_judged() -> None:
    """Visits that are there for their neighbours' sake take part in matching and are not told of."""
    visits = [visit(), visit("08:45", ref="v2")]
    household = home(visits, [arrives("joy", "08:25"), arrives("joy", "09:05")], judged=frozenset({"v1"}))
    (found,) = histories(household, END)
    assert (found.visit.ref, found.verdict.arrived_at) == ("v1", at("08:25"))


def test_policies_change_the_outcome() -> None:
    """A longer session gap joins what the default keeps apart."""
    events = [arrives("joy", "07:10"), arrives("joy", "07:40")]
    assert history(home([visit()], events)).verdict.arrived_at == at("07:40")
    lenient = Policy(same_session=minutes(30))
    assert history(home([visit()], events, policy=lenient)).verdict.state is State.MISSED
