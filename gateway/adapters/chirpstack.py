"""ChirpStack v4: uplinks of LoRaWAN devices, decoded by the codec of their device profile. Pure.

`<base>/device/<DevEUI>/event/up`, where the base is `application/<id>` (domain/alarms.md §3).
"""

from datetime import datetime

from gateway.adapters.contract import Bridge, Chatter, Device, Incoming, Map, Reading, Report, Stranger
from gateway.adapters.edges import alarm_of
from gateway.adapters.payload import code_of, fields_of, mentions_an_alarm, values_of

MOMENTARY = frozenset({"action", "button", "event", "press", "pressed", "sos", "panic"})
"""An uplink repeats no cache: what names a press in it is a press, however alike the last one was."""
UNKNOWN_ALARM = "alarm.unknown"
DEFAULTS: Map = {
    "sos": {"true": "alarm.pendant", "1": "alarm.pendant"},
    "panic": {"true": "alarm.panic", "1": "alarm.panic"},
    "smoke": {"true": "alarm.smoke"},
    "carbon_monoxide": {"true": "alarm.co"},
    "gas": {"true": "alarm.gas"},
    "water_leak": {"true": "alarm.flood"},
    "fall": {"true": "alarm.fall"},
    "occupancy": {"true": "sensor.motion", "false": "sensor.still"},
    "battery_low": {"true": "technical.battery_low", "false": "technical.battery_ok"},
    "tamper": {"true": "technical.tamper"},
}
"""Codecs name things as their makers please: the estate file maps the rest."""
_LONGEST_ID = 64


class ChirpStack:
    """The adapter (docs/devices.md)."""

    def subscriptions(self, base: str) -> tuple[str, ...]:
        """The uplinks of every device of an application."""
        return (f"{base}/device/+/event/up",)

    def name_in_topics(self, name: str) -> str:
        """A DevEUI, in small letters."""
        return name.lower()

    def read(self, bridge: Bridge, incoming: Incoming) -> Reading:
        """What a message says."""
        levels = incoming.topic.split("/")
        if len(levels) != 4 or levels[0] != "device" or levels[2:] != ["event", "up"] or not incoming.payload:
            return Chatter()
        device = bridge.devices.get(levels[1].lower())
        if device is None:
            return Stranger(None, UNKNOWN_ALARM) if mentions_an_alarm(incoming.payload) else Chatter()
        return _uplink(device, incoming.payload)


def _uplink(device: Device, payload: bytes) -> Reading:
    uplink = fields_of(payload)
    if uplink is None:
        return Stranger(device, alarm_of(device, DEFAULTS))
    decoded = uplink.get("object")
    if not isinstance(decoded, dict):
        return Chatter(alive=True)  # no codec, or a message without contents: it is heard, and that is all
    return Report(
        device,
        values_of(decoded),
        DEFAULTS,
        MOMENTARY,
        at=_time(uplink.get("time")),
        id=_id(uplink.get("deduplicationId")),
        code=code_of(decoded),
    )


def _time(said: object) -> datetime | None:
    if not isinstance(said, str):
        return None
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _id(said: object) -> str | None:
    if not isinstance(said, str) or not 0 < len(said) <= _LONGEST_ID:
        return None
    return said if said.isascii() and said.isprintable() else None
