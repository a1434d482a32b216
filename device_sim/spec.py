"""What there is in a simulated home: the hub, its devices, and who comes."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

HEARTBEAT_EVERY = timedelta(minutes=10)
"""Contract §3: the interval when an estate file names none."""

DOOR_KINDS = frozenset({"door_panel", "reader", "door_reader"})

PRESS_OF_KIND = {
    "pendant": "alarm.pendant",
    "pull_cord": "alarm.pull_cord",
    "panic_button": "alarm.panic",
    "bogus_caller_button": "alarm.bogus_caller",
    "hub": "alarm.hub",
    "fall_detector": "alarm.fall",
    "smoke_detector": "alarm.smoke",
    "heat_detector": "alarm.heat",
    "co_detector": "alarm.co",
    "gas_detector": "alarm.gas",
    "flood_detector": "alarm.flood",
    "bed_sensor": "alarm.bed",
    "chair_sensor": "alarm.chair",
    "exit_sensor": "alarm.exit",
    "inactivity_sensor": "alarm.inactivity",
    "seizure_sensor": "alarm.seizure",
    "medication_dispenser": "alarm.medication",
}
"""The alarm that each kind of device gives when it is pressed or calls by itself (contract §2)."""


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """A thing behind a hub. `scope` is that of a door panel or reader: `dwelling` or `communal`."""

    id: str
    kind: str
    scope: str = "dwelling"

    @property
    def is_door(self) -> bool:
        """Whether it is something that a caller stands before."""
        return self.kind in DOOR_KINDS


@dataclass(frozen=True, slots=True)
class VisitTimes:
    """A planned visit as a scenario sees it: when it starts and ends, both aware.

    `wall` is the wall time for which it is planned (`2026-03-29 01:30`), which that night may not have.
    `suspended`: the resident is away then, in hospital say, and it is not expected.
    """

    start: datetime
    end: datetime
    wall: str = ""
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class HomeSpec:
    """One home. `carers` maps a role in a scenario (`carer`, `second_carer`) to a credential."""

    hub: str
    devices: tuple[DeviceSpec, ...] = ()
    heartbeat_every: timedelta = HEARTBEAT_EVERY
    carers: dict[str, str] = field(default_factory=dict)
    visit: VisitTimes | None = None
    password: str | None = field(default=None, repr=False)
    username: str | None = None
    """The account at a broker where it is not the hub's id, as the contract has it."""

    @property
    def panels(self) -> frozenset[str]:
        """The doors that this hub can release."""
        return frozenset(device.id for device in self.devices if device.is_door)

    def device(self, name: str) -> DeviceSpec:
        """The device with this id or else the first of this kind. Raises ValueError naming what there is."""
        by_id = [device for device in self.devices if device.id == name]
        for device in by_id or [device for device in self.devices if device.kind == name]:
            return device
        there_are = ", ".join(f"{device.id} ({device.kind})" for device in self.devices) or "none"
        raise ValueError(f"{self.hub} has no device {name!r}; it has: {there_are}")

    def credential(self, name: str) -> str:
        """The credential of a carer role, or the text itself when it is a credential (`fob:…`, `pin:…`)."""
        if name in self.carers:
            return self.carers[name]
        if ":" in name:
            return name
        raise ValueError(f"{self.hub} has no carer role {name!r}; it has: {', '.join(self.carers) or 'none'}")
