"""What a backtest makes of rosters, suspensions, doors, policies and clocks."""

import pytest

from tests.acceptance.backtest_case import DAY, Case, clock_of


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (f"pkg-ada/morning/{DAY},pkg-ada,{DAY},10:00,10:30,2,joy,sam,critical,planned,", ("10:00", "missed")),
        (f"pkg-ada/morning/{DAY},pkg-ada,{DAY},08:00,08:30,,,,,cancelled,", ("08:00", "cancelled")),
        (
            f"pkg-ada/morning/{DAY},pkg-ada,{DAY},08:00,08:30,,,,,cancelled,{DAY}T08:30:00+00:00",
            ("08:00", "cancelled"),
        ),
        (
            f"pkg-ada/morning/{DAY},pkg-ada,{DAY},08:00,08:30,,,,,cancelled,{DAY}T08:30:01+00:00",
            ("08:00", "missed"),
        ),
    ],
)
def test_a_roster_row_replaces_an_occurrence(case: Case, row: str, expected: tuple[str, str]) -> None:
    """One visit with that ref, as the row says."""
    case.beats()
    case.rows.append(row)
    visit = case.visit()
    assert (clock_of(visit["start"]), visit["state"]) == expected
    assert len(case.report("23:50")["visits"]) == 1


def test_a_row_added_too_late_raises_no_alert(case: Case) -> None:
    """A miss that was planned after the fact is judged, and nobody is woken."""
    case.beats()
    case.rows.append(f"extra,pkg-ada,{DAY},12:00,12:30,,,,,planned,{DAY}T12:31:00+00:00")
    assert case.visit("extra")["state"] == "missed"
    assert not any(alert["visit_ref"] == "extra" for alert in case.report("23:50")["alerts"])


def test_a_suspension_covers_its_days(case: Case) -> None:
    """Sunday in hospital: suspended, without alerts."""
    case.beats()
    visit = case.visit("pkg-ada/morning/2026-11-22", until="2026-11-22T12:00:00+00:00")
    assert (visit["state"], visit["attendance"]) == ("suspended", "suspended")


def test_a_shared_door_proves_when_one_dwelling_expects(case: Case) -> None:
    """Bert has no hub, the front door is all there is. When Ada is expected too it proves nothing."""
    case.beats("hub-door")
    case.beats()
    data = {"panel": "front", "credential": "fob:joy", "method": "fob"}
    case.sends("door.granted", "12:05", hub="hub-door", data=data)
    case.rows.append(f"b1,pkg-bert,{DAY},12:00,12:30,,,,,,")
    assert (case.visit("b1")["attendance"], case.visit("b1")["verification"]) == ("attended", "partial")
    case.rows.append(f"a1,pkg-ada,{DAY},12:10,12:40,,,,,,")
    bert, ada = case.visit("b1"), case.visit("a1")
    assert (bert["attendance"], bert["verification"]) == ("unknown", "indicative")
    assert (ada["attendance"], ada["verification"]) == ("unknown", "indicative")


def test_the_policy_file_is_obeyed(case: Case) -> None:
    """Other thresholds, other moments; other packages keep the tier's."""
    case.beats()
    case.policy = (
        '[tiers.essential]\nmissed_after = "PT1H30M"\nladder_step = "PT20M"\n'
        '[packages.pkg-ada]\nlate_after = "PT10M"\nnonsense = 3\n'
    )
    assert case.alerts() == [("visit.late", "08:10", "09:30"), ("visit.missed", "09:30", None)]


def test_a_night_when_clocks_go_forward(case: Case) -> None:
    """The visit at half past one is made at half past two by the wall, keeps its length, and says so."""
    case.rows.append("n1,pkg-ada,2026-03-29,01:30,02:15,,,,,,")
    case.sends("heartbeat", "2026-03-29T00:00:00+00:00", data={"queued": 0})
    visit = case.visit("n1", until="2026-03-29T12:00:00+00:00")
    assert (visit["start"], visit["end"]) == ("2026-03-29T01:30:00+00:00", "2026-03-29T02:15:00+00:00")
    assert "clocks" in visit["reason"]


@pytest.mark.parametrize(
    ("scheme", "neighbour", "verification"),
    [("elm-court", False, "partial"), ("elm-court", True, "indicative"), ("oak-court", False, "none")],
)
def test_a_shared_door_may_speak_through_a_dwellings_hub(
    case: Case, scheme: str, neighbour: bool, verification: str
) -> None:
    """An event's own scope makes it the scheme's door: proof where one dwelling of that scheme expects."""
    case.estate = case.estate.replace(
        "  - {id: hub-door", "  - {id: hub-14, dwelling: elm-14, devices: []}\n  - {id: hub-door"
    ).replace("{id: elm-14, landlord: elm-housing, scheme: elm-court", f"{{id: elm-14, scheme: {scheme}")
    if neighbour:
        case.rows = [f"b,pkg-bert,{DAY},08:00,08:30,,,,,,"]
    data = {"panel": "porch", "scope": "communal", "credential": "fob:joy", "method": "fob"}
    case.sends("door.granted", "08:04", hub="hub-14", data=data)
    assert case.visit()["verification"] == verification
