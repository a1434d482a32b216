"""A faulty way to the broker: what it loses or spoils is as if it had not been said."""

import msgspec
import pytest

from device_sim.clock import HurriedClock, Timer
from device_sim.world.chance import Chance
from device_sim.world.faults import Faults
from device_sim.world.way import Way
from gateway.codec import decode_events
from tests.unit.device_sim.simulated_time import START, Arranged

MESSAGE = msgspec.json.encode({"id": "19a9f3c2b10-2", "type": "alarm.pendant", "at": START})
ORDINARY = msgspec.json.encode([{"id": f"19a9f3c2b10-{n}", "type": "heartbeat", "at": START} for n in (3, 4)])


class Later(HurriedClock):
    """A clock that only notes what was put off, and by how many real seconds."""

    def __init__(self) -> None:
        super().__init__(lambda: START, 60, START)
        self.put_off: list[float] = []

    def call_later(self, seconds: float, callback: object) -> Timer:
        self.put_off.append(seconds)
        return Arranged(lambda: None)


def sent(message: bytes, **shares: float) -> tuple[list[bytes], list[float]]:
    """What a way with these faults sends at once of a message, and what it puts off."""
    clock, out = Later(), list[bytes]()
    Way(Chance("test"), Faults(**shares), clock)(message, out.append)
    return out, clock.put_off


def test_a_good_way_changes_nothing() -> None:
    """Once, at once, byte for byte."""
    assert sent(MESSAGE) == ([MESSAGE], [])


def test_a_lossy_way_sends_nothing() -> None:
    """The home says it again when no receipt comes."""
    assert sent(MESSAGE, drop=1.0) == ([], [])


@pytest.mark.parametrize("message", [MESSAGE, ORDINARY])
@pytest.mark.parametrize("fault", ["truncate", "corrupt"])
def test_what_is_spoilt_can_be_taken_for_no_event(message: bytes, fault: str) -> None:
    """No id can be read, so that no receipt tells the home that its event was refused."""
    (spoilt,), _ = sent(message, **{fault: 1.0})
    assert spoilt != message
    decoded = decode_events(spoilt, retained=False)
    assert not decoded.events
    assert {refused.id for refused in decoded.rejected} == {None}


def test_what_is_repeated_comes_once_more_a_little_later() -> None:
    """Five seconds of the homes' time, at sixty times the speed."""
    assert sent(MESSAGE, duplicate=1.0) == ([MESSAGE], [5 / 60])


def test_alarms_are_overtaken_but_not_held_up() -> None:
    """A press waits for seconds at most, anything else for minutes."""
    assert sent(ORDINARY, delay=1.0)[0] == []
    assert 1 <= sent(ORDINARY, delay=1.0)[1][0] <= 50
    assert sent(MESSAGE, delay=1.0) == ([MESSAGE], [])
    assert sent(MESSAGE, reorder=1.0)[1][0] <= 20 / 60
