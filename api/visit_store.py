"""Visits as the API shows them; read under row security like `api.alert_store`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from api import alert_store, model
from api.paging import cut, decode, encode
from db.pool import Connection, fetch_all, fetch_one
from db.sql import Queries

_Q = Queries("api", "visits.sql")

Row = Mapping[str, Any]
Names = Mapping[str, str]
Hours = tuple[datetime, datetime]


async def list_visits(
    conn: Connection,
    *,
    on: date | None = None,
    state: str | None = None,
    package: str | None = None,
    cursor: str | None = None,
    limit: int,
) -> model.VisitPage:
    """Visits in order of their planned start."""
    after_at, after_ref = decode(cursor, datetime, str)
    rows = await fetch_all(
        conn,
        _Q["list_visits"],
        date=on,
        state=state,
        package=package,
        after_at=after_at,
        after_ref=after_ref,
        limit=limit + 1,
    )
    page, last = cut(rows, limit)
    return model.VisitPage(
        items=await _visits(conn, page),
        next=encode(last["start_at"], last["ref"]) if last else None,
    )


@dataclass(frozen=True, slots=True)
class Day:
    """The visits of a day to some of its residents, and figures of them all."""

    visits: list[model.VisitOut]
    counts: dict[str, int]
    residents: int


async def time_zones(conn: Connection) -> list[str]:
    """The zones in which the caller's dwellings lie."""
    return sorted(row["time_zone"] for row in await fetch_all(conn, _Q["time_zones"]))


async def visits_of_day(
    conn: Connection, hours: Mapping[str, Hours], *, first: Sequence[str], limit: int, skip: int = 0
) -> Day:
    """The visits that begin within `hours`, by time zone, the end of them excluded: `limit` residents after
    `skip`, those before others who have a visit in the foremost of the states `first`."""
    when: dict[str, Any] = {
        "zones": list(hours),
        "begins": [begins for begins, _ in hours.values()],
        "ends": [ends for _, ends in hours.values()],
        "since": min(begins for begins, _ in hours.values()),
        "until": max(ends for _, ends in hours.values()),
    }
    rows = await fetch_all(conn, _Q["day_visits"], **when, first=list(first), limit=limit, skip=skip)
    counts = await fetch_all(conn, _Q["day_counts"], **when)
    return Day(
        await _visits(conn, rows),
        {row["state"]: row["visits"] for row in counts if row["state"] is not None},
        next(row["residents"] for row in counts if row["state"] is None),
    )


async def find_suspension(conn: Connection, suspension: int) -> model.SuspensionOut | None:
    """A suspension; None when it is not the caller's to see."""
    row = await fetch_one(conn, _Q["suspension"], suspension=suspension)
    return None if row is None else _suspension(row)


async def suspensions(conn: Connection, resident: str, now: datetime) -> list[model.SuspensionOut]:
    """A resident's suspensions of now and later, by their beginning."""
    return [_suspension(row) for row in await fetch_all(conn, _Q["suspensions"], resident=resident, now=now)]


async def recent_visits(conn: Connection, resident: str, until: datetime, limit: int) -> list[model.VisitOut]:
    """A resident's visits that began up to `until`, the latest first."""
    rows = await fetch_all(conn, _Q["recent_visits"], resident=resident, until=until, limit=limit)
    return await _visits(conn, rows)


async def find_visit(conn: Connection, ref: str) -> model.VisitOut | None:
    """A visit; None when it is not the caller's to see."""
    rows = await fetch_all(conn, _Q["get_visit"], ref=ref)
    found = await _visits(conn, rows)
    return found[0] if found else None


async def visit_detail(conn: Connection, ref: str) -> model.VisitDetail | None:
    """A visit with evidence, versions of its verdict, adjustments and alerts; None when not to be seen."""
    visit = await find_visit(conn, ref)
    if visit is None:
        return None
    verdicts = await fetch_all(conn, _Q["visit_verdicts"], ref=ref)
    evidence = await fetch_all(conn, _Q["visit_evidence"], ref=ref)
    adjustments = await fetch_all(conn, _Q["visit_adjustments"], ref=ref)
    names = await _names(conn, (carer for row in verdicts for carer in row["carers"]))
    alerts = await alert_store.list_alerts(conn, visit=ref, limit=50)
    return model.VisitDetail(
        **dict(visit),
        verdicts=[model.VerdictOut(**{**row, "carers": _people(row["carers"], names)}) for row in verdicts],
        evidence=[_evidence(row) for row in evidence],
        adjustments=[
            model.AdjustmentOut(**{**row, "by": row["by_name"], "organisation": row["organisation_name"]})
            for row in adjustments
        ],
        alerts=alerts.items,
    )


async def _visits(conn: Connection, rows: Sequence[Row]) -> list[model.VisitOut]:
    wanted = (carer for row in rows for carer in (*row["carers"], *row["carers_seen"]))
    names = await _names(conn, wanted)
    return [_visit(row, names) for row in rows]


async def _names(conn: Connection, carers: Iterable[str]) -> Names:
    wanted = sorted(set(carers))
    if not wanted:
        return {}
    return {row["id"]: row["name"] for row in await fetch_all(conn, _Q["carers"], carers=wanted)}


def _people(carers: Iterable[str], names: Names) -> list[model.PersonOut]:
    return [model.PersonOut(id=carer, name=names.get(carer, carer)) for carer in carers]


def _visit(row: Row, names: Names) -> model.VisitOut:
    return model.VisitOut(
        ref=row["ref"],
        package=row["package_id"],
        resident=model.PersonOut(id=row["resident_id"], name=row["resident_name"]),
        dwelling=alert_store.dwelling_of(row, row["scheme"]),
        provider=model.OrganisationOut(id=row["provider_id"], name=row["provider_name"]),
        tier=row["tier"],
        service_date=row["service_date"],
        start=row["start_at"],
        end=row["end_at"],
        carers_required=row["carers_required"],
        carers=_people(row["carers"], names),
        plan=row["plan"],
        state=row["state"],
        attendance=row["attendance"],
        timeliness=row["timeliness"],
        duration=row["duration"],
        verification=row["verification"],
        arrived_at=row["arrived_at"],
        departed_at=row["departed_at"],
        carers_seen=_people(row["carers_seen"], names),
        reason=row["reason"],
        version=row["version"],
    )


def _suspension(row: Row) -> model.SuspensionOut:
    return model.SuspensionOut(
        id=row["id"],
        resident=row["resident_id"],
        from_at=row["from_at"],
        until_at=row["until_at"],
        reason=row["reason"],
        told_by=row["told_by"],
    )


def _evidence(row: Row) -> model.EvidenceOut:
    return model.EvidenceOut(
        hub=row["hub_id"],
        id=row["event_id"],
        type=row["type"],
        strength=row["strength"],
        carer=(
            model.PersonOut(id=row["carer_id"], name=row["carer_name"] or row["carer_id"])
            if row["carer_id"] is not None
            else None
        ),
        at=row["effective_at"],
        received_at=row["received_at"],
    )
