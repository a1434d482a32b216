"""Loading an estate file and rosters: what would change is worked out whole, then written in one transaction.

What a load does to what is no longer named, and to visits that have begun, is in docs/estate.md and
docs/roster.md; the decisions are pure (`care.difference`, `care.revision`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from care.contact_store import put_organisation
from care.difference import Change, Standing, SuspensionChange, compare_estates, compare_suspensions
from care.errors import EmptiedDay, Fault
from care.estate_checks import warnings
from care.estate_store import (
    Q,
    StoredEstate,
    end_carers,
    put_carers,
    put_dwellings,
    put_hubs,
    put_packages,
    put_residents,
    put_suspensions,
    read_stored,
)
from care.model import Dwelling, Estate, Package, Plan, RosterRow, Source, Suspension, Visit
from care.planning import last_rows, occurrences, visit_of_row
from care.revision import Outcome, Planned, Revision, revise, withdraw
from care.roster import Roster
from care.store import ask_recheck
from care.visit_rows import merge_visits, visit_of
from care.walltime import DAY, local_date
from db.pool import Connection, execute, fetch_all
from db.wake import CARE, wake

HORIZON = timedelta(weeks=8)
"""How far ahead visits are made (domain/visits.md §8)."""

FIRST_ZONE = "Pacific/Kiritimati"
"""Where every date begins first: there the horizon is reached first, and it is one date for all."""

_SHARE = 5
"""A full roster that would cancel more than one in so many of a day's visits is refused."""

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


