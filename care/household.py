"""What the rules need to know of one resident's home, gathered by whoever asks (database or files)."""

from collections.abc import Mapping

from msgspec import Struct

from care.doors import NO_DOORS, Doors
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


class Household(Struct, frozen=True):
    """One resident, the visits in question, and everything that bears on them.

    `visits`: the visits of *all* packages of this resident whose windows could touch, and enough after them
    that each one's next planned visit is there. `judged`: refs of those whose history is wanted; None: all.
    `hubs`: those whose events may be evidence, the dwelling's own and its scheme's.
    `hearing`: of the hubs that matter (`care.liveness.hubs_that_matter`), none when nobody hears this home.
    `events`: `carer.*` and `door.*` of `hubs`, reaching back `care.windows.evidence_reach` before the first
    window; any order. `carers`: by credential, of all providers. `doors`: what is expected in the dwelling's
    scheme, this dwelling included, or in this dwelling alone when it is in none (`care.doors`).
    `outages`: when our own intake could not listen. `manual`: people's words on these visits.
    """

    resident: Resident
    dwelling: Dwelling
    visits: tuple[Visit, ...]
    hubs: tuple[Hub, ...] = ()
    hearing: tuple[Hearing, ...] = ()
    carers: Mapping[str, Carer] = {}
    events: tuple[HomeEvent, ...] = ()
    suspensions: tuple[Suspension, ...] = ()
    doors: Doors = NO_DOORS
    outages: tuple[Interval, ...] = ()
    manual: tuple[ManualWord, ...] = ()
    policy: Policy = DEFAULT_POLICY
    judged: frozenset[str] | None = None
