"""A home driven by hand: every word does what it says, and a wrong one is told in a sentence."""

import re

import msgspec
import pytest

from device_sim.home import Home
from device_sim.manual import SHORT_FOR, WORDS, Driver
from device_sim.spec import DeviceSpec, HomeSpec
from device_sim.wire import Broker
from gateway.model import Event
from tests.unit.device_sim.simulated_time import SimulatedTime

SPEC = HomeSpec(
    "hub-12",
    devices=(
        *(DeviceSpec(f"{kind}-1", kind) for kind in SHORT_FOR.values()),
        DeviceSpec("pendant-1", "pendant"),
        DeviceSpec("panel-1", "door_panel"),
    ),
    carers={"carer": "fob:04A1B2", "second_carer": "pin:4711"},
)


def driven(spec: HomeSpec = SPEC) -> tuple[Driver, list[str]]:
    """A driver of a home without a line, and what it says."""
    time, said = SimulatedTime(), list[str]()
    return Driver(Home(spec, Broker("nowhere.invalid"), time), time, said.append), said


def made(driver: Driver) -> list[Event]:
    """The events in the home's store."""
    return [msgspec.json.decode(entry.body, type=Event) for entry in driver.home.hub.outbox]


@pytest.mark.parametrize(
    ("line", "types"),
    [
        ("press pendant-1", ["alarm.pendant"]),
        ("press pendant 3", ["alarm.pendant"] * 3),
        ("fall", ["alarm.fall"]),
        ("smoke", ["alarm.smoke"]),
        ("cancel", ["alarm.cancelled"]),
        ("test pendant-1", ["test.call"]),
        ("tap carer", ["carer.arrived"]),
        ("arrive fob:04A1B2", ["carer.arrived"]),
        ("arrive", ["carer.arrived"]),
        ("leave carer", ["carer.departed"]),
        ("ring", ["door.call"]),
        ("ring panel-1 carer", ["door.call"]),
        ("show carer", ["door.granted"]),
        ("deny fob:FF panel-1", ["door.denied"]),
        ("door open", ["door.opened"]),
        ("door close panel-1", ["door.closed"]),
        ("mains fail", ["technical.mains_failed"]),
        ("mains back", ["technical.mains_restored"]),
        ("battery low", ["technical.battery_low"]),
        ("battery ok pendant-1", ["technical.battery_ok"]),
        ("feedback no_one_came", ["resident.feedback"]),
        ("away", ["resident.away"]),
        ("home", ["resident.home"]),
        ("report alarm.new - '{\"level\": 3}'", ["alarm.new"]),
        ("report technical.tamper pendant-1", ["technical.tamper"]),
        ("heartbeat", []),
        ("silent", []),
        ("offline", []),
        ("online", []),
        ("reboot", []),
        ("clock PT1H", []),
        ("wait 0", []),
        ("receipts 1", []),
        ("state", []),
        ("help", []),
        ("  # nothing", []),
    ],
)
async def test_a_word_makes_its_events(line: str, types: list[str]) -> None:
    """Kept in the store like everything a home says, and told with type and id."""
    driver, said = driven()
    assert await driver.obey(line)
    assert [event.type for event in made(driver)] == types
    assert [text.split()[2].rstrip(",") for text in said if "-> " in text] == types


def test_every_word_is_tried() -> None:
    """The list above leaves none out."""
    tried = {mark.args[1][place][0].split()[0] for mark in _marks() for place in range(len(mark.args[1]))}
    assert set(WORDS) <= tried


def _marks() -> list[pytest.Mark]:
    return list(test_a_word_makes_its_events.pytestmark)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("jump", "'jump' is no word here"),
        ("press", "say: press DEVICE"),
        ("press pendant-1 0", "from 1 to 1000"),
        ("press panel-1", "gives no alarm"),
        ("press lamp-1", "has no device 'lamp-1'"),
        ("arrive nobody", "no carer role 'nobody'"),
        ("mains off", "'off' is none of fail, back"),
        ("report x - {", "is not a JSON object"),
        ("clock soon", "not a duration"),
        ("wait -1", "not a number of seconds"),
        ("press 'pendant-1", "no closing quotation"),
    ],
)
async def test_a_wrong_line_is_told_in_a_sentence(line: str, told: str) -> None:
    """And makes no event."""
    driver, _ = driven()
    with pytest.raises(ValueError, match=re.escape(told)):
        await driver.obey(line)
    assert made(driver) == []


async def test_quit_ends() -> None:
    """So does exit, and nothing else."""
    driver, _ = driven()
    assert not await driver.obey("quit")
    assert not await driver.obey("exit")


async def test_a_key_stands_for_what_can_be_done_now() -> None:
    """A home without a detector has no key for it, and a key that cuts the line mends it next."""
    bare, _ = driven(HomeSpec("hub-1", (DeviceSpec("pendant-1", "pendant"),)))
    assert {"f", "s", "u", "r", "g"}.isdisjoint(bare.keys())
    driver, _ = driven()
    for key, then in (("o", "online"), ("m", "mains back"), ("b", "battery ok"), ("k", "clock PT0S")):
        await driver.obey(driver.keys()[key])
        assert driver.keys()[key] == then


async def test_no_pin_is_shown() -> None:
    """A PIN opens doors: neither the menu nor an event tells it."""
    driver, said = driven()
    await driver.obey("arrive second_carer")
    await driver.obey("help")
    assert "4711" not in "".join(said)
    assert any("pin:…" in text for text in said)
