"""A home without a line: what its verbs make, and that all of it is kept."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from device_sim.fleet import Fleet
from device_sim.home import Home
from device_sim.ledger import Ledger, read_ledger
from device_sim.spec import DeviceSpec, HomeSpec
from device_sim.wire import Broker
from gateway.model import Event
from tests.unit.device_sim.simulated_time import START, SimulatedTime

NOWHERE = Broker("nowhere.invalid")
SPEC = HomeSpec(
    "hub-12",
    devices=(
        DeviceSpec("pendant-1", "pendant"),
        DeviceSpec("panel-1", "door_panel"),
        DeviceSpec("front", "door_panel", scope="communal"),
    ),
    carers={"carer": "fob:04A1B2"},
)


def events(home: Home) -> list[Event]:
    """Everything in the store of a home, in the order it was made."""
    return [msgspec.json.decode(entry.body, type=Event) for entry in home.hub.outbox]


@pytest.mark.parametrize(
    ("act", "event_type", "device", "data"),
    [
        (lambda home: home.presses("pendant"), "alarm.pendant", "pendant-1", {}),
        (lambda home: home.cancels("pendant-1"), "alarm.cancelled", "pendant-1", {}),
        (lambda home: home.test_presses("pendant"), "test.call", "pendant-1", {}),
        (
            lambda home: home.taps("carer"),
            "carer.arrived",
            None,
            {"credential": "fob:04A1B2", "method": "fob"},
        ),
        (
            lambda home: home.departs("pin:4711"),
            "carer.departed",
            None,
            {"credential": "pin:4711", "method": "pin"},
        ),
        (lambda home: home.arrives(), "carer.arrived", None, {"method": "button"}),
        (lambda home: home.rings("panel-1"), "door.call", "panel-1", {"panel": "panel-1"}),
        (
            lambda home: home.rings("panel-1", "carer"),
            "door.call",
            "panel-1",
            {"panel": "panel-1", "credential": "fob:04A1B2"},
        ),
        (
            lambda home: home.shows("front", "carer"),
            "door.granted",
            "front",
            {"panel": "front", "credential": "fob:04A1B2", "method": "fob", "scope": "communal"},
        ),
        (
            lambda home: home.is_denied("panel-1", "fob:FF"),
            "door.denied",
            "panel-1",
            {
                "panel": "panel-1",
                "credential": "fob:FF",
                "method": "fob",
                "scope": "dwelling",
                "reason": "unknown credential",
            },
        ),
        (lambda home: home.opens_door("door_panel"), "door.opened", "panel-1", {"panel": "panel-1"}),
        (lambda home: home.closes_door("panel-1"), "door.closed", "panel-1", {"panel": "panel-1"}),
        (lambda home: home.answers("no_one_came"), "resident.feedback", None, {"rating": "no_one_came"}),
        (lambda home: home.goes_away(), "resident.away", None, {}),
        (lambda home: home.is_home_again(), "resident.home", None, {}),
        (
            lambda home: home.reports("technical.battery_low", device="pendant-1", data={"level": 3}),
            "technical.battery_low",
            "pendant-1",
            {"level": 3},
        ),
    ],
)
async def test_a_verb_makes_the_event_of_the_contract(
    act: Callable[[Home], Awaitable[Any]], event_type: str, device: str | None, data: dict[str, Any]
) -> None:
    """Type, device and data are those of contract §2, and roles and kinds are resolved."""
    home = Home(SPEC, NOWHERE, SimulatedTime())
    await act(home)
    (event,) = events(home)
    assert (event.type, event.device, event.data) == (event_type, device, data)
    assert (event.at, event.seq) == (START, 1)


async def test_a_second_tap_of_a_fob_is_a_departure_and_the_third_an_arrival() -> None:
    """The unit knows who is inside."""
    home = Home(SPEC, NOWHERE, SimulatedTime())
    for _ in range(3):
        await home.taps("fob:04A1B2")
    assert [event.type for event in events(home)] == ["carer.arrived", "carer.departed", "carer.arrived"]


async def test_presses_in_one_instant_are_events_of_their_own() -> None:
    """Ten presses at one time of the clock have ten ids."""
    home = Home(SPEC, NOWHERE, SimulatedTime())
    ids = await home.presses("pendant-1", times=10)
    assert len(set(ids)) == len(events(home)) == 10
    assert not any(home.receipted(event_id) for event_id in ids)


async def test_a_reboot_counts_anew_under_another_boot_and_uses_no_id_twice() -> None:
    """seq starts again, boot changes even within one tick of the clock, the store survives."""
    home = Home(SPEC, NOWHERE, SimulatedTime())
    await home.goes_away()
    await home.reboots()
    await home.is_home_again()
    before, after = events(home)
    assert (before.seq, after.seq) == (1, 1)
    assert before.boot != after.boot
    assert before.id != after.id


async def test_a_home_started_again_later_uses_other_ids() -> None:
    """A simulator that is run twice must not have its second events taken for repeats."""
    time = SimulatedTime()
    first = Home(SPEC, NOWHERE, time)
    await first.goes_away()
    await time.passes(0.002)
    second = Home(SPEC, NOWHERE, time)
    await second.goes_away()
    assert events(first)[0].id != events(second)[0].id


async def test_a_wrong_clock_shows_in_what_the_home_says() -> None:
    """The skew moves every device time, those of the past included."""
    home = Home(SPEC, NOWHERE, SimulatedTime(), skew=timedelta(hours=1))
    await home.goes_away()
    await home.arrives("carer", happened=START - timedelta(minutes=20))
    assert [event.at - START for event in events(home)] == [timedelta(hours=1), timedelta(minutes=40)]


async def test_every_event_is_in_the_ledger_when_the_verb_returns(tmp_path: Path) -> None:
    """What a home may ever send was written down before."""
    with Ledger(tmp_path / "ledger") as ledger:
        home = Home(SPEC, NOWHERE, SimulatedTime(), ledger=ledger)
        ids = await home.presses("pendant-1", times=2)
        assert [key for key in read_ledger(tmp_path / "ledger").said] == [("hub-12", each) for each in ids]


async def test_a_home_takes_up_what_its_earlier_life_owed(tmp_path: Path) -> None:
    """After a kill the store is made again from the ledger, with the ids and times as they were."""
    time = SimulatedTime()
    with Ledger(tmp_path / "ledger") as ledger:
        first = Home(SPEC, NOWHERE, time, ledger=ledger)
        await first.presses("pendant-1")
        await first.arrives("carer")
    await time.passes(60)
    second = Home(SPEC, NOWHERE, time)
    second.hub.remember(read_ledger(tmp_path / "ledger").unsettled("hub-12"))
    assert events(second) == events(first)


async def test_no_heartbeat_is_kept_for_later() -> None:
    """Offline nothing says that it is alive: said later it would be false."""
    time = SimulatedTime()
    home = Home(SPEC, NOWHERE, time)
    await home.heartbeats(timedelta(seconds=1))
    await time.passes(10)
    assert events(home) == []
    await home.switches_off()


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda home: home.presses("smoke-9"), "hub-12 has no device 'smoke-9'; it has: pendant-1"),
        (lambda home: home.presses("panel-1"), "a door_panel such as panel-1 gives no alarm"),
        (lambda home: home.arrives("second_carer"), "no carer role 'second_carer'"),
        (lambda home: home.reports("door.call", data={"text": "x" * 17_000}), "larger than the contract"),
        (lambda home: home.heartbeats(timedelta(0)), "interval above zero"),
    ],
)
async def test_what_a_home_cannot_do_is_refused_and_leaves_nothing(
    act: Callable[[Home], Awaitable[Any]], told: str
) -> None:
    """A mistake in a story is an error at its place and makes no event."""
    home = Home(SPEC, NOWHERE, SimulatedTime())
    with pytest.raises(ValueError, match=told):
        await act(home)
    assert events(home) == []


async def test_waiting_for_a_receipt_ends_with_what_is_known() -> None:
    """The error names the hub, what was waited for, and that there is no line."""
    time = SimulatedTime()
    home = Home(SPEC, NOWHERE, time)
    (event_id,) = await home.presses("pendant-1")
    waiting = asyncio.create_task(home.await_receipt(event_id, within=5))
    await time.passes(4.9)
    assert not waiting.done()
    await time.passes(0.1)
    with pytest.raises(
        TimeoutError, match=rf"hub-12: no sign of a receipt for {event_id} within 5 s \(not conn"
    ):
        await waiting


def test_two_homes_of_one_fleet_cannot_share_a_hub_id() -> None:
    """A broker lets one in and throws the other out, in turn, for ever."""
    with pytest.raises(ValueError, match="two homes have the hub id hub-12"):
        Fleet([SPEC, SPEC], NOWHERE, SimulatedTime())
