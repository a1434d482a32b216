"""What the API shows: the JSON of alerts, duties, visits and events. Times are RFC 3339 in UTC."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.links import AreaUnitOut, LinkOut
from api.paging import Page

DutyState = Literal["open", "acknowledged", "closed"]


class OrganisationOut(BaseModel):
    """An organisation by name."""

    id: str
    name: str


class DwellingOut(BaseModel):
    """Where it is."""

    id: str
    address: str
    scheme: str | None = None
    time_zone: str = Field(description="IANA zone: the wall time that people there live by")


class PersonOut(BaseModel):
    """A resident or a carer."""

    id: str
    name: str


class PartyOut(BaseModel):
    """Another organisation's duty in the same alert: as organisation and state, no more."""

    organisation: OrganisationOut
    role: str
    state: DutyState
    since: datetime = Field(description="when it came into this state")


class DutyOut(BaseModel):
    """One's own organisation's share in an alert."""

    id: int
    role: str = Field(description="landlord, care_provider, monitoring_centre or commissioner")
    state: DutyState
    raised_at: datetime
    step: int = Field(description="the last step of the ladder that was taken")
    steps: int = Field(description="how many steps the ladder has; the last repeats")
    next_audience: str | None = Field(description="whom the ladder tells then if nobody answers")
    next_step_at: datetime | None = Field(description="when the ladder goes on if nobody answers")
    claimed_by: str | None = None
    claimed_at: datetime | None = None
    lease_until: datetime | None = Field(None, description="the claim ends by itself then")
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    eta: datetime | None = None
    closed_by: str | None = None
    closed_at: datetime | None = None
    outcome: str | None = None


class AlertOut(BaseModel):
    """One thing that needs people, as the caller's organisation may see it."""

    id: int
    kind: str
    priority: int = Field(description="1 life safety, 2 welfare, 3 access, 4 technical, 5 record")
    reason: str
    raised_at: datetime = Field(description="when it became true")
    noticed_at: datetime = Field(description="when we saw it")
    raised_late: bool = Field(description="late by an outage of our own")
    press_count: int
    last_press_at: datetime | None
    is_test: bool
    suppressed: str | None = Field(None, description="why it told nobody; null: it was not held back")
    stood_down_at: datetime | None
    stand_down_cause: str | None
    closed_at: datetime | None
    visit_ref: str | None = Field(description="never shown to a landlord")
    hub: str | None
    device: str | None
    scheme: str | None
    dwelling: DwellingOut | None
    resident: PersonOut | None = Field(description="never shown to a landlord")
    duty: DutyOut
    others: list[PartyOut]


class AlertPage(Page):
    """Alerts, newest first."""

    items: list[AlertOut]


class HistoryOut(BaseModel):
    """Something that happened to an alert."""

    at: datetime = Field(description="when it became true")
    noticed_at: datetime
    actor: str
    what: str
    detail: dict[str, Any]


class DeliveryOut(BaseModel):
    """A message to one of the organisation's own contacts."""

    id: int
    contact: str | None
    channel: str
    purpose: Literal["raise", "reminder", "stand_down"]
    step: int
    state: Literal["pending", "sending", "sent", "delivered", "dead", "withdrawn"]
    attempts: int
    created_at: datetime
    delivered_at: datetime | None
    last_error: str | None


class PressOut(BaseModel):
    """An event that an alert rests on, or that annotates it."""

    hub: str
    id: str
    type: str
    at: datetime
    received_at: datetime


class AlertDetail(AlertOut):
    """An alert with all that belongs to it."""

    data: dict[str, Any]
    history: list[HistoryOut]
    deliveries: list[DeliveryOut]
    evidence: list[PressOut]
    links: list[LinkOut]
    units: list[AreaUnitOut] = Field(description="of an area alert: those of yours that it stands for")


class VisitOut(BaseModel):
    """One dated visit, what was planned and what is concluded."""

    ref: str
    package: str
    resident: PersonOut
    dwelling: DwellingOut
    provider: OrganisationOut
    tier: str
    service_date: date
    start: datetime
    end: datetime
    carers_required: int
    carers: list[PersonOut] = Field(description="as planned")
    plan: Literal["planned", "cancelled"]
    state: str
    attendance: str
    timeliness: str
    duration: str
    verification: str
    arrived_at: datetime | None
    departed_at: datetime | None
    carers_seen: list[PersonOut]
    reason: str
    version: int


class VisitPage(Page):
    """Visits by planned start."""

    items: list[VisitOut]


class VerdictOut(BaseModel):
    """One version of a visit's verdict; none is overwritten."""

    version: int
    at: datetime = Field(description="when it became true")
    noticed_at: datetime
    state: str
    attendance: str
    timeliness: str
    duration: str
    verification: str
    arrived_at: datetime | None
    departed_at: datetime | None
    carers: list[PersonOut]
    reason: str


class EvidenceOut(BaseModel):
    """An event that says something about a visit."""

    hub: str
    id: str
    type: str
    strength: Literal["strong", "medium", "weak"]
    carer: PersonOut | None
    at: datetime
    received_at: datetime


class AdjustmentOut(BaseModel):
    """What a person laid over the raw evidence."""

    at: datetime
    by: str
    organisation: str
    kind: Literal["verify", "cancel"]
    attended: bool | None
    arrived_at: datetime | None
    departed_at: datetime | None
    reason: str
    note: str | None


class VisitDetail(VisitOut):
    """A visit with its evidence and the history of its verdicts."""

    verdicts: list[VerdictOut]
    evidence: list[EvidenceOut]
    adjustments: list[AdjustmentOut]
    alerts: list[AlertOut]


class EventOut(BaseModel):
    """One thing that a device reported. A PIN is never shown; the carer behind it is."""

    hub: str
    id: str
    type: str
    at: datetime = Field(description="the device's clock")
    effective_at: datetime
    received_at: datetime
    clock_suspect: bool
    dwelling: str | None
    device: str | None
    seq: int | None
    boot: str | None
    carer: PersonOut | None
    data: dict[str, Any]


class EventPage(Page):
    """Events, the last received first."""

    items: list[EventOut]


class TimelineItem(BaseModel):
    """One moment of a resident's record: exactly one of the members that its kind names."""

    at: datetime
    kind: Literal["event", "visit", "alert"]
    event: EventOut | None = None
    visit: VisitOut | None = None
    alert: AlertOut | None = None


class TimelinePage(Page):
    """A resident's record, newest first."""

    resident: PersonOut
    items: list[TimelineItem]


class SuspensionOut(BaseModel):
    """A time in which no visits are expected."""

    id: int
    resident: str
    from_at: datetime = Field(serialization_alias="from")
    until_at: datetime | None = Field(serialization_alias="until")
    reason: str
    told_by: str | None
