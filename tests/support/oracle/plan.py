"""Which visits are planned, and when each counts, is late and is missed (domain/visits.md §1, §2, §6.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from tests.support.oracle.model import Dwelling, Row, Tier, World

DAY = timedelta(days=1)
BEYOND = 5 * DAY
UNSET = datetime(1, 1, 1, tzinfo=UTC)


@dataclass
class Visit:
    """A dated expectation with its times in UTC."""

    ref: str
    package: str
    resident: str
    dwelling: str
    provider: str
    tier: str
    rules: Tier
    date: date
    start: datetime
    end: datetime
    slots: int
    named: list[str]
    roster_cancelled: bool
    changed_at: datetime | None
    suspended: bool
    reported: bool = True
    cancelled: bool = False
    changed_late: bool = False
    counts_from: datetime = UNSET
    late_at: datetime = UNSET
    missed_at: datetime = UNSET
    latest: datetime = UNSET

    @property
    def planned(self) -> bool:
        """Neither cancelled nor suspended."""
        return not self.cancelled and not self.suspended

    @property
    def length(self) -> timedelta:
        """How long it should take."""
        return self.end - self.start


def on_the_wall(day: date, clock: time, zone: ZoneInfo) -> tuple[datetime, bool]:
    """The instant of a wall time, and whether it had to be moved because it does not exist that day."""
    written = datetime.combine(day, clock)
    # With fold 0 a time that exists twice is the first; one that does not exist is read with the offset
    # before the change, which lands it after the change, moved by the gap.
    instant = written.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return instant, instant.astimezone(zone).replace(tzinfo=None) != written


def is_suspended(world: World, resident: str, start: datetime) -> bool:
    """Whether a suspension covers the start."""
    return any(
        item.resident == resident and item.since <= start and (item.until is None or start < item.until)
        for item in world.suspensions
    )


def from_row(world: World, row: Row) -> Visit:
    """The visit of a roster row; start and end resolved each alone, unless the start was moved."""
    package = world.packages[row.package]
    dwelling = world.dwellings[world.residents[package.resident].dwelling]
    end_day = row.date if row.end > row.start else row.date + DAY
    start, moved = on_the_wall(row.date, row.start, dwelling.zone)
    if moved:
        end = start + (datetime.combine(end_day, row.end) - datetime.combine(row.date, row.start))
    else:
        end, _ = on_the_wall(end_day, row.end, dwelling.zone)
    return Visit(
        row.ref,
        row.package,
        package.resident,
        dwelling.id,
        package.provider,
        row.tier,
        world.policy.of(row.tier, row.package),
        row.date,
        start,
        end,
        row.slots,
        row.carers,
        row.cancelled,
        row.changed_at,
        is_suspended(world, package.resident, start),
    )


def occurrences(world: World) -> list[Visit]:
    """Every occurrence that no roster row replaces.

    Those up to the local date of `until` are reported. Some days more are made, because what is planned for
    tomorrow says until when an arrival still counts for today.
    """
    visits: list[Visit] = []
    for package in world.packages.values():
        dwelling = world.dwellings[world.residents[package.resident].dwelling]
        last = world.until.astimezone(dwelling.zone).date()
        for again in package.visits:
            first = datetime.combine(again.since, time())
            rule = rrulestr(again.rrule, dtstart=first)
            for found in rule.between(first, datetime.combine(last + BEYOND, time()), inc=True):
                ref = f"{package.id}/{again.id}/{found.date().isoformat()}"
                if ref in world.rows:
                    continue
                start, _ = on_the_wall(found.date(), again.start, dwelling.zone)
                visits.append(
                    Visit(
                        ref,
                        package.id,
                        package.resident,
                        dwelling.id,
                        package.provider,
                        package.tier,
                        world.policy.of(package.tier, package.id),
                        found.date(),
                        start,
                        start + timedelta(minutes=again.minutes),
                        again.carers,
                        [],
                        False,
                        None,
                        is_suspended(world, package.resident, start),
                        reported=found.date() <= last,
                    )
                )
    return visits


def day_begins(world: World, dwelling: Dwelling, around: datetime) -> list[datetime]:
    """Every beginning of a service day near a moment, in order."""
    middle = around.astimezone(dwelling.zone).date()
    return [
        on_the_wall(middle + DAY * offset, world.policy.day_begins, dwelling.zone)[0]
        for offset in range(-3, 4)
    ]


def set_windows(world: World, visit: Visit, following: Visit | None) -> None:
    """When a visit counts from, is late, is missed and counts until, given the next planned one."""
    dwelling = world.dwellings[visit.dwelling]
    if visit.tier == "flexible":
        begins = day_begins(world, dwelling, visit.start)
        visit.counts_from = max(moment for moment in begins if moment <= visit.start)
        day_ends, _ = on_the_wall(visit.date, world.policy.day_ends, dwelling.zone)
        visit.missed_at = max(day_ends, visit.end)
    else:
        visit.counts_from = visit.start - visit.rules.counts_from
        visit.missed_at = visit.start + visit.rules.missed_after
    if following is not None:
        visit.missed_at = min(visit.missed_at, following.start)
    if visit.tier == "flexible":
        visit.late_at = visit.missed_at
    else:
        visit.late_at = min(visit.start + visit.rules.late_after, visit.missed_at)
    after = max(visit.end, visit.missed_at)
    next_day = min(moment for moment in day_begins(world, dwelling, after) if moment > after)
    if following is not None and following.start < next_day:
        visit.latest = min(max(visit.missed_at, following.counts_from), following.start)
    else:
        visit.latest = next_day


def plan(world: World) -> list[Visit]:
    """All visits in order of start and reference, each with its windows.

    A visit's windows need the next planned visit, and whether that one is cancelled needs its own windows:
    so the latest is settled first.
    """
    visits = [from_row(world, row) for row in world.rows.values()] + occurrences(world)
    for visit in sorted(visits, key=lambda item: item.start, reverse=True):
        later = [
            other
            for other in visits
            if other.package == visit.package and other.start > visit.start and other.planned
        ]
        following = min(later, key=lambda other: (other.start, other.counts_from), default=None)
        set_windows(world, visit, following)
        visit.changed_late = visit.changed_at is not None and visit.changed_at > visit.late_at
        visit.cancelled = visit.roster_cancelled and not visit.changed_late
    return sorted(visits, key=lambda item: (item.start, item.ref))
