"""Who owes what duty for an alert? Pure: parties in, duties and what is missing out.

Sources: domain/visits.md §7 (table of visit alerts), domain/alarms.md §1 (alarms and faults).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from alerts.ladder import REPAIR, VISIT_CENTRE, Ladder, alarm_ladder, restore, visit_ladder
from alerts.model import Priority, Role, VisitAlert, VisitAlertKind


@dataclass(frozen=True, slots=True)
class Owed:
    """One organisation's share in an alert. `critical`: it holds through quiet hours."""

    organisation_id: str
    role: Role
    priority: Priority
    ladder: Ladder
    critical: bool = False


@dataclass(frozen=True, slots=True)
class Routing:
    """The duties of an alert, and in words the parties that should owe one and do not exist."""

    duties: tuple[Owed, ...]
    missing: tuple[str, ...] = ()


CRITICAL = "critical"
"""The tier whose visits no quiet hours hold back."""

_PARTIES: dict[VisitAlertKind, tuple[Role, ...]] = {
    VisitAlertKind.LATE: (Role.CARE_PROVIDER,),
    VisitAlertKind.MISSED: (Role.LANDLORD, Role.CARE_PROVIDER),
    VisitAlertKind.UNVERIFIED: (Role.LANDLORD, Role.CARE_PROVIDER),
    VisitAlertKind.PART_ATTENDED: (Role.CARE_PROVIDER,),
}


def visit_duties(alert: VisitAlert) -> Routing:
    """The duties that a visit's alert opens at its raise; the monitoring centre joins at the third step."""
    holders = {Role.LANDLORD: alert.landlord_id, Role.CARE_PROVIDER: alert.provider_id}
    duties: list[Owed] = []
    missing: list[str] = []
    for role in _PARTIES[alert.kind]:
        organisation = holders[role]
        if organisation is None:
            missing.append(
                f"no {role.value.replace('_', ' ')}: the dwelling has none, so that duty does not exist"
            )
        else:
            ladder = visit_ladder(alert.kind, role, alert.step)
            duties.append(Owed(organisation, role, Priority.WELFARE, ladder, alert.tier == CRITICAL))
    if alert.monitoring_centre_id is None and alert.kind is not VisitAlertKind.LATE:
        missing.append("no monitoring centre: the third step reaches the parties' own contacts only")
    return Routing(tuple(duties), tuple(missing))


def centre_joins(centre_id: str | None, step: timedelta | None, *, critical: bool = False) -> Owed | None:
    """The monitoring centre's own duty in a visit's alert, from the third step of a party's ladder on.

    It goes at the pace of the ladder that called it; `step` is that ladder's, doubled already where the kind
    of alert asks for it. None: the resident has no centre, or the ladder never reaches one.
    """
    if centre_id is None or step is None:
        return None
    ladder = restore(VISIT_CENTRE, step)
    return Owed(centre_id, Role.MONITORING_CENTRE, Priority.WELFARE, ladder, critical)


def alarm_duties(priority: Priority, centres: Sequence[str], all_centres: Sequence[str]) -> Routing:
    """The duties of an alarm, a door or a fault: the residents' monitoring centres, each once.

    `centres` are those of the people who live where the signal came from; with none of them known it goes to
    every monitoring centre there is, because an alarm that belongs to nobody is still somebody's.
    """
    missing: tuple[str, ...] = ()
    wanted = list(dict.fromkeys(centres))
    if not wanted:
        wanted = list(dict.fromkeys(all_centres))
        missing = ("no monitoring centre is known for this home: every centre is told",)
        if not wanted:
            missing = ("no monitoring centre exists: nobody can be told",)
    ladder, critical = alarm_ladder(priority), priority is Priority.LIFE_SAFETY
    return Routing(
        tuple(Owed(centre, Role.MONITORING_CENTRE, priority, ladder, critical) for centre in wanted), missing
    )


def landlords_fault(landlord_id: str | None) -> Owed | None:
    """A scheme's door, once its call is closed, is the landlord's to mend. None: there is no landlord."""
    if landlord_id is None:
        return None
    return Owed(landlord_id, Role.LANDLORD, Priority.TECHNICAL, restore(REPAIR, None))
