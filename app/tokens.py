"""`threshold token create`: makes an API token and prints it, once."""

import asyncio
from typing import Annotated

import typer
from psycopg import AsyncConnection

from api.tokens import TokenRefused, create_token
from app.clock import system_clock
from app.errors import Fault
from app.settings import load_settings
from db.pool import Connection, connection_arguments

cli = typer.Typer(name="token", help="API tokens.", no_args_is_help=True)


@cli.callback()
def group() -> None:
    """API tokens."""


@cli.command()
def create(
    context: typer.Context,
    organisation: Annotated[str, typer.Option("--organisation", help="The organisation's id.")],
    role: Annotated[
        str,
        typer.Option(
            "--role",
            help="operator, care_manager, housing_officer, commissioner, engineer or administrator.",
        ),
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="Who will use it; shown beside what they do.")
    ] = None,
) -> None:
    """Prints a new API token once; it is also an access key to the console."""
    url = load_settings(context.obj).database
    typer.echo(asyncio.run(_create(url, organisation, role, name)))


async def _create(url: str, organisation: str, role: str, name: str | None) -> str:
    conn: Connection
    async with await AsyncConnection.connect(url, **connection_arguments("token")) as conn:
        try:
            return await create_token(conn, organisation, role, name, system_clock())
        except TokenRefused as refused:
            raise Fault(str(refused)) from None
