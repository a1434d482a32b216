"""Homes over a real Mosquitto set up as in production: accounts, rights, persistence."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.clock import system_clock
from device_sim.clock import RealClock
from device_sim.fleet import Fleet
from device_sim.home import Home
from device_sim.ledger import Ledger, read_ledger
from device_sim.play import run_scenario
from device_sim.scenario import load_scenario
from device_sim.spec import DeviceSpec, HomeSpec
from device_sim.wire import Broker, Protocol
from tests.integration.device_sim.platform import HurriedClock, Listener, door_release, listening
from tests.support.mosquitto import GATEWAY, Mosquitto
from tests.support.processes import free_port

CLOCK = RealClock(system_clock)
HURRIED = HurriedClock(system_clock)


def spec(broker: Mosquitto, hub: str = "hub-12") -> HomeSpec:
    """A home with a pendant and a door, and an account on the broker."""
    return HomeSpec(
        hub,
        devices=(DeviceSpec("pendant-1", "pendant"), DeviceSpec("panel-1", "door_panel")),
        carers={"carer": "fob:04A1B2"},
        password=broker.enrol([hub])[hub] if hub not in broker.passwords else broker.passwords[hub],
    )


def wire(broker: Mosquitto, protocol: Protocol = "3.1.1") -> Broker:
    """How homes reach it."""
    return Broker("127.0.0.1", broker.port, protocol=protocol)


@pytest.fixture
async def platform(mosquitto: Mosquitto) -> AsyncIterator[Listener]:
    """A listener under the gateway's account, which receipts everything."""
    async with listening(mosquitto.port, username=GATEWAY, password=mosquitto.passwords[GATEWAY]) as listener:
        yield listener


@pytest.fixture
async def home(mosquitto: Mosquitto, platform: Listener) -> AsyncIterator[Home]:
    """A home that is connected under its own account."""
    async with Home(spec(mosquitto), wire(mosquitto), CLOCK) as home:
        await home.connected()
        yield home


async def test_a_press_is_heard_and_receipted(home: Home, platform: Listener) -> None:
    """The event arrives as the contract has it and leaves the store when its receipt comes."""
    (event_id,) = await home.presses("pendant-1")
    await home.await_receipt(event_id)
    ((hub, (event,)),) = platform.messages
    assert (hub, event.id, event.type, event.device) == ("hub-12", event_id, "alarm.pendant", "pendant-1")
    assert len(home.hub.outbox) == 0


async def test_a_refused_event_leaves_the_store_with_its_reason(home: Home, platform: Listener) -> None:
    """The home stops sending what the platform said it will never take."""
    platform.refuses = {"door.opened"}
    event_id = await home.opens_door("panel-1")
    with pytest.raises(ValueError, match="was rejected: not today"):
        await home.await_receipt(event_id)
    assert home.refused(event_id) == "not today"
    assert len(home.hub.outbox) == 0


async def test_a_home_without_receipts_keeps_and_repeats_an_alarm(
    mosquitto: Mosquitto, platform: Listener
) -> None:
    """The same press is sent again and again under one id, and kept until its receipt comes."""
    platform.receipting = False
    async with Home(spec(mosquitto), wire(mosquitto), HURRIED) as home:
        (event_id,) = await home.presses("pendant-1")
        await platform.until(lambda: platform.heard["hub-12", event_id] == 3)
        assert not home.receipted(event_id)
        platform.receipting = True
        await home.await_receipt(event_id, within=60)


async def test_offline_the_broker_says_so_and_back_online_everything_is_told(
    home: Home, platform: Listener
) -> None:
    """The will appears when the line is cut; later alarms come first, then the rest, in order."""
    await platform.hears_that("hub-12", online=True)
    await home.goes_offline()
    await platform.hears_that("hub-12", online=False)
    for step in (home.rings("panel-1"), home.arrives("carer"), home.presses("pendant-1", times=2)):
        await step
    assert platform.types("hub-12") == []
    await home.comes_back()
    await home.all_receipted()
    assert platform.types("hub-12") == ["alarm.pendant", "alarm.pendant", "door.call", "carer.arrived"]
    assert platform.statuses[-1][1].online


async def test_a_home_that_was_away_says_when_it_has_told_everything(home: Home, platform: Listener) -> None:
    """A heartbeat with a queue on coming back is followed at once by one without, not ten minutes later."""
    await home.heartbeats(timedelta(minutes=10))
    await home.all_receipted()
    await home.goes_offline()
    await home.arrives("carer")
    await home.comes_back()
    await platform.until(lambda: platform.types("hub-12").count("heartbeat") == 3)
    beats = [
        event.data["queued"]
        for _, events in platform.messages
        for event in events
        if event.type == "heartbeat"
    ]
    assert beats == [0, 1, 0]


async def test_switched_off_in_order_a_home_says_goodbye(home: Home, platform: Listener) -> None:
    """The retained status is offline, with a time, which a will does not have."""
    await home.switches_off()
    await platform.hears_that("hub-12", online=False)
    assert platform.statuses[-1][1].at is not None


async def test_a_door_opens_once_however_often_the_command_comes(home: Home, platform: Listener) -> None:
    """The same id twice releases once; the answers name it."""
    command = door_release("c1")
    await platform.command("hub-12", command)
    await platform.command("hub-12", command)
    await platform.command("hub-12", door_release("c2", panel="panel-9"))
    await platform.until(lambda: "command.refused" in platform.types("hub-12"))
    assert platform.types("hub-12") == ["door.released", "command.done", "command.refused"]
    assert [command.id for command in home.hub.obeyed] == ["c1"]


