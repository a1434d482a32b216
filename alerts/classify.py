"""What does this signal mean? Pure: one signal in, one meaning with its reason out.

Source: contract §2 (event types) and domain/alarms.md §1. Meanings commute: whether a cancel comes before
its alarm, or a restoring before its failing, the end is the same.
"""

import json
from dataclasses import dataclass
from enum import StrEnum

from alerts.model import Priority, Signal


class Act(StrEnum):
    """What alerts do with a signal."""

    RAISE = "raise"
    """Somebody must answer, now."""
    ANNOTATE = "annotate"
    """It is written beside what stands open, and closes nothing."""
    FAIL = "fail"
    """A fault begins; it is raised when it has lasted."""
    RESTORE = "restore"
    """A fault ends, and closes what it raised."""
    RECORD = "record"
    """The stored event is all there is."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a signal means. `kind` is the alert's kind; for RESTORE that of the fault that ends."""

    act: Act
    kind: str
    priority: Priority
    reason: str
    announced: bool = True
    """False: nothing may be said at the unit, because somebody unwelcome may listen."""


LIFE_SAFETY: dict[str, str] = {
    "alarm.hub": "The button on the unit was pressed",
    "alarm.pendant": "The pendant was pressed",
    "alarm.pull_cord": "A pull cord was pulled",
    "alarm.panic": "The panic button was pressed",
    "alarm.bogus_caller": "The bogus-caller button was pressed",
    "alarm.fall": "A fall was detected",
    "alarm.smoke": "Smoke was detected",
    "alarm.heat": "Heat was detected",
    "alarm.co": "Carbon monoxide was detected",
    "alarm.gas": "Gas was detected",
    "alarm.seizure": "A seizure was detected",
    "alarm.assistance": "Assistance was called for",
}
WELFARE: dict[str, str] = {
    "alarm.inactivity": "No activity was seen for too long",
    "alarm.exit": "A door was left at an unusual time",
    "alarm.flood": "Water was detected",
    "alarm.temperature_low": "The home is too cold",
    "alarm.temperature_high": "The home is too hot",
    "alarm.bed": "The bed was left and not returned to",
    "alarm.chair": "The chair was left and not returned to",
    "alarm.medication": "The dispenser was not answered",
}
ACCESS: dict[str, str] = {
    "door.forced": "A door was forced",
    "door.held": "A door was held open",
}
FAULTS: dict[str, str] = {
    "technical.battery_low": "A battery is low",
    "technical.mains_failed": "The mains supply failed",
    "technical.sensor_missing": "A sensor is missing",
    "technical.link_failed": "The unit's link failed",
    "technical.tamper": "A device was tampered with",
    "technical.fault": "A device reports a fault",
    "technical.trespass": "The unit tried at the broker what is not its own",
}
RESTORES: dict[str, str] = {
    "technical.battery_ok": "technical.battery_low",
    "technical.mains_restored": "technical.mains_failed",
    "technical.sensor_restored": "technical.sensor_missing",
    "technical.link_restored": "technical.link_failed",
}
PRESENCE = frozenset({"resident.away", "resident.home"})
"""They raise nothing, and open and end the window of an empty home."""
SILENT_AT_THE_UNIT = frozenset({"alarm.panic", "alarm.bogus_caller"})

UNREADABLE = "alarm.unreadable"
"""A message that looks like an alarm and cannot be decoded."""
HUB_SILENT = "hub.silent"
AREA_SILENT = "area.silent"
AREA_MAINS = "area.mains"
"""Many units that failed together: one alert for all of them."""
OWN_FAULT = "service.fault"
"""The service does not work as it should, by its own finding."""
TEST_PRESS = "test.press"
MONITOR_HUB = "threshold-monitor"
"""The unit by which the service presses to try itself (alerts/monitor.py)."""
DOOR_REPAIR = "technical.door"
"""A scheme's door after its call was closed: the landlord's to mend."""


