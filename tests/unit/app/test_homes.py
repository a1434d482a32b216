"""From an estate to simulated homes."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from app.homes import cast, home_spec, upcoming_visits
from care.estate import read_estate
from care.model import Plan, RosterRow, Visit
from device_sim.scenario import load_scenario

NOW = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
ESTATE = read_estate(
    """
organisations:
  - {id: elm, kind: landlord, name: Elm Housing}
  - {id: bright, kind: care_provider, name: BrightCare}
  - {id: other, kind: care_provider, name: Other Care}
dwellings:
  - {id: d1, landlord: elm, time_zone: Europe/London}
  - {id: d2, landlord: elm, time_zone: Europe/London}
residents:
  - {id: ada, dwelling: d1, name: Ada Byrne}
  - {id: ben, dwelling: d2, name: Ben Carr}
hubs:
  - {id: hub-1, dwelling: d1, heartbeat_every: PT5M, devices: [{id: p1, kind: pendant}]}
  - {id: hub-2, dwelling: d2,
     devices: [{id: p2, kind: pendant}, {id: door, kind: door_panel, scope: dwelling}]}
carers:
  - {id: joy, provider: bright, name: Joy, credentials: ["fob:01"]}
  - {id: kim, provider: bright, name: Kim, credentials: ["fob:02", "pin:22"]}
  - {id: lea, provider: bright, name: Lea}
  - {id: max, provider: other, name: Max, credentials: ["fob:03"]}
packages:
  - {id: pkg-ada, resident: ada, provider: bright, tier: essential,
     visits: [{id: noon, rrule: FREQ=DAILY, start: "12:00", minutes: 30, from: 2026-11-01}]}
  - {id: pkg-ben, resident: ben, provider: bright, tier: essential,
     visits: [{id: morning, rrule: FREQ=DAILY, start: "08:00", minutes: 30, from: 2026-11-01}]}
""",
    "estate.yaml",
)


def row(ref: str, package: str, start: str, **more: object) -> RosterRow:
    """A visit of today."""
    whole = {"visit_ref": ref, "package_id": package, "service_date": date(2026, 11, 21)}
    times = {"start": time.fromisoformat(start), "end": time(23, 0)}
    return RosterRow(**whole, **times, **more)  # type: ignore[arg-type]


def visits(*rows: RosterRow) -> list[Visit]:
    """What is ahead at NOW."""
    return list(upcoming_visits(ESTATE, {each.visit_ref: each for each in rows}, NOW))


def test_the_visits_ahead_are_those_of_the_next_seven_days() -> None:
    """Recurrences of two packages, a week of each."""
    assert len(visits()) == 14
    assert all(NOW <= visit.start_at < NOW + timedelta(days=7) for visit in visits())


def test_a_roster_row_stands_in_for_its_occurrence_and_a_cancelled_one_for_nothing() -> None:
    """A moved visit is met at its new time; nobody waits at a cancelled one."""
    moved = row("pkg-ben/morning/2026-11-21", "pkg-ben", "09:15")
    gone = row("pkg-ada/noon/2026-11-21", "pkg-ada", "12:00", plan=Plan.CANCELLED)
    today = [visit for visit in visits(moved, gone) if visit.service_date == date(2026, 11, 21)]
    assert [(visit.ref, visit.start_at.hour) for visit in today] == [(moved.visit_ref, 9)]


def test_a_home_has_the_devices_of_its_hub_and_the_carers_of_its_visit() -> None:
    """Those whom the roster names come first; who has no credential, or is a stranger, plays no carer."""
    (visit,) = [
        each for each in visits(row("extra", "pkg-ada", "10:00", carers=("kim",))) if each.ref == "extra"
    ]
    spec = home_spec(ESTATE, ESTATE.hubs["hub-1"], visit)
    assert spec.carers == {"carer": "fob:02", "second_carer": "fob:01", "other_provider": "fob:03"}
    assert spec.heartbeat_every == timedelta(minutes=5)
    assert [(device.id, device.kind, device.scope) for device in spec.devices] == [
        ("p1", "pendant", "dwelling")
    ]


def test_the_home_whose_visit_is_soonest_plays_unless_another_is_chosen_or_it_is_taken() -> None:
    """Nobody wants to wait until noon for what can be seen at eight."""
    story = load_scenario("missed_morning")
    assert cast(story, ESTATE, visits(), chosen={})["home"].hub == "hub-2"
    assert cast(story, ESTATE, visits(), chosen={"home": "hub-1"})["home"].hub == "hub-1"
    assert cast(story, ESTATE, visits(), chosen={}, taken=frozenset({"hub-2"}))["home"].hub == "hub-1"


@pytest.mark.parametrize(
    ("story", "chosen", "told"),
    [
        ("ordinary_day", {"home": "hub-1"}, "hub-1 cannot play 'home' in ordinary_day: it has no door_panel"),
        ("pendant", {"home": "hub-7"}, "the estate has no hub 'hub-7'"),
        ("pendant", {"guest": "hub-1"}, "pendant has no role 'guest'; it has: home"),
    ],
)
def test_a_role_that_cannot_be_filled_is_told_in_a_sentence(
    story: str, chosen: dict[str, str], told: str
) -> None:
    """The sentence names the scenario, the role and what is missing."""
    with pytest.raises(ValueError, match=told):
        cast(load_scenario(story), ESTATE, visits(), chosen=chosen)


def test_when_every_home_is_taken_the_sentence_says_what_was_looked_for() -> None:
    """What the role needs is listed."""
    with pytest.raises(ValueError, match=r"no free home .* it needs a visit in the next seven days"):
        cast(load_scenario("missed_morning"), ESTATE, visits(), chosen={}, taken=frozenset(ESTATE.hubs))
