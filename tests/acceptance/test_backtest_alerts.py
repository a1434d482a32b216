"""The alerts of a backtest: who owes what, when each step falls due, and what homes raise themselves."""

import pytest

from tests.acceptance.backtest_case import Case, clock_of


def test_unverified_goes_at_half_the_pace(case: Case) -> None:
    """Its ladder's step is twice the tier's, and the centre joins at the third."""
    case.beats(last="07:20")
    alert = next(a for a in case.report("10:30")["alerts"] if a["kind"] == "visit.unverified")
    steps = {duty["role"]: [clock_of(step) for step in duty["step_at"]] for duty in alert["duties"]}
    assert steps == {
        "landlord": ["09:00", "09:30", "10:00", "10:30"],
        "care_provider": ["09:00", "09:30", "10:00", "10:30"],
        "monitoring_centre": ["10:00", "10:30"],
    }


def test_a_party_that_nobody_can_reach_calls_the_centre_at_once(case: Case) -> None:
    """Its first steps are skipped and not listed; the centre's duty begins with the first third."""
    case.estate = case.estate.replace("email: duty@elm.example", "")
    case.beats()
    alert = next(a for a in case.report("09:31")["alerts"] if a["kind"] == "visit.missed")
    steps = {duty["role"]: [clock_of(step) for step in duty["step_at"]] for duty in alert["duties"]}
    assert steps == {
        "landlord": ["09:00", "09:15", "09:30"],
        "care_provider": ["09:00", "09:15", "09:30"],
        "monitoring_centre": ["09:00", "09:15", "09:30"],
    }


def test_no_step_lies_at_or_after_the_stand_down(case: Case) -> None:
    """A buffered arrival received at half past nine ends the ladders before that moment."""
    case.beats()
    case.taps("joy", "08:03", received="09:30")
    alert = next(a for a in case.report("12:00")["alerts"] if a["kind"] == "visit.missed")
    assert clock_of(alert["stood_down_at"]) == "09:30"
    assert [[clock_of(step) for step in duty["step_at"]] for duty in alert["duties"]] == [
        ["09:00", "09:15"]
    ] * 2


def test_parties_that_do_not_exist_owe_nothing(case: Case) -> None:
    """Without landlord and centre the provider's duty is left; its third step is listed all the same."""
    case.estate = case.estate.replace("elm-12, landlord: elm-housing,", "elm-12,").replace(
        "name: Ada Byrne, monitoring_centre: northgate", "name: Ada Byrne"
    )
    case.beats()
    alert = next(a for a in case.report("09:45")["alerts"] if a["kind"] == "visit.missed")
    (duty,) = alert["duties"]
    assert (duty["role"], len(duty["step_at"])) == ("care_provider", 4)


def test_a_press_is_one_alert(case: Case) -> None:
    """Further presses of the device fold into it; another kind is another alert; a cancel closes nothing."""
    case.beats(first="09:00", last="10:00")
    case.sends("alarm.pendant", "09:00", device="pendant-1")
    case.sends("alarm.pendant", "09:02", device="pendant-1")
    case.sends("alarm.cancelled", "09:03", device="pendant-1")
    case.sends("alarm.fall", "09:04", "09:05", device="pendant-1")
    case.sends("test.call", "09:06", device="pendant-1")
    case.sends("alarm.brand_new", "09:07")
    assert case.alerts("10:00", "alarm.") == [
        ("alarm.pendant", "09:00", None),
        ("alarm.fall", "09:05", None),
        ("alarm.brand_new", "09:07", None),
    ]
    press = next(a for a in case.report("09:05")["alerts"] if a["kind"] == "alarm.pendant")
    assert (press["hub"], press["resident"], press["visit_ref"]) == ("hub-12", "ada", None)
    (duty,) = press["duties"]
    assert (duty["organisation"], duty["role"]) == ("northgate", "monitoring_centre")
    assert [clock_of(step) for step in duty["step_at"]] == ["09:00", "09:01", "09:03", "09:04", "09:05"]


