"""Zigbee2MQTT as it speaks (domain/alarms.md §3): every trap and every device of the table."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.adapters import ADAPTERS
from gateway.adapters.contract import Bridge, Chatter, Device, Incoming, Presence, Report, Stranger
from gateway.adapters.edges import Delivery, News, may_call, news
from gateway.model import Event

T0 = datetime(2026, 11, 21, 18, tzinfo=UTC)
READ = ADAPTERS["zigbee2mqtt"].read


class Home:
    """A bridge with one device, and what is remembered of it from message to message."""

    def __init__(self, kind: str = "pendant", model: str | None = None, **more: Any) -> None:
        self.device = Device("z2m-12", "thing", "hall/thing", kind, model, **more)
        self.bridge = Bridge("zigbee2mqtt", "zigbee2mqtt", ("z2m-12",), {"hall/thing": self.device})
        self.last: dict[str, Any] = {}
        self.now = T0
        self.mid = 0

    def reads(self, payload: Any, topic: str = "hall/thing") -> Any:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return READ(self.bridge, Incoming(topic, raw, False, self.now))

    def says(self, payload: Any, topic: str = "hall/thing", **how: Any) -> list[Event]:
        """The events of one message; a second later than the last, under a message id of its own."""
        self.now += timedelta(seconds=1)
        self.mid += 1
        report = self.reads(payload, topic)
        assert isinstance(report, Report), report
        mark = how.pop("mark", str(self.mid))
        found: News = news(report, self.last, Delivery(mark, self.now, **how))
        self.last |= found.last
        return list(found.events)

    def types(self, payload: Any, topic: str = "hall/thing", **how: Any) -> list[str]:
        return [event.type for event in self.says(payload, topic, **how)]


@pytest.mark.parametrize(
    ("model", "payload", "type_"),
    [
        ("TS0215A_sos", {"action": "emergency", "battery": 100, "linkquality": 90}, "alarm.pendant"),
        ("HS1EB-E", {"action": "single", "battery": 100}, "alarm.pendant"),
        ("HS1EB", {"action": "hold"}, "alarm.pendant"),
        ("HS1SA-E", {"smoke": True, "battery_low": False, "test": False, "tamper": False}, "alarm.smoke"),
        ("HS1CA-E", {"carbon_monoxide": True, "battery_low": False}, "alarm.co"),
        ("SJCGQ11LM", {"water_leak": True, "battery": 90}, "alarm.flood"),
        ("FDS315", {"status": "falling"}, "alarm.fall"),
        (None, {"sos": True}, "alarm.pendant"),
        (None, {"gas": True}, "alarm.gas"),
    ],
)
def test_each_device_calls_for_what_it_is(model: str | None, payload: Mapping[str, Any], type_: str) -> None:
    """What a known model reports in need is that alarm, from its first message on."""
    home = Home(model=model)
    (event,) = home.says(payload)
    assert (event.type, event.device, event.at) == (type_, "thing", home.now)


def test_a_state_that_is_repeated_is_told_once() -> None:
    """Cached properties come with every message and again when the bridge starts; only changes are news."""
    home = Home("smoke_detector", "HS1SA-E")
    fire = {"smoke": True, "test": False, "linkquality": 80}
    assert home.types({"smoke": False, "test": False}) == []
    assert home.types(fire) == ["alarm.smoke"]
    assert home.types({**fire, "linkquality": 3}) == []
    assert home.types(fire, retained=True) == []
    assert home.types({"smoke": False, "test": False}) == []
    assert home.types(fire) == ["alarm.smoke"]


def test_every_press_is_an_event_of_its_own() -> None:
    """`action` is not cached: two presses alike to the byte are two events with ids of their own."""
    home = Home(model="TS0215A_sos")
    first, second = (home.says({"action": "emergency", "battery": 100})[0] for _ in range(2))
    assert first.type == second.type == "alarm.pendant"
    assert first.id != second.id


def test_a_press_that_the_broker_repeats_is_no_new_one() -> None:
    """What was stored and is delivered again is known; what was not is told however late it comes."""
    home = Home()
    press = {"action": "emergency"}
    (first,) = home.says(press, mark="a")
    assert home.types(press, mark="b") == ["alarm.pendant"]
    assert home.types(press, mark="a", again=True) == []
    assert home.types(press, mark="b", again=True) == []
    assert home.types(press, mark="c", again=True) == ["alarm.pendant"]
    (later,) = home.says(press, mark="a")  # the broker's message ids come round again
    assert (first.type, first.id == later.id) == (later.type, False)


def test_the_same_message_gives_the_same_id() -> None:
    """A transaction that is tried again makes the same events."""
    home = Home()
    report = home.reads({"action": "emergency"})
    how = Delivery("a", T0)
    assert news(report, {}, how) == news(report, {}, how)


@pytest.mark.parametrize("nothing", ["", None])
def test_an_empty_action_means_nothing(nothing: str | None) -> None:
    """`action: ""` and `action: null` are what a bridge says after a press."""
    assert Home(map={"action": {"*": "alarm.pendant"}}).types({"action": nothing, "battery": 90}) == []


def test_a_kept_press_raises_nothing() -> None:
    """A press that the broker kept may be years old."""
    assert Home().types({"action": "emergency"}, retained=True) == []


def test_contact_true_is_closed() -> None:
    """A door sensor opens with false and closes with true; its first word ever is no change."""
    home = Home("door_sensor", "MCCGQ11LM")
    assert home.types({"contact": True, "battery": 97}) == []
    opened = home.says({"contact": False, "battery": 97, "voltage": 3005})
    assert [(event.type, event.data["panel"]) for event in opened] == [("door.opened", "thing")]
    assert home.types({"contact": True}) == ["door.closed"]


@pytest.mark.parametrize("battery", [None, 0, 100])
def test_the_battery_in_percent_says_nothing(battery: int | None) -> None:
    """It is null or nought on working devices; `battery_low` is what counts, and when it is over."""
    home = Home()
    assert home.types({"battery": battery}) == []
    assert home.types({"battery_low": True, "battery": battery}) == ["technical.battery_low"]
    assert home.types({"battery_low": False}) == ["technical.battery_ok"]


def test_a_test_is_no_fire_and_a_fire_in_a_test_is_found() -> None:
    """`test: true` with `smoke: true` is a test; when the test ends and the smoke does not, it is a fire."""
    home = Home("smoke_detector", "HS1SA-E")
    assert home.types({"smoke": False, "test": False}) == []
    assert home.types({"smoke": True, "test": True}) == ["test.call"]
    assert home.types({"smoke": True, "test": True}) == []
    assert home.types({"smoke": True, "test": False}) == ["alarm.smoke"]
    assert home.types({"smoke": False, "test": False}) == []
    assert home.types({"smoke": True}) == ["alarm.smoke"]


def test_a_device_that_goes_away_is_missed() -> None:
    """Availability becomes a missing sensor and its return, in the new form and the old one."""
    home = Home()
    beside = "hall/thing/availability"
    assert home.types({"state": "online"}, beside) == []
    assert home.types({"state": "offline"}, beside) == ["technical.sensor_missing"]
    assert home.types({"state": "offline"}, beside, retained=True) == []
    assert home.types(b"online", beside) == ["technical.sensor_restored"]


def test_a_pin_is_a_credential_and_nothing_else() -> None:
    """`action_code` becomes a credential to be matched; it is in no other word of the event or the report."""
    home = Home("keypad", map={"action": {"disarm": "carer.arrived", "panic": "alarm.panic"}})
    (event,) = home.says({"action": "disarm", "action_code": "4711"})
    assert (event.type, event.data.pop("credential")) == ("carer.arrived", "pin:4711")
    assert "4711" not in repr(event) + repr(home.last)
    assert "4711" not in repr(home.reads({"action": "disarm", "action_code": "4711"}))
    (alarm,) = home.says({"action": "panic", "action_code": 4711})
    assert "4711" not in repr(alarm)


def test_the_estate_may_give_a_device_a_map_of_its_own() -> None:
    """A wired pull cord is a door sensor; of an emergency button the hold alone may count."""
    cord = Home("pull_cord", "MCCGQ11LM", map={"contact": {"false": "alarm.pull_cord"}})
    assert cord.types({"contact": False}) == ["alarm.pull_cord"]
    assert cord.types({"contact": True}) == []
    button = Home(model="HS1EB", map={"action": {"hold": "alarm.pendant"}})
    assert button.types({"action": "single"}) == []
    assert button.types({"action": "hold"}) == ["alarm.pendant"]


def test_a_press_is_named_for_what_was_pressed() -> None:
    """A pull cord's press is a pull cord's, whatever the button in it calls itself."""
    assert Home("pull_cord").types({"action": "emergency"}) == ["alarm.pull_cord"]


def test_motion_is_recorded_and_calls_nobody() -> None:
    """Motion is told as it begins and ends, under a type of its own."""
    home = Home("motion_sensor", "RTCGQ11LM")
    assert home.types({"occupancy": False, "illuminance": 12}) == []
    assert home.types({"occupancy": True}) == ["sensor.motion"]
    assert home.types({"occupancy": False}) == ["sensor.still"]


def test_the_bridge_itself() -> None:
    """Its state is the hub's status; its health shows that it is there; the rest of it says nothing."""
    home = Home()
    assert home.reads({"state": "offline"}, "bridge/state") == Presence(False)
    assert home.reads(b"online", "bridge/state") == Presence(True)
    assert home.reads({"response_time": 1}, "bridge/health") == Chatter(alive=True)
    assert home.reads([{"friendly_name": "sos"}], "bridge/devices") == Chatter()
    assert home.reads(b"\xff", "bridge/state") == Chatter()


