"""Zigbee2MQTT: `<base>/<friendly name>` and what stands beside it (domain/alarms.md §3). Pure."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.adapters.contract import (
    Bridge,
    Chatter,
    Device,
    Incoming,
    Map,
    Presence,
    Reading,
    Report,
    Stranger,
)
from gateway.adapters.edges import alarm_of
from gateway.adapters.payload import code_of, fields_of, mentions_an_alarm, values_of

MOMENTARY = frozenset({"action"})
"""Not cached by the bridge: each message with it is something that a person did."""
UNKNOWN_ALARM = "alarm.unknown"
"""What an operator sees of a device that the estate does not map."""
AVAILABILITY = "availability"

DEFAULTS: Map = {
    "action": {"emergency": "alarm.pendant", "sos": "alarm.pendant", "panic": "alarm.panic"},
    "sos": {"true": "alarm.pendant"},
    "smoke": {"true": "alarm.smoke"},
    "carbon_monoxide": {"true": "alarm.co"},
    "gas": {"true": "alarm.gas"},
    "water_leak": {"true": "alarm.flood"},
    "contact": {"false": "door.opened", "true": "door.closed"},
    "occupancy": {"true": "sensor.motion", "false": "sensor.still"},
    "presence": {"true": "sensor.motion", "false": "sensor.still"},
    "battery_low": {"true": "technical.battery_low", "false": "technical.battery_ok"},
    "tamper": {"true": "technical.tamper"},
    AVAILABILITY: {"offline": "technical.sensor_missing", "online": "technical.sensor_restored"},
}
"""Properties as most models use them. `contact: true` is closed; `battery` is 0 on working devices too."""
OF_MODEL: Mapping[str, Map] = MappingProxyType(
    {
        # Heiman's emergency button calls itself a remote control; whatever is pressed, somebody pressed it.
        "HS1EB": {"action": dict.fromkeys(("single", "double", "hold", "off"), "alarm.pendant")},
        "FDS315": {"status": {"falling": "alarm.fall"}},
    }
)
"""Where a model means something of its own, by the beginning of its name."""
OF_KIND: Mapping[str, str] = MappingProxyType(
    {
        "pull_cord": "alarm.pull_cord",
        "panic_button": "alarm.panic",
        "bogus_caller_button": "alarm.bogus_caller",
    }
)
"""What a press is at a thing that is no pendant."""


class Zigbee2Mqtt:
    """The adapter (docs/devices.md)."""

    def subscriptions(self, base: str) -> tuple[str, ...]:
        """All of a bridge: a friendly name may hold slashes, and a device that nobody mapped may call."""
        return (f"{base}/#",)

    def name_in_topics(self, name: str) -> str:
        """A friendly name is spelt as it is."""
        return name

    def read(self, bridge: Bridge, incoming: Incoming) -> Reading:
        """What a message says."""
        topic, payload = incoming.topic, incoming.payload
        if (device := bridge.devices.get(topic)) is not None:
            return _state(device, payload)
        if topic == "bridge/state":
            word = _word(payload)
            return Presence(word == "online") if word else Chatter()
        if topic.startswith("bridge/"):
            return Chatter(alive=topic == "bridge/health")
        name, _, leaf = topic.rpartition("/")
        if leaf == AVAILABILITY and (device := bridge.devices.get(name)) is not None:
            word = _word(payload)
            return _report(device, {AVAILABILITY: word}, None) if word else Chatter()
        if leaf in ("set", "get", AVAILABILITY) or not mentions_an_alarm(payload):
            return Chatter()
        return Stranger(None, UNKNOWN_ALARM)


def _state(device: Device, payload: bytes) -> Reading:
    if not payload:
        return Chatter()  # a kept state is taken away when its device goes
    fields = fields_of(payload)
    if fields is None:
        return Stranger(device, alarm_of(device, _defaults(device)))
    return _report(device, values_of(fields), code_of(fields))


def _report(device: Device, values: Mapping[str, bool | int | float | str], code: str | None) -> Report:
    return Report(device, values, _defaults(device), MOMENTARY, code=code)


def _defaults(device: Device) -> Map:
    chosen = dict(DEFAULTS)
    for model, meanings in OF_MODEL.items():
        if device.model is not None and device.model.startswith(model):
            chosen |= meanings
    press = OF_KIND.get(device.kind)
    if press is None:
        return chosen
    return {
        name: {value: press if type_ == "alarm.pendant" else type_ for value, type_ in types.items()}
        for name, types in chosen.items()
    }


def _word(payload: bytes) -> str:
    """`{"state": "online"}`, or the bare word of older versions."""
    fields = fields_of(payload)
    word = (
        fields.get("state") if fields is not None else payload.decode("utf-8", "replace").strip().strip('"')
    )
    return word if isinstance(word, str) and word in ("online", "offline") else ""
