"""The rolling horizon: visits of recurrences exist eight weeks ahead (domain/visits.md §8)."""

from datetime import date, datetime

from care import metrics
from care.estate_store import Q, grouped, package_of, suspension_of
from care.loading import first_look, suspensions_by_resident
from care.model import Dwelling, Visit
from care.planning import occurrences
from care.replanning import last_date
from care.visit_rows import add_visits
from care.walltime import DAY, local_date
from db.pool import Connection, Pool, execute, fetch_all

BATCH = 200
"""Packages extended in one transaction."""


async def extend_horizon(pool: Pool, now: datetime, *, batch: int = BATCH) -> int:
    """Makes what is missing of the next eight weeks for a batch of packages, and returns how many those were.

    Days before yesterday stay without: nobody was listening then. What a roster has said stands.
    """
    async with pool.connection() as conn, conn.transaction():
        await execute(conn, Q["serialise_loading"])
        until = last_date(now)
        behind = await fetch_all(conn, Q["recurrences_to_extend"], until=until, limit=batch)
        names = [row["id"] for row in behind]
        if not names:
            return 0
        planned = await _missing(conn, names, until, now)
        away = suspensions_by_resident(
            suspension_of(row) for row in await fetch_all(conn, Q["suspensions_of_packages"], packages=names)
        )
        made = await add_visits(conn, [(visit, first_look(visit, away, now)) for visit in planned])
        await execute(conn, Q["extend_recurrences"], packages=names, until=until)
        metrics.EXTENDED.inc(made)
    return len(names)


async def _missing(conn: Connection, names: list[str], until: date, now: datetime) -> list[Visit]:
    recurrences = grouped(await fetch_all(conn, Q["recurrences_of"], packages=names), "package_id")
    planned: list[Visit] = []
    for row in await fetch_all(conn, Q["packages_to_plan"], ids=names):
        dwelling = Dwelling(row["dwelling_id"], row["address"], row["time_zone"])
        yesterday = local_date(now, dwelling.time_zone) - DAY
        done = [each["planned_until"] for each in recurrences[row["id"]] if each["planned_until"] is not None]
        first = max(min(done) + DAY, yesterday) if done else yesterday
        made = occurrences(package_of(row, recurrences[row["id"]]), dwelling, first, until)
        planned += [visit for visit in made if visit.end_at > now]
    return planned