def last_date(now: datetime) -> date:
    """Up to which service date visits are made."""
    return local_date(now, FIRST_ZONE) + HORIZON


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

    Raises EmptiedDay when a full roster would cancel more than a fifth of a day's visits, unless `force`.
    """
    await execute(conn, Q["serialise_loading"])
    stored = await read_stored(conn)
    changes = compare_estates(stored.estate, estate)
    standing = [Standing(each.id, each.suspension, each.is_a_persons) for each in stored.suspensions]
    plan = _Plan(conn, stored, estate, changes["packages"], now)
    rows = last_rows(row for roster in rosters for row in roster.rows)
    await plan.follow_packages(rows)
    await plan.follow_rows(rows)
    if full:
        await plan.follow_full(rosters, rows)
        if not force:
            _refuse_emptied_days(plan, ", ".join(roster.source for roster in rosters))
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


class _Plan:
    """What the estate and the rosters make of visits."""

    def __init__(
        self, conn: Connection, stored: StoredEstate, estate: Estate, packages: Change, now: datetime
    ) -> None:
        self.conn = conn
        self.before = stored.estate
        self.estate = estate
        self.now = now
        self.ended = packages.ended
        self.replanned = tuple(
            name
            for name in estate.packages
            if name in packages.touched or self._home(stored.estate, name) != self._home(estate, name)
        )
        self.revisions: dict[str, Revision] = {}
        self.standing_by_date: Counter[date] = Counter()

    @staticmethod
    def _home(estate: Estate, package: str) -> tuple[str, str]:
        dwelling = _dwelling(estate, estate.packages[package])
        return dwelling.id, dwelling.time_zone

    async def follow_packages(self, rows: Mapping[str, RosterRow]) -> None:
        """New and changed packages make their visits anew; those of ended packages are cancelled."""
        names = [*self.replanned, *self.ended]
        to_come = await self._standing("visits_to_come", packages=names, now=self.now)
        wanted = [visit for name in self.replanned for visit in self._occurrences(name)]
        begun = [visit.ref for visit in wanted if visit.start_at <= self.now]
        standing = {**to_come, **await self._standing("visits_by_ref", refs=begun)}
        for visit in wanted:
            known = standing.get(visit.ref)
            if visit.ref in rows or (known is not None and known.visit.source is Source.ROSTER):
                continue
            if known is None and visit.end_at <= self.now:
                continue  # over before anyone asked us to watch for it
            self._take(revise(known, visit, self.now))
        made = {visit.ref for visit in wanted}
        for ref, known in to_come.items():
            package = self.estate.packages.get(known.visit.package_id)
            if package is None:
                self._take(withdraw(known, "the care package has ended", self.now, known.visit.source))
            elif known.visit.source is Source.ROSTER:
                if ref not in rows and known.visit.end_wall is not None:
                    self._take(revise(known, self._moved(known.visit, package), self.now))
            elif ref not in made:
                self._take(
                    withdraw(known, "the care package no longer holds it", self.now, Source.RECURRENCE)
                )

    async def follow_rows(self, rows: Mapping[str, RosterRow]) -> None:
        """Every row of the rosters, each the last of its ref."""
        standing = await self._standing("visits_by_ref", refs=list(rows))
        for ref, row in rows.items():
            package = self.estate.packages[row.package_id]
            wanted = visit_of_row(row, package, _dwelling(self.estate, package))
            if wanted.plan is Plan.CANCELLED:
                wanted = replace(wanted, plan_reason="cancelled in the roster")
            self._take(revise(standing.get(ref), wanted, self.now))

    async def follow_full(self, rosters: Sequence[Roster], rows: Mapping[str, RosterRow]) -> None:
        """What full rosters do not hold of the dates and the providers that they mention is cancelled."""
        dates = frozenset[date]().union(*(roster.dates for roster in rosters))
        providers = {self.estate.packages[row.package_id].provider_id for row in rows.values()}
        reason = "not in the full roster of that day"
        standing = await self._standing("visits_of_dates", providers=list(providers), dates=list(dates))
        for ref, known in standing.items():
            if known.visit.plan is Plan.PLANNED:
                self.standing_by_date[known.visit.service_date] += 1
            if ref not in rows:
                self._take(withdraw(known, reason, self.now, Source.ROSTER))
        for package in self.estate.packages.values():
            ahead = {day for day in dates if day > last_date(self.now)}
            if package.provider_id not in providers or not ahead:
                continue
            dwelling = _dwelling(self.estate, package)
            for visit in occurrences(package, dwelling, min(ahead), max(ahead)):
                if visit.service_date in ahead and visit.ref not in rows and visit.ref not in standing:
                    gone = replace(visit, plan=Plan.CANCELLED, plan_reason=reason, source=Source.ROSTER)
                    self._take(revise(None, gone, self.now))

    def _occurrences(self, name: str) -> list[Visit]:
        package = self.estate.packages[name]
        dwelling = _dwelling(self.estate, package)
        # From yesterday on: a visit of last night may still be under way.
        first = local_date(self.now, dwelling.time_zone) - DAY
        return occurrences(package, dwelling, first, last_date(self.now))

    def _moved(self, visit: Visit, package: Package) -> Visit:
        """A roster's visit under what the package and the home are now."""
        old = self.before.packages.get(package.id)
        row = RosterRow(
            visit.ref,
            package.id,
            visit.service_date,
            visit.start_wall,
            visit.end_wall or visit.start_wall,
            visit.carers_required,
            visit.carers,
            None if old is not None and visit.tier is old.tier else visit.tier,
            visit.plan,
            visit.changed_at,
        )
        return replace(
            visit_of_row(row, package, _dwelling(self.estate, package)), plan_reason=visit.plan_reason
        )

    def _take(self, revision: Revision) -> None:
        if revision.outcome is not Outcome.SAME:
            self.revisions[revision.visit.ref] = revision

    async def _standing(self, statement: str, **arguments: object) -> dict[str, Planned]:
        found = await fetch_all(self.conn, Q[statement], **arguments)
        return {row["ref"]: Planned(visit_of(row), row["settled"]) for row in found}


def _dwelling(estate: Estate, package: Package) -> Dwelling:
    return estate.dwellings[estate.residents[package.resident_id].dwelling_id]


def _refuse_emptied_days(plan: _Plan, source: str) -> None:
    cancelled = Counter(
        revision.visit.service_date
        for revision in plan.revisions.values()
        if revision.outcome is Outcome.CANCELLED
    )
    emptied = [
        Fault(source, 0, str(day), f"would cancel {count} of {plan.standing_by_date[day]} visits")
        for day, count in sorted(cancelled.items())
        if count * _SHARE > plan.standing_by_date[day]
    ]
    if emptied:
        raise EmptiedDay(emptied)


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
