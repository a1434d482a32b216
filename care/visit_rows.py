"""Visits as rows: read into nouns, written in bulk as they are planned."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from psycopg.rows import TupleRow

from care.estate_store import Q
from care.model import Plan, Source, Tier, Visit
from care.notation import parse_wall
from db.pool import Connection, execute, fetch_tuples

_CHUNK = 2_000  # rows in one statement: some 600 kB of JSON


# Asking an enumeration for its member by value costs several times as much, five times for each visit.
_TIERS = {tier.value: tier for tier in Tier}
_PLANS = {plan.value: plan for plan in Plan}
_SOURCES = {source.value: source for source in Source}


def visit_of(row: TupleRow) -> Visit:
    """The plan of a visit from its row; every statement names the same columns in the same order."""
    ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, *planned = row
    start_at, end_at, start_wall, end_wall, shifted, carers_required, carers, *changed = planned
    plan, plan_reason, changed_at, source, _ = changed
    return Visit(
        ref,
        package_id,
        resident_id,
        dwelling_id,
        provider_id,
        _TIERS[tier],
        service_date,
        start_at,
        end_at,
        parse_wall(start_wall),
        parse_wall(end_wall) if end_wall else None,
        shifted,
        carers_required,
        tuple(carers),
        _PLANS[plan],
        plan_reason,
        changed_at,
        _SOURCES[source],
    )


def is_settled(row: TupleRow) -> bool:
    """Whether the verdict of the visit in this row changes no more by itself."""
    return bool(row[-1])


async def visits_around(
    conn: Connection, residents: Sequence[str], froms: Sequence[datetime], untils: Sequence[datetime]
) -> Mapping[str, list[TupleRow]]:
    """The rows of visits that touch a time of each resident, by resident."""
    found: defaultdict[str, list[TupleRow]] = defaultdict(list)
    wanted = {"residents": list(residents), "froms": list(froms), "untils": list(untils)}
    for row in await fetch_tuples(conn, Q["visits_around"], **wanted):
        found[row[_RESIDENT]].append(row)
    return found


_RESIDENT = 2


async def merge_visits(conn: Connection, planned: Sequence[tuple[Visit, datetime]]) -> None:
    """Makes and changes visits; each comes with the moment at which it is to be judged next."""
    for rows in _chunks(planned):
        await execute(conn, Q["merge_visits"], rows=rows)


async def add_visits(conn: Connection, planned: Sequence[tuple[Visit, datetime]]) -> int:
    """Makes those visits that are not there yet, and returns how many that were."""
    return sum([await execute(conn, Q["add_visits"], rows=rows) for rows in _chunks(planned)])


def _chunks(planned: Sequence[tuple[Visit, datetime]]) -> Iterable[str]:
    for first in range(0, len(planned), _CHUNK):
        yield json.dumps([_row(visit, check) for visit, check in planned[first : first + _CHUNK]])


def _row(visit: Visit, next_check_at: datetime) -> dict[str, object]:
    return {
        "ref": visit.ref,
        "package_id": visit.package_id,
        "resident_id": visit.resident_id,
        "dwelling_id": visit.dwelling_id,
        "provider_id": visit.provider_id,
        "tier": visit.tier.value,
        "service_date": visit.service_date.isoformat(),
        "start_wall": f"{visit.start_wall:%H:%M}",
        "end_wall": f"{visit.end_wall:%H:%M}" if visit.end_wall else None,
        "start_at": visit.start_at.isoformat(),
        "end_at": visit.end_at.isoformat(),
        "shifted": visit.shifted,
        "carers_required": visit.carers_required,
        "carers": visit.carers,
        "plan": visit.plan.value,
        "plan_reason": visit.plan_reason,
        "changed_at": visit.changed_at.isoformat() if visit.changed_at else None,
        "source": visit.source.value,
        "next_check_at": next_check_at.isoformat(),
    }
