"""ChirpStack v4 uplinks: the maker's ids and times, and what comes out of a device's buffer."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.adapters import ADAPTERS
from gateway.adapters.contract import Bridge, Chatter, Device, Incoming, Report, Stranger
from gateway.adapters.edges import Delivery, news
from gateway.model import Event

T0 = datetime(2026, 11, 21, 18, tzinfo=UTC)
EUI = "24e124535b316056"
DEDUPLICATION = "3ac7e3c4-4401-4b8d-9386-a5c902f9202d"
BUTTON = Device("lora-12", "sos", EUI, "pendant", map={"press": {"long": "alarm.pendant"}})
BRIDGE = Bridge("chirpstack", "application/7", ("lora-12",), {EUI: BUTTON})


def read(payload: Any, topic: str = f"device/{EUI}/event/up") -> Any:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return ADAPTERS["chirpstack"].read(BRIDGE, Incoming(topic, raw, False, T0))


def uplink(decoded: Any, at: datetime = T0, id_: str = DEDUPLICATION) -> dict[str, Any]:
    return {
        "deduplicationId": id_,
        "time": at.isoformat(),
        "deviceInfo": {"applicationId": "7", "devEui": EUI, "deviceName": "Ada's button"},
        "fCnt": 10,
        "fPort": 85,
        "object": decoded,
    }


def events(payload: Any) -> list[Event]:
    report = read(payload)
    assert isinstance(report, Report)
    return list(news(report, {}, Delivery("mark", T0)).events)


def test_an_uplink_brings_its_own_id_and_time() -> None:
    """The maker's id of an uplink is the event's, and its time is the event's."""
    (event,) = events(uplink({"press": "long", "battery": 90}, at=T0 - timedelta(seconds=3)))
    assert (event.id, event.type, event.device) == (DEDUPLICATION, "alarm.pendant", "sos")
    assert event.at == T0 - timedelta(seconds=3)


def test_two_things_in_one_uplink_are_two_events() -> None:
    """The first that the map knows has the uplink's id, the other one derived from it, whatever was known."""
    both = events(uplink({"battery_low": True, "press": "long"}))
    assert [event.type for event in both] == ["technical.battery_low", "alarm.pendant"]
    assert both[0].id == DEDUPLICATION
    report = read(uplink({"battery_low": True, "press": "long"}))
    (again,) = news(report, {"battery_low": "true"}, Delivery("other", T0)).events
    assert again.id == both[1].id != DEDUPLICATION


@pytest.mark.parametrize("age", [timedelta(minutes=16), timedelta(days=3)])
def test_history_is_stored_and_raises_nothing(age: timedelta) -> None:
    """What lay in a buffer keeps its time and is no live alarm; nothing is remembered of it."""
    report = read(uplink({"press": "long", "battery_low": True}, at=T0 - age))
    found = news(report, {}, Delivery("mark", T0))
    assert {event.type for event in found.events} == {
        "history.alarm.pendant",
        "history.technical.battery_low",
    }
    assert {event.at for event in found.events} == {T0 - age}
    assert found.last == {}


def test_a_press_that_a_flapping_link_held_up_still_calls() -> None:
    """Some minutes late is late, not history."""
    (event,) = events(uplink({"press": "long"}, at=T0 - timedelta(minutes=14)))
    assert event.type == "alarm.pendant"


def test_a_carer_seen_by_a_buffered_reader_counts_as_what_it_is() -> None:
    """Late evidence corrects the record: it calls nobody and keeps its type."""
    reader = Device("lora-12", "reader", EUI, "reader", map={"event": {"tap": "carer.arrived"}})
    bridge = Bridge("chirpstack", "application/7", ("lora-12",), {EUI: reader})
    raw = json.dumps(uplink({"event": "tap"}, at=T0 - timedelta(hours=5))).encode()
    report = ADAPTERS["chirpstack"].read(bridge, Incoming(f"device/{EUI}/event/up", raw, False, T0))
    assert isinstance(report, Report)
    (event,) = news(report, {}, Delivery("mark", T0)).events
    assert event.type == "carer.arrived"


def test_names_and_times_as_chirpstack_writes_them() -> None:
    """Nanoseconds in a time, and a DevEUI in capitals in the topic, are read."""
    payload = uplink({"press": "long"}) | {"time": "2026-11-21T17:59:58.823500726+00:00"}
    report = read(payload, f"device/{EUI.upper()}/event/up")
    assert report.device is BUTTON
    assert report.at == datetime(2026, 11, 21, 17, 59, 58, 823500, tzinfo=UTC)


@pytest.mark.parametrize("time", ["yesterday", None, "2026-11-21T17:59:58"])
def test_a_time_that_is_none_counts_as_now(time: str | None) -> None:
    """Without a time that can be believed the receipt's counts, and the alarm calls."""
    (event,) = events(uplink({"press": "long"}) | {"time": time})
    assert (event.type, event.at) == ("alarm.pendant", T0)


def test_what_is_no_uplink_says_nothing() -> None:
    """Joins, and uplinks that no codec decoded, are at most a sign of life."""
    assert read(b"{}", f"device/{EUI}/event/join") == Chatter()
    assert read(uplink({}) | {"object": None}) == Chatter(alive=True)


def test_strangers_and_broken_uplinks_call_when_an_alarm_may_be_in_them() -> None:
    """An unmapped button, and a mapped one whose uplink cannot be read, reach an operator."""
    assert read(uplink({"sos": True}), "device/ffff/event/up") == Stranger(None, "alarm.unknown")
    assert read(uplink({"temperature": 3}), "device/ffff/event/up") == Chatter()
    assert read(b"{broken") == Stranger(BUTTON, "alarm.pendant")
