"""`threshold sim report`: what a live service concluded, in the shape in which a backtest says it."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from psycopg import AsyncConnection

from app.clock import clock_of
from app.errors import Fault
from app.settings import Settings, load_settings
from db.pool import Connection, connection_arguments, fetch_all
from db.sql import Queries
from device_sim.ledger import read_ledger
from device_sim.world.books import Books, compare

_Q = Queries("app", "simulation.sql")


def write_report(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="Where the report is written, as JSON.")],
    ledger: Annotated[
        Path | None, typer.Option(help="The homes' ledger: every event in it must be stored once.")
    ] = None,
) -> None:
    """Reads from the database what was concluded, for `threshold sim score`; checks a ledger beside it."""
    settings = load_settings(context.obj)
    report, stored = asyncio.run(_asked(settings, clock_of(settings.clock)()))
    books = None
    try:
        if ledger is not None:
            books = compare(read_ledger(ledger), stored)
        out.write_bytes(msgspec.json.encode(report | {"books": books}) + b"\n")
    except OSError as error:
        raise Fault(f"{error.filename}: {error.strerror}") from None
    except ValueError as error:
        raise Fault(str(error)) from None
    if books is None:
        return
    typer.echo(told(books))
    if not books.held:
        raise Fault("the ledger and the database do not agree")


def told(books: Books) -> str:
    """The comparison on a line, with the first of each that is wrong."""
    parts = [f"{books.said} events said"]
    for name in ("lost", "doubled", "phantom", "owed"):
        found: list[str] = getattr(books, name)
        parts.append(f"{name} {len(found)}" + (f" (such as {found[0]})" if found else ""))
    return ", ".join(parts)


async def _asked(settings: Settings, now: datetime) -> tuple[dict[str, Any], dict[tuple[str, str], int]]:
    conn: Connection
    async with await AsyncConnection.connect(settings.database, **connection_arguments("score")) as conn:
        return await concluded(conn, now)


async def concluded(conn: Connection, now: datetime) -> tuple[dict[str, Any], dict[tuple[str, str], int]]:
    """The report up to now, and how often each event is held, by hub and id."""
    report = {
        "until": now,
        "visits": await fetch_all(conn, _Q["visits_for_score"]),
        "alerts": await fetch_all(conn, _Q["alerts_for_score"]),
    }
    rows = await fetch_all(conn, _Q["stored_for_score"])
    return report, {(row["hub_id"], row["id"]): row["times"] for row in rows}
