"""Nouns of alerts: who is told, who owes an answer, and what was said."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any

from alerts.links import LinkPerson
from alerts.rota import Hours, Rota


class Role(StrEnum):
    """An organisation's part in an alert, and the kinds of organisations there are."""

    LANDLORD = "landlord"
    CARE_PROVIDER = "care_provider"
    MONITORING_CENTRE = "monitoring_centre"
    COMMISSIONER = "commissioner"


class Priority(IntEnum):
    """Classes of handling (domain/alarms.md, 1); a lower number is answered first."""

    LIFE_SAFETY = 1
    WELFARE = 2
    ACCESS = 3
    TECHNICAL = 4
    RECORD = 5


class DutyState(StrEnum):
    """Three states; the escalation step is a cursor beside them."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class VisitAlertKind(StrEnum):
    """Alerts of a visit (domain/visits.md, 7)."""

    LATE = "visit.late"
    MISSED = "visit.missed"
    UNVERIFIED = "visit.unverified"
    PART_ATTENDED = "visit.part_attended"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where an organisation takes Standard Webhooks, and the secret that signs them."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class Contact:
    """Someone who can be told. No channel at all is reported by `threshold doctor`.

    `channels` is the order in which their people's channels are tried; empty: as `alerts.reach` has it.
    `on_call` False: without a rota told from the second step on. `fallback`: a centre's third step tells it.
    """

    name: str
    email: str | None = None
    phone: str | None = None
    webhook: Webhook | None = None
    push: str | None = None
    channels: tuple[str, ...] = ()
    quiet: Hours | None = None
    language: str = "en"
    on_call: bool = True
    fallback: bool = False

    @property
    def reachable(self) -> bool:
        """Has any address that a channel could send to."""
        return bool(self.email or self.phone or self.webhook or self.push)


@dataclass(frozen=True, slots=True)
class Organisation:
    """A landlord, care provider, monitoring centre or commissioner. Its rota speaks in `time_zone`."""

    id: str
    kind: Role
    name: str
    contacts: tuple[Contact, ...] = ()
    time_zone: str | None = None
    rota: Rota | None = None
    links: tuple[LinkPerson, ...] = ()


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something, as history and screens show it."""

    name: str
    organisation_id: str


@dataclass(frozen=True, slots=True)
class Signal:
    """One stored event as alerts see it. `known_hub` False: the hub is not in the estate."""

    hub_id: str
    event_id: str
    type: str
    effective_at: datetime
    received_at: datetime
    device: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    clock_suspect: bool = False
    known_hub: bool = True


def visit_key(visit_ref: str, kind: str, raised_at: datetime) -> str:
    """What tells a visit's alerts apart: one of a kind for a visit and a moment of raising."""
    return f"{visit_ref}|{kind}|{raised_at.astimezone(UTC).isoformat()}"


@dataclass(frozen=True, slots=True)
class VisitAlert:
    """What care asks to be raised for a visit. `step` is the ladder's *a*; `raised_at` the true due time.

    `reason` is fit for every party: no carer's name, task or diagnosis.
    """

    kind: VisitAlertKind
    visit_ref: str
    resident_id: str
    dwelling_id: str
    provider_id: str
    landlord_id: str | None
    monitoring_centre_id: str | None
    raised_at: datetime
    step: timedelta
    reason: str
    visit_start: datetime
    tier: str
    raised_late: bool = False

    @property
    def dedupe_key(self) -> str:
        """One alert of a kind for a visit and a moment of raising."""
        return visit_key(self.visit_ref, self.kind, self.raised_at)


@dataclass(frozen=True, slots=True)
class Duty:
    """One organisation's share in an alert, as its row stands.

    `step` and `stepped_at` are the ladder's cursor: the last step taken, and when it was due. `step_from` is
    where the ladder counts from: the raise, or the moment at which a promised arrival was given up.
    `critical`: nobody's quiet hours hold for it.
    """

    id: int
    alert_id: int
    organisation_id: str
    role: Role
    state: DutyState
    priority: Priority
    raised_at: datetime
    ladder: str
    step_from: datetime
    ladder_step: timedelta | None = None
    critical: bool = False
    step: int = 0
    stepped_at: datetime | None = None
    next_check_at: datetime | None = None
    claimed_by: str | None = None
    claimed_at: datetime | None = None
    lease_until: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    eta: datetime | None = None
    closed_by: str | None = None
    closed_at: datetime | None = None
    outcome: str | None = None

    def holder(self, now: datetime) -> str | None:
        """Who has it in hand: a claim counts until its lease ends, that moment excluded."""
        if self.claimed_by is None or self.lease_until is None or self.lease_until <= now:
            return None
        return self.claimed_by