def classify(signal: Signal, *, credential_known: bool | None = None) -> Meaning:
    """The meaning of one stored event.

    `credential_known` matters to `door.call` alone: whether a carer holds the credential that the caller
    showed; None when that was not looked up. Who is expected at this moment is care's to say.
    """
    kind = signal.type
    if kind == "alarm.cancelled":
        return Meaning(Act.ANNOTATE, kind, Priority.LIFE_SAFETY, "Cancelled at the unit")
    if kind.startswith("alarm."):
        return _alarm(signal)
    if not signal.known_hub:
        return _record(kind, "the unit is not in the estate")
    if kind == "test.call" and signal.hub_id == MONITOR_HUB:
        return Meaning(Act.RAISE, TEST_PRESS, Priority.LIFE_SAFETY, "The service tries itself")
    if kind in FAULTS:
        return Meaning(Act.FAIL, kind, Priority.TECHNICAL, FAULTS[kind])
    if kind in RESTORES:
        return Meaning(Act.RESTORE, RESTORES[kind], Priority.TECHNICAL, "The unit reports that it is over")
    if kind.startswith("technical."):
        return Meaning(Act.FAIL, kind, Priority.TECHNICAL, "A device reports a fault of a kind unknown to us")
    if kind in ACCESS:
        return Meaning(Act.RAISE, kind, Priority.ACCESS, ACCESS[kind])
    if kind == "door.call":
        return _door_call(signal, credential_known)
    return _record(kind, "logged only")


def worth_a_look(signal: Signal) -> bool:
    """Can this signal touch an alert at all? Cheap: intake asks it of every event."""
    kind = signal.type
    if kind.startswith(("alarm.", "technical.")) or kind in ACCESS or kind in PRESENCE:
        return True
    if kind == "test.call":
        return signal.hub_id == MONITOR_HUB
    return kind == "door.call" and credential_of(signal) is not None


def credential_of(signal: Signal) -> str | None:
    """The credential that a signal carries, if any."""
    credential = signal.data.get("credential")
    return credential if isinstance(credential, str) and credential else None


def device_of(signal: Signal) -> str | None:
    """What called: the device that the event names, else the panel at which it happened."""
    panel = signal.data.get("panel")
    return signal.device or (panel if isinstance(panel, str) and panel else None)


def dedupe_key(hub_id: str, device: str | None, kind: str) -> str:
    """One open alert for the same kind from the same device, never across kinds; any names are safe."""
    return json.dumps([hub_id, device or "", kind], ensure_ascii=False, separators=(",", ":"))


def _alarm(signal: Signal) -> Meaning:
    kind = signal.type
    if kind in WELFARE:
        meaning = Meaning(Act.RAISE, kind, Priority.WELFARE, WELFARE[kind])
    else:
        words = LIFE_SAFETY.get(kind, "An alarm of a kind unknown to us")
        announced = kind not in SILENT_AT_THE_UNIT
        meaning = Meaning(Act.RAISE, kind, Priority.LIFE_SAFETY, words, announced)
    notes = []
    if not signal.known_hub:
        notes.append("the unit is not in the estate: nobody knows yet whose home it is")
    if signal.clock_suspect:
        notes.append("the unit's clock is wrong, the time is that of arrival")
    reason = "; ".join([meaning.reason, *notes])
    return Meaning(meaning.act, kind, meaning.priority, reason, meaning.announced)


def _door_call(signal: Signal, credential_known: bool | None) -> Meaning:
    if credential_of(signal) is not None and credential_known is False:
        return Meaning(
            Act.RAISE,
            "door.call",
            Priority.ACCESS,
            "Somebody at the entry panel showed a credential that nobody holds",
        )
    return _record("door.call", "a caller at the entry panel, answered in the home")


def _record(kind: str, reason: str) -> Meaning:
    return Meaning(Act.RECORD, kind, Priority.RECORD, reason)
