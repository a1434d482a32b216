"""What the rules need to know of one resident's home, gathered by whoever asks (database or files)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from care.model import (
    Carer,
    Dwelling,
    Hearing,
    HomeEvent,
    Hub,
    Interval,
    ManualWord,
    Resident,
    Suspension,
    Visit,
)
from care.policy import DEFAULT_POLICY, Policy


@dataclass(frozen=True, slots=True)
class Expected:
    """A visit of a dwelling of the same scheme, for the rule on shared doors (domain/visits.md §3).

    A communal `door.granted` at [start, end] ([start, end) when `end_open`) may be meant for it. Only visits
    neither cancelled nor suspended appear here.
    """

    dwelling_id: str
    provider_id: str
    start: datetime
    end: datetime
    end_open: bool = False


@dataclass(frozen=True, slots=True)
class Household:
    """One resident, the visits in question, and everything that bears on them.

    `visits`: the visits of *all* packages of this resident whose windows could touch, and enough after them
    that each one's next planned visit is there. `judged`: refs of those whose history is wanted; None: all.
    `hubs`: those whose events may be evidence, the dwelling's own and its scheme's.
    `hearing`: of the hubs that matter (`care.liveness.hubs_that_matter`), none when nobody hears this home.
    `events`: `carer.*` and `door.*` of `hubs`, reaching back `care.windows.evidence_reach` before the first
    window; any order. `carers`: by credential, of all providers. `expected`: see there; only of *other*
    dwellings. `outages`: when our own intake could not listen. `manual`: people's words on these visits.
    """

    resident: Resident
    dwelling: Dwelling
    visits: tuple[Visit, ...]
    hubs: tuple[Hub, ...] = ()
    hearing: tuple[Hearing, ...] = ()
    carers: Mapping[str, Carer] = field(default_factory=dict)
    events: tuple[HomeEvent, ...] = ()
    suspensions: tuple[Suspension, ...] = ()
    expected: tuple[Expected, ...] = ()
    outages: tuple[Interval, ...] = ()
    manual: tuple[ManualWord, ...] = ()
    policy: Policy = DEFAULT_POLICY
    judged: frozenset[str] | None = None
