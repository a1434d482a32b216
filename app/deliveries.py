"""`threshold deliveries list` and `replay`: messages to contacts that reached nobody, and sending them
again."""

import asyncio
import getpass
from typing import Annotated, Any

import msgspec
import typer
from psycopg import AsyncConnection
from rich.console import Console
from rich.table import Table

from alerts import dead_letters
from app.clock import system_clock
from app.errors import Fault
from app.settings import load_settings
from db.pool import connection_arguments

cli = typer.Typer(name="deliveries", help="Messages that reached nobody.", no_args_is_help=True)
WIDE = 240
"""Columns of the list."""
MOST_REPLAYED = 10_000
"""Messages of one call without a number: more than that is no replay but a second outage."""


@cli.callback()
def group() -> None:
    """Messages that reached nobody."""


@cli.command("list")
def list_(
    context: typer.Context,
    organisation: Annotated[str | None, typer.Option(help="Only those of this organisation.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most lines, newest first.")] = 200,
) -> None:
    """Shows dead messages and why nobody took them. Their words and addresses are not shown."""
    rows = asyncio.run(_list(load_settings(context.obj).database, organisation, limit))
    if as_json:
        for row in rows:
            typer.echo(msgspec.json.encode(row).decode())
        return
    if not rows:
        typer.echo("every message has reached somebody, or is still being tried")
        return
    table = Table(
        *("id", "alert", "kind", "organisation", "contact", "channel", "since", "tries", "wanted", "reason"),
        box=None,
        pad_edge=False,
    )
    for row in rows:
        table.add_row(
            str(row["id"]),
            str(row["alert_id"]),
            row["kind"],
            row["organisation_id"],
            row["contact"] or "-",
            row["channel"],
            f"{row['created_at']:%Y-%m-%d %H:%M:%S}Z",
            str(row["attempts"]),
            "yes" if row["wanted"] else "no",
            row["last_error"] or "-",
        )
    # Not folded: a line is read, cut and searched as a line.
    Console(width=WIDE, soft_wrap=True, highlight=False, markup=False).print(table)


@cli.command()
def replay(
    context: typer.Context,
    ids: Annotated[
        list[int] | None, typer.Option("--id", help="Only this one (repeatable); else all that are wanted.")
    ] = None,
) -> None:
    """Sends dead messages again, from each contact's first channel on.

    What nobody waits for any more stays dead: its duty was answered, or its alert stood down.
    """
    sent, refused = asyncio.run(_replay(load_settings(context.obj).database, ids))
    for reason in refused:
        typer.echo(reason, err=True)
    typer.echo(f"in the outbox again: {sent}")
    if ids and refused:
        raise typer.Exit(1)


async def _list(url: str, organisation: str | None, limit: int) -> list[dict[str, Any]]:
    async with await AsyncConnection.connect(url, **connection_arguments("deliveries")) as conn:
        return await dead_letters.list_dead(conn, limit, organisation)


async def _replay(url: str, ids: list[int] | None) -> tuple[int, list[str]]:
    sent, refused = 0, []
    async with await AsyncConnection.connect(
        url, autocommit=True, **connection_arguments("deliveries")
    ) as conn:
        if ids is None:
            rows = await dead_letters.list_dead(conn, MOST_REPLAYED)
            ids = [row["id"] for row in reversed(rows) if row["wanted"]]
        for number in ids:
            async with conn.transaction():  # each by itself: one that cannot be sent again stops no other
                found = await dead_letters.replay(conn, number, _who(), system_clock())
            if found is None:
                refused.append(f"there is no message {number}")
            elif found.sent_again:
                sent += 1
            else:
                refused.append(found.reason)
    return sent, refused


def _who() -> str:
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError) as error:
        raise Fault(f"who runs this cannot be found out: {error}") from None
