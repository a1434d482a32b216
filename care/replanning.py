"""What an estate and rosters make of the visits that stand: each revision, before anything is written."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from msgspec.structs import replace

from care.difference import Change
from care.errors import Fault
from care.estate_store import Q, StoredEstate
from care.model import Dwelling, Estate, Package, Plan, RosterRow, Source, Visit
from care.planning import occurrences, visit_of_row
from care.revision import Outcome, Planned, Revision, revise, withdraw
from care.roster import Roster, prefix_of
from care.visit_rows import is_settled, visit_of
from care.walltime import DAY, local_date
from db.pool import Connection, fetch_tuples

HORIZON = timedelta(weeks=8)
"""How far ahead visits are made (domain/visits.md §8)."""

FIRST_ZONE = "Pacific/Kiritimati"
"""Where every date begins first: there the horizon is reached first, and it is one date for all."""

_SHARE = 5
"""A full roster that would cancel more than one in so many of a day's visits is refused."""


def last_date(now: datetime) -> date:
    """Up to which service date visits are made."""
    return local_date(now, FIRST_ZONE) + HORIZON


class Replanning:
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
        named = {row.package_id for roster in rosters for row in roster.rows}
        providers = {self.estate.packages[name].provider_id for name in named}
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

    async def follow_calendar(self, calendar: Roster, rows: Mapping[str, RosterRow]) -> list[Fault]:
        """What a calendar made before and no longer holds is cancelled; a fault when that is much of it.

        What has begun stays: most calendars leave out what lies behind them.
        """
        assert calendar.calendar_of is not None  # of a table there is nothing to follow
        standing = await self._standing(
            "visits_of_calendar",
            package=calendar.calendar_of,
            prefix=prefix_of(calendar.calendar_of),
            now=self.now,
        )
        gone = [known for ref, known in standing.items() if ref not in rows]
        for known in gone:
            self._take(withdraw(known, "no longer in the calendar", self.now, Source.ROSTER))
        if len(gone) * _SHARE <= len(standing):
            return []
        sentence = f"would cancel {len(gone)} of the {len(standing)} visits to come that it made"
        return [Fault(calendar.source, 0, "", sentence)]

    def emptied_days(self, source: str) -> list[Fault]:
        """Days of which full rosters would cancel more than a fifth."""
        cancelled = Counter(
            revision.visit.service_date
            for revision in self.revisions.values()
            if revision.outcome is Outcome.CANCELLED
        )
        return [
            Fault(source, 0, str(day), f"would cancel {count} of {self.standing_by_date[day]} visits")
            for day, count in sorted(cancelled.items())
            if count * _SHARE > self.standing_by_date[day]
        ]

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
        found = await fetch_tuples(self.conn, Q[statement], **arguments)
        standing = [Planned(visit_of(row), is_settled(row)) for row in found]
        return {planned.visit.ref: planned for planned in standing}


def _dwelling(estate: Estate, package: Package) -> Dwelling:
    return estate.dwellings[estate.residents[package.resident_id].dwelling_id]
