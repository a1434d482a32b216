"""Loading an estate file and rosters: what would change is worked out whole, then written in one transaction.

What a load does to what is no longer named, and to visits that have begun, is in docs/estate.md and
docs/roster.md; the decisions are pure (`care.difference`, `care.revision`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from care.contact_store import put_organisation
from care.difference import Change, Standing, SuspensionChange, compare_estates, compare_suspensions
from care.errors import EmptiedDay
from care.estate_checks import warnings
from care.estate_store import (
    Q,
    end_carers,
    put_carers,
    put_dwellings,
    put_hubs,
    put_packages,
    put_residents,
    put_suspensions,
    read_stored,
)
from care.model import Estate, Plan, Suspension, Visit
from care.planning import last_rows
from care.replanning import HORIZON, Replanning, last_date
from care.revision import Outcome, Revision
from care.roster import Roster
from care.store import ask_recheck
from care.visit_rows import merge_visits
from care.walltime import DAY
from db.pool import Connection, execute
from db.wake import CARE, wake

_NEAR = 2 * DAY
"""Further apart than this, one visit's plan has no bearing on another's verdict."""


@dataclass(frozen=True, slots=True)
class Loading:
    """All that a load would change, and what people should be told of it."""

    estate: Estate
    changes: Mapping[str, Change]
    suspensions: SuspensionChange
    revisions: tuple[Revision, ...]
    planned_until: Mapping[str, date]
    notices: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def changes_anything(self) -> bool:
        """Whether applying it would write anything."""
        suspended = self.suspensions
        return bool(
            any(change.touched or change.ended for change in self.changes.values())
            or suspended.added
            or suspended.changed
            or suspended.ended
            or any(revision.writes for revision in self.revisions)
        )

    def by_date(self) -> dict[date, Counter[Outcome]]:
        """How many visits of each service date are added, changed and cancelled."""
        days: defaultdict[date, Counter[Outcome]] = defaultdict(Counter)
        for revision in self.revisions:
            if revision.writes:
                days[revision.visit.service_date][revision.outcome] += 1
        return dict(sorted(days.items()))


async def standing_estate(conn: Connection) -> Estate:
    """The estate that stands, held against other loads until the transaction ends."""
    await execute(conn, Q["serialise_loading"])
    return (await read_stored(conn)).estate


async def prepare(
    conn: Connection,
    estate: Estate,
    rosters: Sequence[Roster],
    now: datetime,
    *,
    full: bool = False,
    force: bool = False,
) -> Loading:
    """Works out what would change, and holds other loads off until the transaction ends.

    Raises EmptiedDay, unless `force`, when a full roster would cancel more than a fifth of a day's visits, or
    a calendar more than a fifth of those to come that it made.
    """
    await execute(conn, Q["serialise_loading"])
    stored = await read_stored(conn)
    changes = compare_estates(stored.estate, estate)
    standing = [Standing(each.id, each.suspension, each.is_a_persons) for each in stored.suspensions]
    plan = Replanning(conn, stored, estate, changes["packages"], now)
    rows = last_rows(row for roster in rosters for row in roster.rows)
    await plan.follow_packages(rows)
    await plan.follow_rows(rows)
    calendars = [roster for roster in rosters if roster.calendar_of is not None]
    emptied = [fault for roster in calendars for fault in await plan.follow_calendar(roster, rows)]
    if full:
        tables = [roster for roster in rosters if roster.calendar_of is None]
        await plan.follow_full(tables, rows)
        emptied += plan.emptied_days(", ".join(roster.source for roster in tables))
    if emptied and not force:
        raise EmptiedDay(emptied)
    suspensions = compare_suspensions(standing, estate.suspensions, now)
    revisions = tuple(plan.revisions.values())
    return Loading(
        estate,
        changes,
        suspensions,
        revisions,
        dict.fromkeys(plan.replanned, last_date(now)),
        tuple(_notices(changes, suspensions, revisions)),
        (*warnings(estate), *(str(fault) for roster in rosters for fault in roster.warnings)),
    )


def _notices(
    changes: Mapping[str, Change], suspensions: SuspensionChange, revisions: Iterable[Revision]
) -> Iterable[str]:
    for change in changes.values():
        for name in change.kept:
            yield f"{change.kind}: {name} is not in the file; it is kept, because history refers to it"
    for refused in suspensions.refused:
        yield f"suspension of {refused.resident_id}: a person's own entry stands above the file"
    for revision in revisions:
        if revision.outcome is Outcome.FROZEN:
            yield f"visit {revision.visit.ref}: not changed, because {revision.reason}"


async def apply(conn: Connection, loading: Loading, now: datetime) -> None:
    """Writes what `prepare` found, in its transaction. The caller commits: all or nothing."""
    revisions = [revision for revision in loading.revisions if revision.writes]
    suspended = loading.suspensions
    touched = {revision.visit.resident_id for revision in revisions}
    touched |= {each.resident_id for each in (*suspended.added, *suspended.changed)}
    touched |= {each.suspension.resident_id for each in suspended.ended}
    await execute(conn, Q["lock_residents"], ids=sorted(touched))
    await _write_nouns(conn, loading, now)
    away = suspensions_by_resident((await read_stored(conn)).estate.suspensions)
    await merge_visits(conn, [(each.visit, first_look(each.visit, away, now)) for each in revisions])
    await _ask_rechecks(conn, loading, revisions, now)
    # Last, because from here to the commit intake waits for these hubs.
    await put_hubs(conn, [loading.estate.hubs[name] for name in loading.changes["hubs"].touched])
    await wake(conn, CARE)


async def _write_nouns(conn: Connection, loading: Loading, now: datetime) -> None:
    estate, changes = loading.estate, loading.changes
    for name in changes["organisations"].touched:
        await put_organisation(conn, estate.organisations[name])
    await put_dwellings(conn, [estate.dwellings[name] for name in changes["dwellings"].touched])
    await put_residents(conn, [estate.residents[name] for name in changes["residents"].touched])
    if changes["carers"].ended:
        await end_carers(conn, list(changes["carers"].ended), now)
    await put_carers(conn, [estate.carers[name] for name in changes["carers"].touched], now)
    if changes["packages"].ended:
        await execute(conn, Q["end_packages"], ids=list(changes["packages"].ended), now=now)
    replanned = [estate.packages[name] for name in loading.planned_until]
    await put_packages(conn, replanned, loading.planned_until)
    if loading.suspensions.ended:
        gone = [each.id for each in loading.suspensions.ended]
        await execute(conn, Q["end_suspensions"], ids=gone, now=now)
    await put_suspensions(conn, (*loading.suspensions.added, *loading.suspensions.changed), now)


def suspensions_by_resident(suspensions: Iterable[Suspension]) -> Mapping[str, list[Suspension]]:
    """Suspensions of each resident who has any."""
    found: defaultdict[str, list[Suspension]] = defaultdict(list)
    for each in suspensions:
        found[each.resident_id].append(each)
    return found


def first_look(visit: Visit, suspensions: Mapping[str, Sequence[Suspension]], now: datetime) -> datetime:
    """A visit that is expected is first judged at its start; one that is not says so at once."""
    if visit.plan is Plan.CANCELLED or visit.start_at <= now:
        return now
    away = any(each.covers(visit.start_at) for each in suspensions.get(visit.resident_id, ()))
    return now if away else visit.start_at


async def _ask_rechecks(
    conn: Connection, loading: Loading, revisions: Iterable[Revision], now: datetime
) -> None:
    """Has judged again what the load may have changed: neighbours of near visits, and suspended times."""
    spans: list[tuple[str, datetime, datetime]] = []
    for revision in revisions:
        for visit in (revision.before, revision.visit):
            if visit is not None and visit.start_at <= now + _NEAR:
                spans.append((visit.resident_id, visit.start_at - _NEAR, visit.start_at + _NEAR))
    changed = loading.suspensions
    for each in (
        *changed.added,
        *changed.changed,
        *changed.before_change,
        *(standing.suspension for standing in changed.ended),
    ):
        spans.append((each.resident_id, each.from_at, each.until_at or now + 2 * HORIZON))
    await ask_recheck(conn, spans, now)
