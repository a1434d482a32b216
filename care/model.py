"""Nouns of care: what is expected, what was heard from the home, and what we conclude.

Every time is an aware datetime in UTC; wall times and dates belong to the dwelling's zone.

Of what a replay makes millions, the nouns are structs: a frozen dataclass takes ten times as long to make.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from msgspec import Struct

from alerts.model import VisitAlertKind
from care.estate_nouns import DEFAULT_HEARTBEAT as DEFAULT_HEARTBEAT
from care.estate_nouns import Adapter as Adapter
from care.estate_nouns import Carer as Carer
from care.estate_nouns import Device as Device
from care.estate_nouns import Dwelling as Dwelling
from care.estate_nouns import Estate as Estate
from care.estate_nouns import Hub as Hub
from care.estate_nouns import Package as Package
from care.estate_nouns import Recurrence as Recurrence
from care.estate_nouns import Resident as Resident
from care.estate_nouns import Scope as Scope
from care.estate_nouns import Suspension as Suspension
from care.estate_nouns import Tier as Tier


class Plan(StrEnum):
    """What the roster says of a visit."""

    PLANNED = "planned"
    CANCELLED = "cancelled"


class Source(StrEnum):
    """Where a visit comes from."""

    RECURRENCE = "recurrence"
    ROSTER = "roster"


class State(StrEnum):
    """Where a visit stands (contract §6)."""

    PLANNED = "planned"
    DUE = "due"
    LATE = "late"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    MISSED = "missed"
    UNVERIFIED = "unverified"
    CANCELLED = "cancelled"
    SUSPENDED = "suspended"


class Attendance(StrEnum):
    """Whether those who should come came."""

    ATTENDED = "attended"
    PART_ATTENDED = "part_attended"
    NOT_ATTENDED = "not_attended"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    SUSPENDED = "suspended"


class Timeliness(StrEnum):
    """When they came, against the tier's tolerance."""

    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"
    NONE = "none"


class Duration(StrEnum):
    """How long they stayed, against what was planned."""

    OK = "ok"
    SHORT = "short"
    LONG = "long"
    UNKNOWN = "unknown"
    NONE = "none"


class Verification(StrEnum):
    """What the verdict rests on."""

    FULL = "full"
    PARTIAL = "partial"
    INDICATIVE = "indicative"
    MANUAL = "manual"
    NONE = "none"


# --- what is expected (contract §4) ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One line of a roster: a visit more, or the replacement of the occurrence with the same ref.

    `start` and `end` are wall times of the dwelling; an `end` not after `start` is the next day.
    """

    visit_ref: str
    package_id: str
    service_date: date
    start: time
    end: time
    carers_required: int = 1
    carers: tuple[str, ...] = ()
    tier: Tier | None = None
    plan: Plan = Plan.PLANNED
    changed_at: datetime | None = None


class Visit(Struct, frozen=True, gc=False):
    """One dated expectation. `shifted`: its wall time did not exist that night and moved forward."""

    ref: str
    package_id: str
    resident_id: str
    dwelling_id: str
    provider_id: str
    tier: Tier
    service_date: date
    start_at: datetime
    end_at: datetime
    start_wall: time
    end_wall: time | None = None
    shifted: bool = False
    carers_required: int = 1
    carers: tuple[str, ...] = ()
    plan: Plan = Plan.PLANNED
    plan_reason: str | None = None
    changed_at: datetime | None = None
    source: Source = Source.ROSTER

    @property
    def planned_length(self) -> timedelta:
        """Elapsed time from planned start to planned end."""
        return self.end_at - self.start_at


# --- what was heard (contract §2, §5) -------------------------------------------------------------


class HomeEvent(Struct, frozen=True, gc=False):
    """One stored event as care sees it: once for each (hub, id), the first that arrived.

    `effective_at` is `at`, never later than `received_at`, and `received_at` itself for a suspect clock
    (domain/visits.md §1). `arrival` orders events of one `received_at`. `queued` is a heartbeat's.
    """

    hub_id: str
    event_id: str
    type: str
    at: datetime
    effective_at: datetime
    received_at: datetime
    arrival: int = 0
    device: str | None = None
    panel: str | None = None
    credential: str | None = None
    method: str | None = None
    scope: Scope | None = None
    queued: int | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time; `end` None: it has not ended yet."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class QueueWord:
    """What a fresh heartbeat said of the hub's queue. One without `queued` says nothing and is left out."""

    received_at: datetime
    queued: int


@dataclass(frozen=True, slots=True)
class Hearing:
    """When a hub was heard, as far as silence rules need it: its gaps instead of every receipt.

    `gaps` run from the last message before to the first after, all that are silence under the policy, in
    order; `offline` from a status `online: false` to the first message after it. A last will is not hearing.
    What happened long before the windows in question may be left out, except `first_heard_at` and the last
    `queue_words` before them.
    """

    hub: Hub
    first_heard_at: datetime | None = None
    last_heard_at: datetime | None = None
    gaps: tuple[Interval, ...] = ()
    offline: tuple[Interval, ...] = ()
    queue_words: tuple[QueueWord, ...] = ()


@dataclass(frozen=True, slots=True)
class ManualWord:
    """A person's word on a visit, laid over the raw evidence from `at` on. The last one counts."""

    visit_ref: str
    at: datetime
    attended: bool
    by: str
    reason: str
    arrived_at: datetime | None = None
    departed_at: datetime | None = None
    note: str | None = None


# --- what we conclude (contract §6) ---------------------------------------------------------------


class Session(Struct, frozen=True, gc=False):
    """One carer's presence in a dwelling. `carer_id` None: the unnamed one, by button.

    `start` None: only a departure was seen. `end` None: no departure was seen.
    """

    carer_id: str | None
    provider_id: str | None
    start: datetime | None
    end: datetime | None
    strong: bool

    @property
    def length(self) -> timedelta | None:
        """How long it lasted, when both ends are known."""
        return None if self.start is None or self.end is None else self.end - self.start


class Verdict(Struct, frozen=True, gc=False):
    """What we conclude of a visit at one moment, with the reason in words for the care provider."""

    state: State
    attendance: Attendance = Attendance.UNKNOWN
    timeliness: Timeliness = Timeliness.NONE
    duration: Duration = Duration.NONE
    verification: Verification = Verification.NONE
    arrived_at: datetime | None = None
    departed_at: datetime | None = None
    carers: tuple[str, ...] = ()
    reason: str = ""


class Version(Struct, frozen=True, gc=False):
    """A verdict and the moment at which it became true. None is ever overwritten."""

    at: datetime
    verdict: Verdict


class AlertSpan(Struct, frozen=True, gc=False):
    """One alert of a visit: its true moment of raising and, when stood down, of the deciding receipt.

    `reason` is fit for every party: no carer's name, task or diagnosis.
    """

    kind: VisitAlertKind
    raised_at: datetime
    reason: str
    stood_down_at: datetime | None = None
    cause: str | None = None


class VisitHistory(Struct, frozen=True, gc=False):
    """All that was concluded of one visit up to a moment.

    `next_check_at` is the next moment at which time alone may change something; None once settled.
    """

    visit: Visit
    versions: tuple[Version, ...]
    alerts: tuple[AlertSpan, ...]
    next_check_at: datetime | None

    @property
    def verdict(self) -> Verdict:
        """The verdict that stands."""
        return self.versions[-1].verdict


def utc(moment: datetime) -> datetime:
    """The same instant in UTC. Times of one zone subtract and compare wrongly over a change of clocks."""
    return moment.astimezone(UTC)
