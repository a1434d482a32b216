"""Typed functions over `queries.sql`: rows in, rows out, no policy, in the caller's transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from alerts.faults import Fault
from alerts.model import Duty, DutyState, Priority, Role
from alerts.reach import EVERYWHERE, Reachable, Staff, channels_of
from alerts.rota_record import hours_from_json, rota_from_json
from db.feed import News as News
from db.feed import append_all
from db.pool import Connection, execute, fetch_all, fetch_one
from db.sql import Queries

Q = Queries("alerts")

add_feed = append_all  # beside the other writers, under the name that they go by here


def _plain(value: object) -> str:
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return f"{value.total_seconds():f} seconds"
    raise TypeError(f"no column takes a {type(value).__name__}")


def _dumps(value: object) -> str:
    return json.dumps(value, default=_plain)


def as_rows(rows: Iterable[Mapping[str, Any]]) -> Jsonb:
    """Rows for a statement that reads them with jsonb_to_recordset."""
    return Jsonb(list(rows), dumps=_dumps)


def row_of(item: Any) -> dict[str, Any]:
    """A dataclass as a row. Not `asdict`: its deep copies were most of a sweep's time."""
    return {name: getattr(item, name) for name in item.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class HubHome:
    """Where a hub stands; several residents and centres where a home or a scheme has them."""

    hub_id: str
    dwelling_id: str | None
    scheme: str | None
    residents: tuple[str, ...]
    centres: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class History:
    """One line of an alert's history. `at` is when it became true."""

    alert_id: int
    duty_id: int | None
    at: datetime
    what: str
    actor: str = "threshold"
    detail: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message to one contact, written where it was decided: by `channel`, and if that fails by those of
    `failover` in order."""

    alert_id: int
    duty_id: int
    organisation_id: str
    contact_id: int
    channel: str
    purpose: str
    step: int
    priority: int
    idempotency_key: str
    message: Mapping[str, Any]
    failover: tuple[str, ...] = ()
    corrects: int | None = None


_DUTY_FIELDS = tuple(field.name for field in fields(Duty))


def duty_from(row: DictRow) -> Duty:
    """A duty from its row."""
    values = {name: row[name] for name in _DUTY_FIELDS}
    values |= {
        "role": Role(row["role"]),
        "state": DutyState(row["state"]),
        "priority": Priority(row["priority"]),
    }
    return Duty(**values)


def fault_from(row: DictRow) -> Fault:
    """A fault from its row."""
    return Fault(**{field.name: row[field.name] for field in fields(Fault)})


async def homes_of(conn: Connection, hubs: Iterable[str]) -> dict[str, HubHome]:
    """Where each known hub stands."""
    rows = await fetch_all(conn, Q["homes_of_hubs"], hubs=sorted(set(hubs)))
    return {
        row["hub_id"]: HubHome(
            row["hub_id"], row["dwelling_id"], row["scheme"], tuple(row["residents"]), tuple(row["centres"])
        )
        for row in rows
    }


async def all_centres(conn: Connection) -> list[str]:
    """Every monitoring centre."""
    return [row["id"] for row in await fetch_all(conn, Q["all_centres"])]


CHANNEL_LASTS = timedelta(hours=24)
"""So long a channel counts as in service after a delivery role last announced it: a restart is no loss."""


async def contacts_of(conn: Connection, organisations: Iterable[str], now: datetime) -> dict[str, Staff]:
    """Whom each organisation has, and its rota; an organisation without any contact has nobody."""
    wanted = sorted(set(organisations))
    if not wanted:
        return {}
    in_service = EVERYWHERE | await channels_in_service(conn, now)
    found: dict[str, list[Reachable]] = {organisation: [] for organisation in wanted}
    for row in await fetch_all(conn, Q["contacts_of"], organisations=wanted):
        found[row["organisation_id"]].append(_reachable(row, in_service))
    plans = {row["id"]: row for row in await fetch_all(conn, Q["rotas_of"], organisations=wanted)}
    return {name: _staff(plans[name], tuple(found[name])) for name in wanted}


async def channels_in_service(conn: Connection, now: datetime) -> frozenset[str]:
    """The channels that some delivery role has said it can send by."""
    rows = await fetch_all(conn, Q["channels_in_service"], since=now - CHANNEL_LASTS)
    return frozenset(row["channel"] for row in rows)


async def announce_channels(conn: Connection, channels: Iterable[str], now: datetime) -> None:
    """Says which channels this delivery role can send by; steps count contacts by them."""
    await execute(conn, Q["announce_channels"], channels=sorted(channels), now=now)


def _reachable(row: DictRow, in_service: frozenset[str]) -> Reachable:
    channels = channels_of(
        row["email"],
        row["webhook_url"],
        webhook_disabled=row["webhook_disabled"],
        phone=row["phone"],
        push_url=row["push_url"],
        order=row["channels"],
        in_service=in_service,
    )
    return Reachable(
        row["id"],
        row["organisation_id"],
        row["name"],
        row["on_call"],
        channels,
        hours_from_json(row["quiet"]) if row["quiet"] else None,
        row["fallback"],
    )


def _staff(row: DictRow, contacts: tuple[Reachable, ...]) -> Staff:
    rota = rota_from_json(row["plan"]) if row["plan"] else None
    return Staff(contacts, rota, row["time_zone"] or "UTC")


async def open_duties(conn: Connection, duties: Sequence[Duty]) -> list[Duty]:
    """Opens those duties that do not exist yet, and returns them with their numbers."""
    if not duties:
        return []
    rows = await fetch_all(conn, Q["open_duties"], rows=as_rows(row_of(duty) for duty in duties))
    by_party = {(duty.alert_id, duty.organisation_id, duty.role): duty for duty in duties}
    opened = []
    for row in rows:
        duty = by_party[(row["alert_id"], row["organisation_id"], Role(row["role"]))]
        opened.append(Duty(**{**{name: getattr(duty, name) for name in _DUTY_FIELDS}, "id": row["id"]}))
    return opened


async def save_duties(conn: Connection, duties: Sequence[Duty]) -> None:
    """Writes duties as they stand now."""
    if duties:
        await execute(conn, Q["save_duties"], rows=as_rows(row_of(duty) for duty in duties))


async def save_faults(conn: Connection, faults: Sequence[Fault]) -> None:
    """Writes faults as they stand now."""
    if faults:
        await execute(conn, Q["save_faults"], rows=as_rows(row_of(fault) for fault in faults))


async def lock_duty(conn: Connection, duty_id: int) -> Duty | None:
    """One duty, locked; None when there is none of this number."""
    row = await fetch_one(conn, Q["lock_duty"], id=duty_id)
    return duty_from(row) if row else None


async def add_history(conn: Connection, lines: Sequence[History], now: datetime) -> None:
    """Writes history."""
    if lines:
        rows = ({**row_of(line), "detail": line.detail or {}} for line in lines)
        await execute(conn, Q["add_history"], rows=as_rows(rows), now=now)


async def add_deliveries(conn: Connection, messages: Sequence[OutboxRow], now: datetime) -> None:
    """Puts messages into the outbox, due at once."""
    if messages:
        await execute(conn, Q["add_deliveries"], rows=as_rows(row_of(row) for row in messages), now=now)