@pytest.mark.parametrize(
    "payload", [b'{"action":"emergency"}', b'{"smoke": true}', b'{"status":"falling"', b'{"sos":1']
)
def test_an_alarm_of_a_device_that_nobody_mapped_is_not_chatter(payload: bytes) -> None:
    """Promise 2: an unknown alarm reaches an operator, readable or not; a thermometer does not."""
    home = Home()
    assert home.reads(payload, "kitchen/new one") == Stranger(None, "alarm.unknown")
    assert home.reads(b'{"temperature": 21}', "kitchen/new one") == Chatter()
    assert home.reads(b'{"state": "emergency"}', "hall/thing/set") == Chatter()


@pytest.mark.parametrize("payload", [b"{", b"[]", b"\xff", b'{"action":"emergency"'])
def test_what_cannot_be_read_of_an_alarm_device_calls(payload: bytes) -> None:
    """A broken message of a device that can call for help is shown as such; an empty one is its removal."""
    home = Home()
    assert home.reads(payload) == Stranger(home.device, "alarm.pendant")
    assert home.reads(b"") == Chatter()


def test_what_has_to_do_with_an_alarm_waits_for_nothing() -> None:
    """Reports of alarms overtake others, and an end keeps its place behind its beginning."""
    home = Home("smoke_detector")
    assert may_call(home.reads({"smoke": True}))
    assert may_call(home.reads({"smoke": False}))
    assert not may_call(home.reads({"contact": False}))
