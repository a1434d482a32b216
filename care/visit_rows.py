"""Visits as rows: read into nouns, written in bulk as they are planned."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from psycopg.rows import DictRow

from care.estate_store import Q
from care.model import Plan, Source, Tier, Visit
from care.notation import parse_wall
from db.pool import Connection, execute

_CHUNK = 2_000  # rows in one statement: some 600 kB of JSON


# Asking an enumeration for its member by value costs several times as much, five times for each visit.
_TIERS = {tier.value: tier for tier in Tier}
_PLANS = {plan.value: plan for plan in Plan}
_SOURCES = {source.value: source for source in Source}


def visit_of(row: DictRow) -> Visit:
    """The plan of a visit from its row; what was concluded of it is left aside."""
    return Visit(
        ref=row["ref"],
        package_id=row["package_id"],
        resident_id=row["resident_id"],
        dwelling_id=row["dwelling_id"],
        provider_id=row["provider_id"],
        tier=_TIERS[row["tier"]],
        service_date=row["service_date"],
        start_at=row["start_at"],
        end_at=row["end_at"],
        start_wall=parse_wall(row["start_wall"]),
        end_wall=parse_wall(row["end_wall"]) if row["end_wall"] else None,
        shifted=row["shifted"],
        carers_required=row["carers_required"],
        carers=tuple(row["carers"]),
        plan=_PLANS[row["plan"]],
        plan_reason=row["plan_reason"],
        changed_at=row["changed_at"],
        source=_SOURCES[row["source"]],
    )


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
