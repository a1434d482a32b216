"""The same homes over the broker that comes with the program."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.clock import system_clock
from app.embedded import EmbeddedBroker
from device_sim.clock import RealClock
from device_sim.fleet import Fleet
from device_sim.home import Home
from device_sim.spec import DeviceSpec, HomeSpec
from device_sim.wire import Broker
from tests.integration.device_sim.platform import HurriedClock, Listener, door_release, listening
from tests.support.processes import free_port

CLOCK = RealClock(system_clock)
HURRIED = HurriedClock(system_clock)
SPEC = HomeSpec(
    "hub-12",
    devices=(DeviceSpec("pendant-1", "pendant"), DeviceSpec("panel-1", "door_panel")),
    carers={"carer": "fob:04A1B2"},
)


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """The broker of `threshold run --embedded`."""
    with EmbeddedBroker(free_port(), tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
async def platform(embedded: EmbeddedBroker) -> AsyncIterator[Listener]:
    """A listener that receipts everything."""
    async with listening(embedded.port) as listener:
        yield listener


async def test_a_home_presses_goes_and_comes_back(embedded: EmbeddedBroker, platform: Listener) -> None:
    """Receipts, the will, the flush with alarms first and a queued command all work here too."""
    async with Home(SPEC, Broker("127.0.0.1", embedded.port), CLOCK) as home:
        await home.connected()
        (event_id,) = await home.presses("pendant-1")
        await home.await_receipt(event_id)
        await platform.hears_that("hub-12", online=True)
        await home.goes_offline()
        await platform.hears_that("hub-12", online=False)
        await platform.command("hub-12", door_release("c1"))
        await home.arrives("carer")
        await home.presses("pendant-1")
        await home.comes_back()
        await home.all_receipted()
        await home.hears_command("door.release")
        await platform.until(lambda: "command.done" in platform.types("hub-12"))
    told = platform.types("hub-12")
    assert told.index("alarm.pendant", 1) < told.index("carer.arrived")


async def test_a_broker_that_forgets_everything_costs_the_homes_nothing(
    embedded: EmbeddedBroker, platform: Listener
) -> None:
    """It keeps its sessions in memory; started again it knows nobody, and every event is receipted yet."""
    specs = [HomeSpec(f"hub-{number}") for number in range(10)]
    async with Fleet(specs, Broker("127.0.0.1", embedded.port), HURRIED) as fleet:
        first = await fleet.talk(per_second=40, seconds=5)
        embedded.stop()
        for home in fleet:
            await home.goes_away()
        embedded.start()
        second = await fleet.talk(per_second=40, seconds=5)
        await fleet.all_receipted(within=300)
        assert fleet.tally().stored == first + second + len(fleet)


async def test_heartbeats_go_on_after_the_broker_was_away(
    embedded: EmbeddedBroker, platform: Listener
) -> None:
    """A home is heard again without anybody touching it."""
    async with Home(SPEC, Broker("127.0.0.1", embedded.port), HURRIED) as home:
        await home.connected(within=100)
        await home.heartbeats(timedelta(seconds=2))
        await platform.until(lambda: platform.types("hub-12").count("heartbeat") >= 2)
        embedded.stop()
        embedded.start()
        before = platform.types("hub-12").count("heartbeat")
        await platform.until(lambda: platform.types("hub-12").count("heartbeat") >= before + 3)
