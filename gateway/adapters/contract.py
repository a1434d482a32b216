"""What an adapter takes and gives (contract §2, "Other people's devices"; domain/alarms.md §3). Pure.

An adapter only reads: which device spoke, which properties it reported, when. What of it is news is decided
for all makers alike in `edges.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

Value = bool | int | float | str
"""What a property can be; anything else in a message (lists, objects, null) means nothing to us."""
Map = Mapping[str, Mapping[str, str]]
"""Property → value as text (`true`, `emergency`, `*` for any) → event type."""

EVENT_TYPES = frozenset(
    f"{family}.{name}"
    for family, names in {
        "alarm": "hub pendant pull_cord panic bogus_caller assistance fall smoke heat co gas flood "
        "temperature_low temperature_high exit inactivity bed chair seizure medication cancelled",
        "carer": "arrived departed",
        "door": "call granted denied released opened closed held forced",
        "resident": "feedback away home",
        "technical": "battery_low battery_ok mains_failed mains_restored sensor_missing sensor_restored "
        "tamper link_failed link_restored fault",
        "test": "call",
    }.items()
    for name in names.split()
)
"""What a map may name (contract §2); anything of `sensor.…` besides, which is recorded and calls nobody."""

ACTION_CODE = "action_code"
"""A keypad's property that holds somebody's PIN: never stored, never logged (domain/alarms.md §3, trap 9)."""


def is_event_type(name: str) -> bool:
    """Whether a map may turn a value into an event of this type: a slip of the pen would lose an alarm."""
    return name in EVENT_TYPES or (name.startswith("sensor.") and len(name) > len("sensor."))


@dataclass(frozen=True, slots=True)
class Device:
    """A device of an estate, as an adapter knows it. `name` is what its maker's topics call it."""

    hub: str
    id: str
    name: str
    kind: str
    model: str | None = None
    map: Map = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bridge:
    """One bridge: the topics below `base`, the hubs that stand for it, and the devices by their name."""

    kind: str
    base: str
    hubs: tuple[str, ...]
    devices: Mapping[str, Device] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message below a bridge's base; `topic` is what follows the base, without its slash."""

    topic: str
    payload: bytes
    retained: bool
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """What a device reported. `at` is the maker's time of it, None: it has none and counts as just now.

    `momentary` names the properties of which each message is an event of its own; all others are states, and
    only their changes are news. `id` is the maker's own for this message. `code` is a PIN: for the matching
    of credentials and for nothing else.
    """

    device: Device
    values: Mapping[str, Value]
    defaults: Map
    momentary: frozenset[str]
    at: datetime | None = None
    id: str | None = None
    code: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether the bridge itself is there."""

    online: bool


@dataclass(frozen=True, slots=True)
class Stranger:
    """A message of a device that the estate does not map, or one that cannot be read.

    `device` is known where only the message is at fault. `alarm`: somebody may be calling for help in it; it
    is the type under which an operator sees it.
    """

    device: Device | None
    alarm: str | None


@dataclass(frozen=True, slots=True)
class Chatter:
    """Something that says nothing of a home; `alive`: but it shows that the bridge is there."""

    alive: bool = False


Reading = Report | Presence | Stranger | Chatter


class Adapter(Protocol):
    """One maker's messages. Pure: reads any bytes without raising."""

    def subscriptions(self, base: str) -> tuple[str, ...]:
        """The topic filters that bring everything of a bridge."""
        ...

    def name_in_topics(self, name: str) -> str:
        """A device's name as the topics spell it."""
        ...

    def read(self, bridge: Bridge, incoming: Incoming) -> Reading:
        """What a message says."""
        ...
