"""Nouns of an estate (contract §3): homes, people, hubs, packages. Import them from `care.model`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from alerts.model import Organisation

DEFAULT_HEARTBEAT = timedelta(minutes=10)


class Tier(StrEnum):
    """How much a late visit matters (domain/visits.md §2)."""

    CRITICAL = "critical"
    ESSENTIAL = "essential"
    STANDARD = "standard"
    FLEXIBLE = "flexible"


class Scope(StrEnum):
    """Whose door a panel or reader stands at."""

    DWELLING = "dwelling"
    COMMUNAL = "communal"


@dataclass(frozen=True, slots=True)
class Dwelling:
    """A home. `scheme` None: dispersed. `landlord_id` None: nobody owes the landlord's duty."""

    id: str
    address: str
    time_zone: str
    landlord_id: str | None = None
    scheme: str | None = None


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody who lives in a dwelling. `details` is the contact sheet, for the monitoring centre alone."""

    id: str
    dwelling_id: str
    name: str
    monitoring_centre_id: str | None = None
    commissioner_id: str | None = None
    high_risk: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Device:
    """A thing behind a hub. `name`, `model` and `map` matter behind a bridge of another maker."""

    id: str
    kind: str
    scope: Scope | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    model: str | None = None
    map: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Adapter:
    """A bridge of another maker, and the topic below which it speaks (docs/devices.md)."""

    kind: str
    base: str


@dataclass(frozen=True, slots=True)
class Hub:
    """A unit that speaks to us: of one dwelling, or of a scheme; never both.

    With an `adapter` it is a bridge of another maker and does not speak our wire.
    """

    id: str
    dwelling_id: str | None = None
    scheme: str | None = None
    heartbeat_every: timedelta = DEFAULT_HEARTBEAT
    devices: tuple[Device, ...] = ()
    adapter: Adapter | None = None

    @property
    def has_communal_panel(self) -> bool:
        """Any of its devices stands at a door that several dwellings share."""
        return any(device.scope is Scope.COMMUNAL for device in self.devices)


@dataclass(frozen=True, slots=True)
class Carer:
    """Somebody who visits for one provider. Credentials are compared exactly."""

    id: str
    provider_id: str
    name: str
    credentials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A repeating visit of a package: RRULE in wall time, `minutes` elapsed (domain/visits.md §1, §8).

    `rrule` None: a definition alone, whose visits come as roster rows; then `from_date` may be None.
    """

    id: str
    start: time
    minutes: int
    rrule: str | None = None
    carers: int = 1
    from_date: date | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """What a provider delivers to a resident."""

    id: str
    resident_id: str
    provider_id: str
    tier: Tier
    recurrences: tuple[Recurrence, ...] = ()


@dataclass(frozen=True, slots=True)
class Suspension:
    """A resident is away, in hospital say: visits that start in [from_at, until_at) are not expected.

    `made_at` None: known from the beginning, as everything in an estate file is.
    """

    resident_id: str
    from_at: datetime
    until_at: datetime | None
    reason: str
    told_by: str | None = None
    made_at: datetime | None = None

    def covers(self, start: datetime) -> bool:
        """Whether a visit that starts then is suspended: `from` ≤ start < `until`."""
        return self.from_at <= start and (self.until_at is None or start < self.until_at)


@dataclass(frozen=True, slots=True)
class Estate:
    """Everything an estate file says, by id, in the order of the file."""

    organisations: Mapping[str, Organisation] = field(default_factory=dict)
    dwellings: Mapping[str, Dwelling] = field(default_factory=dict)
    residents: Mapping[str, Resident] = field(default_factory=dict)
    hubs: Mapping[str, Hub] = field(default_factory=dict)
    carers: Mapping[str, Carer] = field(default_factory=dict)
    packages: Mapping[str, Package] = field(default_factory=dict)
    suspensions: tuple[Suspension, ...] = ()

    def carers_by_credential(self) -> dict[str, Carer]:
        """Who holds each credential; a credential is unique in an estate."""
        return {credential: carer for carer in self.carers.values() for credential in carer.credentials}
