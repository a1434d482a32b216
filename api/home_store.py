"""Residents, events and hubs as the API shows them; read under row security like `api.store`."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from api import hub_model, model
from api.masking import without_pins
from api.paging import cut, decode, encode
from db.pool import Connection, fetch_all, fetch_one
from db.sql import Queries

_EVENTS = Queries("api", "events.sql")
_HUBS = Queries("api", "hubs.sql")
_VISITS = Queries("api", "visits.sql")

Row = Mapping[str, Any]

GAPS_SHOWN = 50
COMMANDS_SHOWN = 50


async def find_resident(conn: Connection, resident: str) -> tuple[model.PersonOut, str] | None:
    """A resident and the id of their dwelling; None when they are not the caller's to see."""
    row = await fetch_one(conn, _VISITS["resident"], resident=resident)
    return None if row is None else (model.PersonOut(id=row["id"], name=row["name"]), row["dwelling_id"])


async def find_dwelling(conn: Connection, dwelling: str) -> model.DwellingOut | None:
    """Where it is; None when it is not the caller's to see."""
    row = await fetch_one(conn, _VISITS["dwelling"], dwelling=dwelling)
    return None if row is None else model.DwellingOut(**row)


async def contact_sheet(conn: Connection, resident: str) -> dict[str, Any]:
    """How to speak to a resident and whom to ring; empty when it is not the caller's to see, or not kept."""
    row = await fetch_one(conn, _VISITS["contact_sheet"], resident=resident)
    return row["details"] if row else {}


async def list_events(
    conn: Connection,
    *,
    since: datetime,
    until: datetime,
    dwelling: str | None = None,
    hub: str | None = None,
    kind: str | None = None,
    cursor: str | None = None,
    limit: int,
) -> model.EventPage:
    """Events received in [since, until), the last received first."""
    before_at, before_hub, before_id = decode(cursor, datetime, str, str)
    rows = await fetch_all(
        conn,
        _EVENTS["list_events"],
        since=since,
        until=until,
        dwelling=dwelling,
        hub=hub,
        type=kind,
        before_at=before_at,
        before_hub=before_hub,
        before_id=before_id,
        limit=limit + 1,
    )
    page, last = cut(rows, limit)
    return model.EventPage(
        items=[_event(row) for row in page],
        next=encode(last["received_at"], last["hub_id"], last["id"]) if last else None,
    )


async def home_events(conn: Connection, dwelling: str, until: datetime, limit: int) -> list[model.EventOut]:
    """Events of one dwelling up to `until` by their effective time, the latest first, no heartbeats."""
    rows = await fetch_all(conn, _EVENTS["home_events"], dwelling=dwelling, until=until, limit=limit)
    return [_event(row) for row in rows]


def _event(row: Row) -> model.EventOut:
    return model.EventOut(
        hub=row["hub_id"],
        id=row["id"],
        type=row["type"],
        at=row["at"],
        effective_at=row["effective_at"],
        received_at=row["received_at"],
        clock_suspect=row["clock_suspect"],
        dwelling=row["dwelling_id"],
        device=row["device"],
        seq=row["seq"],
        boot=row["boot"],
        carer=(
            model.PersonOut(id=row["carer_id"], name=row["carer_name"])
            if row["carer_id"] is not None
            else None
        ),
        data=without_pins(row["data"]),
    )


async def list_hubs(conn: Connection, *, cursor: str | None = None, limit: int) -> hub_model.HubPage:
    """Hubs by id."""
    (after,) = decode(cursor, str)
    rows = await fetch_all(conn, _HUBS["list_hubs"], hub=None, after=after, limit=limit + 1)
    page, last = cut(rows, limit)
    return hub_model.HubPage(
        items=[hub_model.HubOut(**_hub(row)) for row in page], next=encode(last["id"]) if last else None
    )


async def hub_detail(conn: Connection, hub: str) -> hub_model.HubDetail | None:
    """A hub with what belongs to it; None when it is not the caller's to see."""
    row = await fetch_one(conn, _HUBS["list_hubs"], hub=hub, after=None, limit=1)
    if row is None:
        return None
    devices = await fetch_all(conn, _HUBS["hub_devices"], hub=hub)
    gaps = await fetch_all(conn, _HUBS["hub_gaps"], hub=hub, limit=GAPS_SHOWN)
    missing = await fetch_all(conn, _HUBS["hub_missing"], hub=hub)
    commands = await fetch_all(conn, _HUBS["hub_commands"], hub=hub, limit=COMMANDS_SHOWN)
    return hub_model.HubDetail(
        **_hub(row),
        status=row["status"],
        status_at=row["status_at"],
        first_heard_at=row["first_heard_at"],
        devices=[hub_model.DeviceOut(**device) for device in devices],
        clock_offset_s=row["clock_offset_s"],
        boot=row["boot"],
        last_seq=row["last_seq"],
        missing=[hub_model.MissingOut(**one) for one in missing],
        gaps=[hub_model.GapOut(**gap) for gap in gaps],
        commands=[hub_model.CommandOut(**command) for command in commands],
    )


def _hub(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "dwelling": row["dwelling_id"],
        "scheme": row["scheme"],
        "heartbeat_every": iso_duration(row["heartbeat_every"]),
        "online": row["online"],
        "last_heard_at": row["last_heard_at"],
        "queued": row["queued"],
        "enrolled": row["enrolled_at"] is not None and row["revoked_at"] is None,
        "revoked_at": row["revoked_at"],
        "adapter": row["adapter"],
    }


def iso_duration(span: timedelta) -> str:
    """A duration as contract §3 writes it: PT10M, PT1H30M, PT0S."""
    seconds = int(span.total_seconds())
    hours, minutes, seconds = seconds // 3600, seconds % 3600 // 60, seconds % 60
    parts = [f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if number]
    return "PT" + ("".join(parts) or "0S")


async def insert_command(
    conn: Connection,
    *,
    command: str,
    hub: str,
    kind: str,
    data: dict[str, Any],
    by: str,
    now: datetime,
    expires: datetime,
) -> hub_model.CommandOut:
    """Asks for a command to be sent to a hub."""
    row = await fetch_one(
        conn,
        _HUBS["insert_command"],
        id=command,
        hub=hub,
        type=kind,
        data=Jsonb(data),
        now=now,
        expires=expires,
        by=by,
    )
    assert row is not None
    return hub_model.CommandOut(**row)
