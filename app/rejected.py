"""`threshold rejected list` and `replay`: what could not be accepted, and trying it again."""

import asyncio
from typing import Annotated, Any

import msgspec
import typer
from psycopg import AsyncConnection
from rich.console import Console
from rich.table import Table

from app.clock import system_clock
from app.settings import load_settings
from db.pool import Connection, connection_arguments
from gateway.topics import Topics
from ingest import replay as replaying
from ingest import store

cli = typer.Typer(name="rejected", help="Messages that could not be accepted.", no_args_is_help=True)


@cli.callback()
def group() -> None:
    """Messages that could not be accepted."""


@cli.command("list")
def list_(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Also what was taken in since.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most lines, newest first.")] = 200,
) -> None:
    """Shows what was kept as rejected, and why. Contents are not shown: they may hold PINs."""
    url = load_settings(context.obj).database
    rows = asyncio.run(_list(url, everything, limit))
    if as_json:
        for row in rows:
            typer.echo(msgspec.json.encode(row).decode())
        return
    if not rows:
        typer.echo("nothing is kept as rejected")
        return
    table = Table(
        "id", "received", "seen", "hub", "event", "reason", "bytes", "last try", box=None, pad_edge=False
    )
    for row in rows:
        alarm = " (looks like an alarm)" if row["looks_like_alarm"] else ""
        table.add_row(
            str(row["id"]),
            f"{row['received_at']:%Y-%m-%d %H:%M:%S}Z",
            str(row["seen"]),
            _shown(row["hub_id"] or row["topic"]),
            _shown(row["event_id"] or "-"),
            row["reason"] + alarm,
            str(row["bytes"]),
            row["replay_result"] or "-",
        )
    Console(soft_wrap=True, highlight=False, markup=False).print(table)


@cli.command()
def replay(
    context: typer.Context,
    ids: Annotated[
        list[int] | None, typer.Option("--id", help="Only this one (repeatable); else all that are open.")
    ] = None,
) -> None:
    """Tries rejected messages again, as if they arrived now with the time at which they did.

    What the broker had kept (retained) is tried only when it is named: it may be years old.
    """
    settings = load_settings(context.obj)
    taken_in, refused = asyncio.run(replay_all(settings.database, Topics(settings.mqtt.root), ids))
    typer.echo(f"taken in: {taken_in}, rejected again: {refused}")


def _shown(text: str) -> str:
    """Text that a stranger sent, without what would move a terminal's cursor."""
    return text if text.isprintable() else ascii(text)


async def _list(url: str, everything: bool, limit: int) -> list[dict[str, Any]]:
    conn: Connection
    async with await AsyncConnection.connect(url, **connection_arguments("rejected")) as conn:
        return await store.list_rejected(conn, everything=everything, limit=limit)


async def replay_all(url: str, topics: Topics, ids: list[int] | None) -> tuple[int, int]:
    """Tries rejected rows again, those named or all open ones; how many were taken in, how many not."""
    taken_in = refused = after = 0
    conn: Connection
    async with await AsyncConnection.connect(
        url, autocommit=True, **connection_arguments("rejected")
    ) as conn:
        while True:
            async with conn.transaction():
                done = await replaying.replay_next(conn, topics, system_clock(), ids=ids, after=after)
            if done is None:
                break
            after = done.row_id
            taken_in += done.taken_in
            refused += not done.taken_in
    return taken_in, refused
