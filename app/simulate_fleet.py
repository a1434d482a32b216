"""`threshold sim --homes N …`: a whole world lived over a broker, on the terminal or as JSON lines."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from app.clock import system_clock
from app.errors import Fault
from app.logs import configure_logs
from app.settings import LogSettings, load_settings
from app.simulate import broker_named, passwords_in
from app.simulate_load import allow_files
from app.simulate_options import BrokerUrl, CaFile, FaultShares, Headless, Passwords, Sizes, Within
from app.simulate_view import Looks
from app.simulate_world import faults_of, show, world_of
from care.notation import parse_instant
from device_sim.clock import HurriedClock
from device_sim.ledger import Ledger
from device_sim.world.files import write_files
from device_sim.world.living import Living
from device_sim.world.people import ZONE
from device_sim.world.truth import write_truth


def live(
    context: typer.Context,
    homes: Annotated[int, typer.Option(help="How many homes.")],
    out: Annotated[Path, typer.Option(help="The folder for truth.jsonl, ledger.jsonl and the rest.")] = Path(
        ".threshold/sim"
    ),
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
    shows: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="What the homes' clock showed then; left out, the truth."),
    ] = None,
    broker: BrokerUrl = None,
    passwords: Passwords = None,
    ca_file: CaFile = None,
    within: Within = 60.0,
    fault: FaultShares = None,
    sizes: Sizes = None,
    embedded: Annotated[
        Path | None,
        typer.Option(help="Bring the whole service along, on the homes' clock, kept in this new folder."),
    ] = None,
    operators: Annotated[
        int, typer.Option(min=0, max=100, help="With --embedded: simulated operators who answer alarms.")
    ] = 2,
    headless: Headless = False,
) -> None:
    """Lives a world in its homes over a broker, and writes down what really happened."""
    settings = load_settings(context.obj)
    configure_logs(LogSettings(level="warning", format=settings.log.format))
    wrong, known = faults_of(fault), passwords_in(passwords)
    allow_files(homes)
    first = system_clock().astimezone(ZONE).date().isoformat() if begin is None else begin
    world = world_of(seed, homes, days, first, sizes or [])
    start = _instant(shows, "--shows")
    if embedded is not None:
        _refuse_used(embedded)
        start = start or world.truth.world.begin
    began = _instant(since, "--since")
    end = _instant(until, "--until") or world.truth.world.until

    def clock_from(since: datetime | None) -> HurriedClock:
        clock = HurriedClock(system_clock, speed, since, start)
        if end <= clock.now():
            raise Fault(f"that world ended at {end:%Y-%m-%d %H:%M} UTC; name a later day with --begin")
        return clock

    async def lived() -> None:
        async with AsyncExitStack() as stack:
            if embedded is None:
                url, clock = broker or settings.broker, clock_from(began or system_clock())
            else:
                # The whole service is imported where it is wanted, and nowhere else.
                from app.embedded.postgres import free_port
                from app.embedded.servers import embedded_servers
                from app.simulate_service import service_beside

                servers = embedded_servers(embedded, free_port())
                database_url, url = await stack.enter_async_context(servers)
                clock = clock_from(began)  # as long as all gets ready it stands: no visit passes unseen
                beside = await stack.enter_async_context(
                    service_beside(database_url, url, world, out, clock, operators, context.obj)
                )
            where = broker_named(url, settings.mqtt.root, ca_file)
            ledger = stack.enter_context(Ledger(out / "ledger.jsonl"))
            living = Living(world, where, clock, passwords=known, ledger=ledger, faults=wrong)
            try:
                await stack.enter_async_context(_switched_on(living, within))
                clock.start()
                await _lived(living, clock, end, headless, out / "truth.jsonl")
            except TimeoutError as error:
                raise Fault(f"{where}: {error}") from None
            if embedded is not None:
                found = await beside.judged(living.truth(), out / "ledger.jsonl", out / "report.json")
                show(living.truth(), found)

    try:
        write_files(world, out)
        if (
            embedded is not None
        ):  # the ledger of another time would speak of events that this service never had
            (out / "ledger.jsonl").unlink(missing_ok=True)
        asyncio.run(lived())
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except OSError as error:
        raise Fault(f"{error.filename or out}: {error.strerror or error}") from None


def _refuse_used(folder: Path) -> None:
    """A simulated time needs a database that knows of no other."""
    if folder.exists() and any(folder.iterdir()):
        raise Fault(f"{folder} is not empty: name a new folder, to which no other time has left anything")


def _instant(text: str | None, option: str) -> datetime | None:
    try:
        return None if text is None else parse_instant(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


@asynccontextmanager
async def _switched_on(living: Living, within: float) -> AsyncIterator[None]:
    """The fleet, connected while the block runs."""
    try:
        await living.fleet.switch_on(within)
        yield
    finally:
        await living.fleet.switch_off()


async def _lived(living: Living, clock: HurriedClock, end: datetime, headless: bool, truth: Path) -> None:
    looks = Looks(living.fleet, clock.now, end, lambda: living.done)
    try:
        await looks.watch(living.run(end), headless=headless)
    finally:
        write_truth(living.truth(), truth)
