"""From packages and roster rows to dated visits (domain/visits.md §1 and §8, contract §4)."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

from care.model import Dwelling, Estate, Package, Recurrence, RosterRow, Source, Visit
from care.recurrence import dates
from care.walltime import DAY, FIRST_DATE, LAST_DATE, resolve


def occurrence_ref(package_id: str, recurrence_id: str, service_date: date) -> str:
    """`<package>/<visit id>/<service date>`: the ref of a recurrence's visit on that date (contract §4)."""
    return f"{package_id}/{recurrence_id}/{service_date.isoformat()}"


def occurrences(package: Package, dwelling: Dwelling, first: date, last: date) -> list[Visit]:
    """The visits that this package's recurrences make with service dates in [first, last].

    Raises ValueError for a rule that cannot be read; the estate file's reader has refused such rules before.
    """
    first, last = max(first, FIRST_DATE), min(last, LAST_DATE)
    made: list[Visit] = []
    for recurrence in package.recurrences:
        if recurrence.rrule is None or recurrence.from_date is None:
            continue
        days = dates(
            recurrence.rrule, recurrence.from_date, recurrence.start, dwelling.time_zone, first, last
        )
        made.extend(_occurrence(package, dwelling, recurrence, day) for day in days)
    return made


def _occurrence(package: Package, dwelling: Dwelling, recurrence: Recurrence, day: date) -> Visit:
    start, shifted = resolve(day, recurrence.start, dwelling.time_zone)
    return Visit(
        ref=occurrence_ref(package.id, recurrence.id, day),
        package_id=package.id,
        resident_id=package.resident_id,
        dwelling_id=dwelling.id,
        provider_id=package.provider_id,
        tier=package.tier,
        service_date=day,
        start_at=start,
        end_at=start + timedelta(minutes=recurrence.minutes),
        start_wall=recurrence.start,
        shifted=shifted,
        carers_required=recurrence.carers,
        source=Source.RECURRENCE,
    )


def visit_of_row(row: RosterRow, package: Package, dwelling: Dwelling) -> Visit:
    """The visit that a roster row says.

    Start and end are resolved each alone; when the start had to move, the end is the moved start plus the
    planned wall length, so that a visit inside the missing hour keeps its length.
    """
    end_day = row.service_date + DAY if row.end <= row.start else row.service_date
    start, shifted = resolve(row.service_date, row.start, dwelling.time_zone)
    if shifted:
        end = start + (datetime.combine(end_day, row.end) - datetime.combine(row.service_date, row.start))
    else:
        end, shifted_end = resolve(end_day, row.end, dwelling.time_zone)
        shifted = shifted_end
    return Visit(
        ref=row.visit_ref,
        package_id=package.id,
        resident_id=package.resident_id,
        dwelling_id=dwelling.id,
        provider_id=package.provider_id,
        tier=row.tier or package.tier,
        service_date=row.service_date,
        start_at=start,
        end_at=end,
        start_wall=row.start,
        end_wall=row.end,
        shifted=shifted,
        carers_required=row.carers_required,
        carers=row.carers,
        plan=row.plan,
        changed_at=None if row.changed_at is None else row.changed_at.astimezone(UTC),
        source=Source.ROSTER,
    )


def last_rows(rows: Iterable[RosterRow]) -> dict[str, RosterRow]:
    """The row that counts of each ref: the last one (contract §4)."""
    return {row.visit_ref: row for row in rows}


def plan(estate: Estate, rows: Mapping[str, RosterRow], last: Mapping[str, date]) -> list[Visit]:
    """Every roster row's visit and every occurrence up to a date, a row's ref replacing the occurrence's.

    `last` is the last service date of occurrences, by dwelling. Ordered by start, then ref.
    """
    visits: list[Visit] = []
    for package in estate.packages.values():
        dwelling = estate.dwellings[estate.residents[package.resident_id].dwelling_id]
        made = occurrences(package, dwelling, FIRST_DATE, last[dwelling.id])
        visits.extend(visit for visit in made if visit.ref not in rows)
    for row in rows.values():
        package = estate.packages[row.package_id]
        dwelling = estate.dwellings[estate.residents[package.resident_id].dwelling_id]
        visits.append(visit_of_row(row, package, dwelling))
    visits.sort(key=lambda visit: (visit.start_at, visit.ref))
    return visits