def test_an_alarm_of_an_unknown_hub_reaches_every_centre(case: Case) -> None:
    """Nobody knows whose home it is, and still somebody is called."""
    case.sends("alarm.smoke", "09:00", hub="hub-lost")
    (alert,) = [a for a in case.report("09:00")["alerts"] if a["kind"] == "alarm.smoke"]
    assert (alert["hub"], alert["resident"]) == ("hub-lost", None)
    assert [duty["organisation"] for duty in alert["duties"]] == ["northgate"]


def test_a_fault_is_raised_when_it_has_lasted(case: Case) -> None:
    """Fifteen minutes after its receipt, closed by what restores it; a short one is never raised."""
    case.beats()
    case.sends("technical.sensor_missing", "09:00", device="smoke-1")
    case.sends("technical.sensor_restored", "09:15", device="smoke-1")
    assert case.alerts("12:00", "technical.") == []
    case.sends("technical.sensor_missing", "10:00", device="smoke-1")
    case.sends("technical.sensor_restored", "10:40", device="smoke-1")
    assert case.alerts("12:00", "technical.") == [("technical.sensor_missing", "10:15", "10:40")]


def test_silence_at_a_person_of_high_risk_is_welfare_at_once(case: Case) -> None:
    """Its ladder is that of welfare from the first minute, not only after a day."""
    case.beats(last="08:00")
    steps = []
    for risk in ("", "high_risk: true, "):
        case.estate = case.estate.replace("name: Ada Byrne, ", f"name: Ada Byrne, {risk}")
        (alert,) = (a for a in case.report("08:37")["alerts"] if a["kind"] == "hub.silent")
        steps.append([clock_of(step) for duty in alert["duties"] for step in duty["step_at"]])
    assert steps == [["08:25"], ["08:25", "08:28", "08:35"]]


def test_a_silent_hub_is_missed(case: Case) -> None:
    """Overdue after two and a half intervals, closed when heard; one never heard is not missed."""
    case.beats(first="06:00", last="08:00")
    case.beats(first="11:00", last="12:00")
    assert case.alerts("12:25", "hub.") == [("hub.silent", "08:25", "11:00")]
    assert case.alerts("12:26", "hub.") == [("hub.silent", "08:25", "11:00"), ("hub.silent", "12:25", None)]


def test_two_panels_of_one_hub_are_two_doors(case: Case) -> None:
    """An event without a device is its panel's: what is held open at one door is not held at the other."""
    for panel, clock in (("front", "08:00"), ("back", "08:05"), ("front", "08:10")):
        case.sends("door.held", clock, data={"panel": panel})
    assert case.alerts(prefix="door.") == [("door.held", "08:00", None), ("door.held", "08:05", None)]


@pytest.mark.parametrize(
    ("kind", "clock", "raised"),
    [
        ("alarm.inactivity", "08:59", True),
        ("alarm.inactivity", "09:00", False),
        ("alarm.inactivity", "11:00", True),
        ("alarm.bed", "10:00", False),
        ("alarm.pendant", "10:00", True),
        ("alarm.smoke", "10:00", True),
    ],
)
def test_an_empty_home_is_not_inactive(case: Case, kind: str, clock: str, raised: bool) -> None:
    """While the resident is away an empty home raises nothing of its own; a press or a fire it does."""
    case.sends("resident.away", "09:00")
    case.sends("resident.home", "11:00")
    case.sends(kind, clock)
    assert case.alerts(prefix="alarm.") == ([(kind, clock, None)] if raised else [])


def test_who_forgot_the_switch_is_watched_over_again(case: Case) -> None:
    """Away mode ends by itself after a day; where two live, it holds nothing back."""
    case.sends("resident.away", "2026-11-19T09:00:00+00:00")
    case.sends("alarm.inactivity", "09:00")
    assert case.alerts(prefix="alarm.") == [("alarm.inactivity", "09:00", None)]
    case.lines.clear()
    case.estate = case.estate.replace("dwelling: elm-14, name: Bert", "dwelling: elm-12, name: Bert")
    case.sends("resident.away", "08:00")
    case.sends("alarm.inactivity", "09:00")
    assert case.alerts(prefix="alarm.") == [("alarm.inactivity", "09:00", None)]