async def test_a_command_that_waited_past_its_expiry_opens_nothing(home: Home, platform: Listener) -> None:
    """The broker keeps it for the offline home and delivers it; the home's own check refuses it."""
    await home.goes_offline()
    await platform.hears_that("hub-12", online=False)
    await platform.command("hub-12", door_release("c1", expires_in=0.2))
    await asyncio.sleep(0.3)  # the command's life, not a wait for anything
    await home.comes_back()
    await platform.until(lambda: "command.refused" in platform.types("hub-12"))
    assert home.hub.refused == [("c1", "expired")]
    assert home.hub.obeyed == []


async def test_what_makes_no_sense_is_counted_and_the_home_goes_on(home: Home, platform: Listener) -> None:
    """Unreadable receipts and commands end nothing."""
    await platform.send("threshold/v1/hub-12/receipts", b"\xff{")
    await platform.send("threshold/v1/hub-12/commands", b'{"id": "c1", "type": "door.release"}')
    (event_id,) = await home.presses("pendant-1")
    await home.await_receipt(event_id)
    assert home.hub.unreadable == {
        "threshold/v1/hub-12/receipts": 1,
        "threshold/v1/hub-12/commands": 1,
    }


async def test_babble_reaches_the_platform_as_it_is(home: Home, platform: Listener) -> None:
    """A test of bad input may send any bytes, once."""
    await home.babbles(b'{"id": nonsense')
    await platform.until(lambda: platform.unreadable)
    assert platform.unreadable == [b'{"id": nonsense']


async def test_the_same_home_speaks_mqtt_5(mosquitto: Mosquitto, platform: Listener) -> None:
    """Receipts, wills and the queue of a persistent session are the same."""
    async with Home(spec(mosquitto, "hub-5"), wire(mosquitto, "5"), CLOCK) as home:
        await home.connected()
        await home.goes_offline()
        await platform.until(
            lambda: ("hub-5", False) in [(hub, each.online) for hub, each in platform.statuses]
        )
        await platform.command("hub-5", door_release("c1"))
        await home.arrives("carer")
        await home.comes_back()
        await home.all_receipted()
        await home.hears_command("door.release")


async def test_a_wrong_password_is_told_and_tried_again(mosquitto: Mosquitto) -> None:
    """The home says what the broker said, and gets in once the account exists."""
    async with Home(HomeSpec("hub-9", password="not it"), wire(mosquitto), CLOCK) as home:
        with pytest.raises(TimeoutError, match=r"hub-9: no sign of a connection .*[Nn]ot authori[sz]ed"):
            await home.connected(within=5)


async def test_a_broker_killed_in_the_middle_costs_the_homes_nothing(
    mosquitto: Mosquitto, platform: Listener, tmp_path: Path
) -> None:
    """Two kills while twenty homes talk: in the end every event in the ledger has its receipt."""
    homes = [spec(mosquitto, f"hub-{number}") for number in range(20)]
    with Ledger(tmp_path / "ledger") as ledger:
        async with Fleet(homes, wire(mosquitto), HURRIED, ledger=ledger) as fleet:
            talking = asyncio.create_task(fleet.talk(per_second=10, seconds=40))
            for _ in range(2):
                await asyncio.sleep(1)  # somewhere in the middle of the talk
                mosquitto.kill()
                await fleet.home("hub-0").presses("pendant-1")
                mosquitto.start()
            said = await talking + 2
            await fleet.all_receipted(within=200)
            tally = fleet.tally()
    account = read_ledger(tmp_path / "ledger")
    assert len(account.said) == said == tally.stored
    assert account.open == frozenset()
    assert account.stored <= set(platform.heard)
    assert tally.connected == 20


async def test_a_fleet_that_cannot_connect_says_so_and_leaves_nothing_running() -> None:
    """Whoever opens a fleet in vain has nothing to close."""
    before = asyncio.all_tasks()
    with pytest.raises(TimeoutError, match="hub-0: no sign of a connection"):
        async with Fleet([HomeSpec("hub-0"), HomeSpec("hub-1")], Broker("127.0.0.1", free_port()), HURRIED):
            pass
    assert asyncio.all_tasks() == before


async def test_a_frozen_broker_is_given_up_and_found_again(mosquitto: Mosquitto, platform: Listener) -> None:
    """A broker that takes bytes and answers nothing is noticed by the missing acknowledgement."""
    async with Home(spec(mosquitto), wire(mosquitto), HURRIED) as home:
        await home.connected()
        mosquitto.signal(signal.SIGSTOP)
        (event_id,) = await home.presses("pendant-1")
        await home.hub.until(lambda: not home.hub.link.up, 200, "a broken connection")
        assert home.hub.link.last_failure == "the broker acknowledged nothing for 10 s"
        mosquitto.signal(signal.SIGCONT)
        await home.await_receipt(event_id, within=300)


async def test_a_scenario_is_played_from_its_file_to_the_last_receipt(
    mosquitto: Mosquitto, platform: Listener
) -> None:
    """`run_scenario` connects, plays, waits for receipts and leaves."""
    done = await run_scenario(
        load_scenario("pendant"), {"home": spec(mosquitto)}, wire(mosquitto), CLOCK, speed=100
    )
    assert [each.step.does for each in done] == ["heartbeats", "presses", "presses", "cancels"]
    assert platform.types("hub-12").count("alarm.pendant") == 3
    await platform.hears_that("hub-12", online=False)
