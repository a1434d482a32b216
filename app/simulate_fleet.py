"""`threshold sim --homes N …`: a whole world lived over a broker, on the terminal or as JSON lines."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from app.clock import system_clock
from app.errors import Fault
from app.logs import configure_logs
from app.settings import LogSettings, load_settings
from app.simulate import broker_named, passwords_in
from app.simulate_world import world_of
from care.notation import parse_instant
from device_sim.clock import HurriedClock
from device_sim.ledger import Ledger
from device_sim.world.living import Living
from device_sim.world.people import ZONE
from device_sim.world.truth import write_truth

LOOK_EVERY = 1.0
"""Seconds between two looks at the fleet."""


def live(
    context: typer.Context,
    homes: Annotated[int, typer.Option(help="How many homes.")],
    out: Annotated[Path, typer.Option(help="The folder for truth.jsonl and ledger.jsonl.")],
    seed: Annotated[int, typer.Option(help="Which world; as `threshold sim world` wrote its estate.")] = 1,
    days: Annotated[int, typer.Option(help="For how many days.")] = 7,
    begin: Annotated[
        str | None, typer.Option(metavar="DATE", help="The world's first day; left out, today.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="When to stop; left out, the end of the world.")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=1.0, max=1000.0, help="How many times faster time passes in the homes.")
    ] = 1.0,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Since when it passes faster; left out, from now on.")
    ] = None,
    broker: Annotated[
        str | None, typer.Option(help="mqtt://host:port or mqtts://host:port; else the setting mqtt_url.")
    ] = None,
    passwords: Annotated[
        Path | None, typer.Option(help="File with a line HUB:PASSWORD for each hub.")
    ] = None,
    ca_file: Annotated[Path | None, typer.Option("--ca", help="Certificate authority for mqtts.")] = None,
    within: Annotated[
        float, typer.Option(min=0.1, help="Seconds in which every home must be connected.")
    ] = 60.0,
    headless: Annotated[bool, typer.Option("--headless", help="Print JSON lines and no picture.")] = False,
) -> None:
    """Lives a world in its homes over a broker, and writes down what really happened."""
    settings = load_settings(context.obj)
    configure_logs(LogSettings(level="warning", format=settings.log.format))
    where = broker_named(broker or settings.broker, settings.mqtt.root, ca_file)
    now = system_clock()
    clock = HurriedClock(system_clock, speed, now if since is None else _instant(since, "--since"))
    first = clock.now().astimezone(ZONE).date().isoformat() if begin is None else begin
    world = world_of(seed, homes, days, first)
    end = world.truth.world.until if until is None else _instant(until, "--until")
    if end <= clock.now():
        raise Fault(f"that world ended at {end:%Y-%m-%d %H:%M} UTC; name a later day with --begin")
    known = passwords_in(passwords)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with Ledger(out / "ledger.jsonl") as ledger:
            # Homes are made where they live: they ask the loop for the time as soon as they exist.
            make = partial(Living, world, where, clock, passwords=known, ledger=ledger)
            asyncio.run(_lived(make, clock, end, within, headless, out / "truth.jsonl"))
    except TimeoutError as error:
        raise Fault(f"{where}: {error}") from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except OSError as error:
        raise Fault(f"{error.filename or out}: {error.strerror or error}") from None


def _instant(text: str, option: str) -> datetime:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


async def _lived(
    make: Callable[[], Living], clock: HurriedClock, end: datetime, within: float, headless: bool, truth: Path
) -> None:
    living = make()
    try:
        await living.fleet.switch_on(within)
        begin = clock.now()
        try:
            if headless:
                await _watched(living, end, lambda: typer.echo(_line(living, clock)))
                typer.echo(_line(living, clock))
                return
            with Live(console=Console(stderr=True), auto_refresh=False) as picture:

                def show() -> None:
                    picture.update(view(state(living, clock), begin, end), refresh=True)

                await _watched(living, end, show)
                show()
        finally:
            write_truth(living.truth(), truth)
    finally:
        await living.fleet.switch_off()


def _line(living: Living, clock: HurriedClock) -> str:
    return msgspec.json.encode(state(living, clock)).decode()


async def _watched(living: Living, end: datetime, show: Callable[[], None]) -> None:
    """Live the world, showing it every second."""
    running = asyncio.create_task(living.run(end))
    try:
        while not running.done():
            show()
            await asyncio.wait({running}, timeout=LOOK_EVERY)
    finally:
        running.cancel()
    await running


def state(living: Living, clock: HurriedClock) -> dict[str, Any]:
    """How the fleet stands, for a line of JSON or the picture."""
    tally = living.fleet.tally()
    return {"now": clock.now(), "happened": living.done} | {
        name: getattr(tally, name) for name in tally.__dataclass_fields__
    }


def view(now: dict[str, Any], begin: datetime, end: datetime) -> Group:
    """The picture: a table of counts and latencies over a bar of simulated time."""
    table = Table(show_header=False, box=None)
    moment: datetime = now["now"]
    table.add_row("simulated time", f"{moment.astimezone(ZONE):%a %Y-%m-%d %H:%M:%S}")
    table.add_row("homes connected", f"{now['connected']} of {now['homes']}")
    table.add_row("happened", f"{now['happened']}")
    table.add_row("receipted", f"{now['stored']} stored, {now['rejected']} rejected, {now['in_store']} owed")
    table.add_row("said again", f"{now['sent_again']}")
    latency = (
        "none yet"
        if now["p50"] is None
        else ", ".join(f"{name} {now[name] * 1000:.1f} ms" for name in ("p50", "p99", "worst"))
    )
    table.add_row("to receipt", latency)
    share = min(1.0, max(0.0, (moment - begin) / (end - begin)))
    return Group(table, ProgressBar(total=1.0, completed=share, width=60))
