"""The command line (contract §1). Exit status: 0 done, 1 a fault in the input or the world, 2 wrong usage."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from psycopg import OperationalError

from app.clock import clock_of, system_clock
from app.errors import Fault
from app.logs import configure_logs
from app.role import Role
from app.settings import Settings, load_settings

cli = typer.Typer(
    name="threshold",
    help="Telecare and alarm monitoring for care at home.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="TOML file with settings; the environment wins over it.")
]


@cli.callback()
def _remember_config(context: typer.Context, config: ConfigFile = None) -> None:
    """Telecare and alarm monitoring for care at home."""
    context.obj = config


@cli.command()
def run(
    context: typer.Context,
    roles: Annotated[list[Role] | None, typer.Argument(help="Roles to run here; none: all.")] = None,
    embedded: Annotated[
        Path | None, typer.Option(help="Bring a database and a broker along, kept in this folder.")
    ] = None,
    mqtt_port: Annotated[int, typer.Option(help="Port of the embedded broker.")] = 18470,
) -> None:
    """Runs the service until it is told to stop."""
    from app.embedded.servers import embedded_servers
    from app.memory import collect_seldom
    from app.service import Service

    async def serve(stop: asyncio.Event) -> None:
        if embedded is None:
            if settings.clock.is_simulated:
                raise Fault("another clock (clock.speed, clock.shows) is for simulations: use --embedded DIR")
            await Service(settings, wanted, system_clock).run(stop)
            return
        async with embedded_servers(embedded, mqtt_port) as (database_url, mqtt_url):
            own = load_settings(context.obj, database_url=database_url, mqtt_url=mqtt_url)
            await Service(own, wanted, clock_of(own.clock)).run(stop)

    settings = _settings(context)
    wanted = roles or list(Role)
    collect_seldom()
    _until_stopped(serve)


@cli.command()
def demo(
    directory: Annotated[Path, typer.Option(help="Where everything is kept between starts.")] = Path(
        ".threshold/demo"
    ),
    port: Annotated[int, typer.Option(help="Port of the console and the API.")] = 8470,
    mqtt_port: Annotated[int, typer.Option(help="Port of the embedded broker.")] = 18470,
) -> None:
    """Runs everything with a demonstration estate and simulated homes: what `make run` calls."""
    from app.demo.run import Ports, run_demo

    _until_stopped(lambda stop: run_demo(directory, Ports(port, mqtt_port), system_clock, typer.echo, stop))


@cli.command()
def migrate(context: typer.Context) -> None:
    """Brings the schema to its head; safe to run twice at once."""
    from db.migrate import MigrationError
    from db.migrate import migrate as bring_to_head

    try:
        migrated = asyncio.run(bring_to_head(_settings(context).database))
    except MigrationError as error:
        raise Fault(str(error)) from None
    for file in migrated.applied:
        typer.echo(f"applied {file}")
    typer.echo(f"the schema is at its head ({migrated.edition})")


@cli.command()
def doctor(context: typer.Context) -> None:
    """Checks configuration, database, broker, clocks and contacts; one line for each fault."""
    from app.doctor import faults, notices

    async def examine() -> int:
        found = 0
        async for fault in faults(settings, system_clock):
            typer.echo(fault, err=True)
            found += 1
        for notice in await notices(settings):
            typer.echo(f"notice: {notice}")
        return found

    settings = _settings(context)
    if asyncio.run(examine()):
        raise typer.Exit(1)
    typer.echo("all is well")


def _register() -> None:
    """Commands that live in modules of their own."""
    from app import backtest, deliveries, hubs, load, rejected, simulation, tokens

    cli.command("load")(load.load)
    cli.command("backtest")(backtest.backtest)
    for module in (tokens, hubs, deliveries, rejected, simulation):
        cli.add_typer(module.cli)


def _settings(context: typer.Context) -> Settings:
    settings = load_settings(context.obj)
    configure_logs(settings.log)
    return settings


def _until_stopped(serve: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    """Runs until SIGINT or SIGTERM asks to stop; a second one ends at once."""

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def ask() -> None:
            if stop.is_set():
                sys.exit(130)
            stop.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ask)
        await serve(stop)

    if sys.platform == "win32":
        asyncio.run(main())
    else:
        import uvloop

        uvloop.run(main())


def main() -> None:
    """Runs a command; faults become one clear line each on stderr, never a traceback."""
    _register()
    try:
        cli(prog_name="threshold")
    except Fault as fault:
        typer.echo(str(fault), err=True)
        sys.exit(1)
    except OperationalError as error:
        typer.echo(f"the database does not answer: {str(error).strip().splitlines()[-1]}", err=True)
        sys.exit(1)
