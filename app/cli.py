"""The command line (contract §1). Exit status: 0 done, 1 a fault in the input or the world, 2 wrong usage.

Each command imports what it needs when it is called, so that `threshold --help` answers at once.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer
from psycopg import OperationalError

from app.errors import Fault
from app.settings import Settings, load_settings

cli = typer.Typer(
    name="threshold",
    help="Telecare and alarm monitoring for care at home.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
token = typer.Typer(name="token", help="API tokens.", no_args_is_help=True)
hub = typer.Typer(name="hub", help="Credentials of hubs.", no_args_is_help=True)
rejected = typer.Typer(name="rejected", help="Messages that could not be decoded.", no_args_is_help=True)
for group in (token, hub, rejected):
    cli.add_typer(group)

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="TOML file with settings; the environment wins over it.")
]


@cli.callback()
def settings_of(context: typer.Context, config: ConfigFile = None) -> None:
    """Telecare and alarm monitoring for care at home."""
    context.obj = config


def settings(context: typer.Context, **given: object) -> Settings:
    """The settings that this call of the command line works under. Raises Fault."""
    return load_settings(context.obj, **given)


def main() -> None:
    """Runs a command; faults become one clear line each on stderr, never a traceback."""
    try:
        cli(prog_name="threshold")
    except Fault as fault:
        typer.echo(str(fault), err=True)
        sys.exit(1)
    except OperationalError as error:
        typer.echo(f"the database does not answer: {str(error).strip().splitlines()[-1]}", err=True)
        sys.exit(1)
