"""Playing scenarios on simulated time, in homes without a line."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from device_sim.home import Home
from device_sim.play import Done, play, schedule
from device_sim.scenario import load_scenario, names, parse_scenario
from device_sim.spec import DeviceSpec, HomeSpec, VisitTimes
from device_sim.wire import Broker
from gateway.model import Event
from tests.unit.device_sim.simulated_time import START, SimulatedTime

NOWHERE = Broker("nowhere.invalid")
DEVICES = (
    ("pendant", "pendant"),
    ("panel", "door_panel"),
    ("cord", "pull_cord"),
    ("smoke", "smoke_detector"),
)
VISIT = VisitTimes(START + timedelta(hours=1), START + timedelta(hours=1, minutes=30))


def spec() -> HomeSpec:
    """A home that can play every role of the scenarios that come along."""
    return HomeSpec(
        "hub-12",
        devices=tuple(DeviceSpec(f"{name}-1", kind) for name, kind in DEVICES),
        carers={"carer": "fob:04A1B2", "second_carer": "fob:04A1B3"},
        visit=VISIT,
    )


async def played(name: str, speed: float = 1.0) -> tuple[list[Event], list[Done]]:
    """What a home said in a scenario that began at START, and the steps that were taken."""
    time = SimulatedTime()
    home = Home(spec(), NOWHERE, time)
    playing = asyncio.create_task(play(load_scenario(name), {"home": home}, time, speed=speed))
    await time.passes(4 * 3600)
    done = await playing
    await home.switches_off()
    return [msgspec.json.decode(entry.body, type=Event) for entry in home.hub.outbox], done


async def test_steps_are_taken_at_their_moments() -> None:
    """An arrival three minutes into the visit is said then, by the device's clock too."""
    events, _ = await played("ordinary_day")
    arrived = next(event for event in events if event.type == "carer.arrived")
    departed = next(event for event in events if event.type == "carer.departed")
    assert arrived.at == VISIT.start + timedelta(minutes=3)
    assert departed.at == VISIT.end + timedelta(minutes=1)
    assert arrived.data["credential"] == departed.data["credential"] == "fob:04A1B2"


async def test_speed_shortens_distances_and_moves_no_visit() -> None:
    """At sixty times, three minutes after the start of the visit are three seconds after it."""
    events, _ = await played("ordinary_day", speed=60)
    arrived = next(event for event in events if event.type == "carer.arrived")
    assert arrived.at == VISIT.start + timedelta(seconds=3)


async def test_late_evidence_is_said_late_and_dated_in_time() -> None:
    """The reader's arrival comes more than an hour after the start and is dated three minutes after it."""
    events, done = await played("late_evidence")
    arrived = next(event for event in events if event.type == "carer.arrived")
    said = next(each for each in done if arrived.id in each.events)
    assert arrived.at == VISIT.start + timedelta(minutes=3)
    assert said.at == VISIT.start + timedelta(minutes=75)


async def test_nobody_comes_in_the_missed_morning() -> None:
    """No event of it is evidence of a carer."""
    events, _ = await played("missed_morning")
    assert not [event for event in events if event.type.startswith(("carer.", "door."))]


async def test_a_step_whose_moment_has_passed_is_taken_at_once_and_in_order() -> None:
    """Begun in the middle, a scenario catches up."""
    time = SimulatedTime(VISIT.end + timedelta(hours=2))
    home = Home(spec(), NOWHERE, time)
    done = await play(load_scenario("offline_hub"), {"home": home}, time, begin=START)
    await home.switches_off()
    assert [each.step.does for each in done][1:5] == ["goes_offline", "arrives", "departs", "comes_back"]


@pytest.mark.parametrize("name", names())
def test_every_scenario_can_be_scheduled(name: str) -> None:
    """Roles, devices and moments of the files that come along fit an ordinary home with such a visit."""
    scenario, whole = load_scenario(name), spec()
    assert whole.visit is not None
    homes = {
        role: replace(
            whole,
            hub=f"hub-{role}",
            visit=replace(whole.visit, wall=needs.planned or "", suspended=needs.suspended),
        )
        for role, needs in scenario.roles.items()
    }
    times = [at for at, _ in schedule(scenario, homes, begin=START)]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("name", "visit", "told"),
    [
        ("hospital_stay", {}, "its next visit is not suspended"),
        ("missed_morning", {"suspended": True}, "its next visit is suspended"),
        ("clocks_back", {"wall": "2026-10-24 01:30"}, "it has no visit planned for 2026-10-25 01:30"),
    ],
)
def test_a_visit_of_another_kind_does_not_do(name: str, visit: dict[str, Any], told: str) -> None:
    """A story that hangs on the night or on a suspension is not played at just any visit."""
    whole = spec()
    assert whole.visit is not None
    why = load_scenario(name).unfit("home", replace(whole, visit=replace(whole.visit, **visit)))
    assert why == f"hub-12 cannot play 'home' in {name}: {told}"


def without(part: str) -> HomeSpec:
    """The whole home but for one thing."""
    whole = spec()
    return HomeSpec(
        "hub-12",
        devices=() if part == "devices" else whole.devices,
        carers={} if part == "carers" else whole.carers,
        visit=None if part == "visit" else whole.visit,
    )


@pytest.mark.parametrize(
    ("name", "part", "told"),
    [
        ("pendant", "devices", "hub-12 cannot play 'home' in pendant: it has no pendant"),
        ("ordinary_day", "carers", "knows no credential for 'carer'"),
        ("missed_morning", "visit", "it has no visit planned"),
    ],
)
def test_a_home_that_cannot_play_its_role_is_refused_before_anything_happens(
    name: str, part: str, told: str
) -> None:
    """The sentence says what the home lacks."""
    with pytest.raises(ValueError, match=told):
        schedule(load_scenario(name), {"home": without(part)}, begin=START)


@pytest.mark.parametrize("speed", [0, -1])
def test_time_only_goes_forward(speed: float) -> None:
    """A speed that is not above zero is refused."""
    with pytest.raises(ValueError, match="above zero"):
        schedule(load_scenario("pendant"), {"home": spec()}, begin=START, speed=speed)


def test_a_role_without_a_home_is_refused() -> None:
    """Nothing is played with an empty chair."""
    with pytest.raises(ValueError, match="needs a home for the role 'home'"):
        schedule(load_scenario("pendant"), {}, begin=START)


def test_a_step_that_names_no_device_of_the_home_is_refused_before_anything_happens() -> None:
    """Even where the file does not ask for the device in its roles."""
    scenario = parse_scenario(
        "mine",
        "{title: t, shows: s, roles: {home: {}}, steps: [{when: begin, does: presses, device: bell}]}",
    )
    with pytest.raises(ValueError, match="hub-12 has no device 'bell'"):
        schedule(scenario, {"home": spec()}, begin=START)
