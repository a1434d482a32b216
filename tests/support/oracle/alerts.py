"""The alerts of a visit and the steps of their duties (domain/visits.md §7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tests.support.oracle.hear import hubs_that_matter
from tests.support.oracle.judge import Judge, Verdict
from tests.support.oracle.plan import Visit


@dataclass(frozen=True)
class Duty:
    """One organisation's share, with the moments its steps fall due."""

    organisation: str
    role: str
    step_at: tuple[datetime, ...]


@dataclass(frozen=True)
class Alert:
    """One alert of a visit, or of a home by its hub."""

    kind: str
    visit_ref: str | None
    resident: str | None
    raised_at: datetime
    stood_down_at: datetime | None
    duties: tuple[Duty, ...]
    hub: str | None = None


def kind_of(verdict: Verdict) -> str | None:
    """The alert that a verdict calls for."""
    if verdict.attendance == "part_attended":
        return "visit.part_attended"
    return {"late": "visit.late", "missed": "visit.missed", "unverified": "visit.unverified"}.get(
        verdict.state
    )


def spans(judge: Judge, visit: Visit) -> list[tuple[str, datetime, datetime | None]]:
    """Each time a verdict called for an alert: its kind, since when, and until when."""
    world = judge.world
    if visit.cancelled or visit.suspended or (visit.changed_late and not visit.roster_cancelled):
        return []
    if not hubs_that_matter(world, visit.dwelling):
        return []
    moments = {visit.late_at, visit.missed_at, *judge.receipts}
    said = judge.all_said(visit)
    if said is not None:
        moments.add(said)
    found: list[tuple[str, datetime, datetime | None]] = []
    before: str | None = None
    for moment in sorted(moment for moment in moments if moment <= world.until):
        kind = kind_of(judge.verdict(visit, moment))
        if kind == before:
            continue
        if before is not None:
            found[-1] = (*found[-1][:2], moment)
        if kind is not None:
            found.append((kind, moment, None))
        before = kind
    return found


def duties(
    judge: Judge, visit: Visit, kind: str, raised: datetime, down: datetime | None
) -> tuple[Duty, ...]:
    """Who owes what in an alert, and when each step falls due while nobody answers."""
    world = judge.world
    resident = world.residents[visit.resident]
    landlord = world.dwellings[visit.dwelling].landlord
    every = visit.rules.ladder_step * (2 if kind == "visit.unverified" else 1)

    def counts(moment: datetime) -> bool:
        return moment <= world.until and (down is None or moment < down)

    def repeated(since: datetime) -> list[datetime]:
        listed, moment = [], since
        while counts(moment):
            listed.append(moment)
            moment += every
        return listed

    if kind == "visit.late":
        return (Duty(visit.provider, "care_provider", (raised,)),)
    parties = [(visit.provider, "care_provider")]
    if kind != "visit.part_attended" and landlord is not None:
        parties.append((landlord, "landlord"))
    made: list[Duty] = []
    thirds: list[datetime] = []
    for organisation, role in parties:
        reached = world.reachable[organisation]
        third = raised + 2 * every if reached else raised
        early = [raised, raised + every] if reached else []
        thirds.append(third)
        steps = [moment for moment in early if counts(moment)] + repeated(third)
        made.append(Duty(organisation, role, tuple(steps)))
    if resident.centre is not None and counts(min(thirds)):
        made.append(Duty(resident.centre, "monitoring_centre", tuple(repeated(min(thirds)))))
    return tuple(sorted(made, key=lambda duty: (duty.role, duty.organisation)))


def visit_alerts(judge: Judge) -> list[Alert]:
    """Every alert of every visit."""
    return [
        Alert(kind, visit.ref, visit.resident, raised, down, duties(judge, visit, kind, raised, down))
        for visit in judge.visits
        if visit.reported
        for kind, raised, down in spans(judge, visit)
    ]
