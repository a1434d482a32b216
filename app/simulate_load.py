"""`threshold sim --homes N --rate R`: many homes that talk at a steady rate, and measure their receipts."""

import asyncio
import resource
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from app.clock import system_clock
from app.errors import Fault
from app.logs import configure_logs
from app.settings import LogSettings, load_settings
from app.simulate import broker_named, estate_in, passwords_in
from app.simulate_options import BrokerUrl, CaFile, Headless, Passwords, Within
from app.simulate_view import Looks
from device_sim.clock import RealClock
from device_sim.fleet import Fleet
from device_sim.spec import HEARTBEAT_EVERY, HomeSpec
from device_sim.wire import Broker
from device_sim.world.people import DEVICES

FILES_OF_A_HOME = 1
"""Its connection."""
FILES_OF_OURS = 500
"""What the program needs besides."""
KEEPALIVE = 300
"""Seconds. What homes say keeps their lines alive anyhow; idle ones then cost next to nothing."""
RECEIPTS_WITHIN = 60.0
"""Seconds after the end in which everything said must have its receipt."""


def load(
    context: typer.Context,
    homes: Annotated[int, typer.Option(min=1, max=50_000, help="How many homes.")],
    rate: Annotated[float, typer.Option(min=0.0, help="Ordinary events a second, over all homes.")],
    presses: Annotated[float, typer.Option(min=0.0, help="Presses of a pendant a second, over all.")] = 1.0,
    seconds: Annotated[float, typer.Option(min=1.0, help="For how long.")] = 60.0,
    estate: Annotated[
        Path | None, typer.Option(help="The estate whose first hubs they are; else hub-0001, hub-0002 …")
    ] = None,
    broker: BrokerUrl = None,
    passwords: Passwords = None,
    ca_file: CaFile = None,
    within: Within = 300.0,
    headless: Headless = False,
) -> None:
    """Loads a platform with many homes that talk at a steady rate, and measures their receipts."""
    settings = load_settings(context.obj)
    configure_logs(LogSettings(level="warning", format=settings.log.format))
    where = broker_named(broker or settings.broker, settings.mqtt.root, ca_file)
    known = passwords_in(passwords)
    hubs = [f"hub-{number:04d}" for number in range(1, homes + 1)]
    if estate is not None:
        hubs = list(estate_in(estate, [])[0].hubs)[:homes]
        if len(hubs) < homes:
            raise Fault(f"{estate}: has {len(hubs)} hubs, and {homes} homes are wanted")
    specs = [HomeSpec(hub, DEVICES, password=known.get(hub)) for hub in hubs]
    allow_files(homes)
    try:
        asyncio.run(_loaded(specs, where, rate, presses, seconds, within, headless))
    except TimeoutError as error:
        raise Fault(f"{where}: {error}") from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def allow_files(homes: int) -> None:
    """Lets this process open as many files as so many homes need. Raises Fault when it may not."""
    wanted = homes * FILES_OF_A_HOME + FILES_OF_OURS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise Fault(f"{homes} homes need {wanted} open files, and {hard} are allowed: raise `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _loaded(
    specs: list[HomeSpec],
    broker: Broker,
    rate: float,
    presses: float,
    seconds: float,
    within: float,
    headless: bool,
) -> None:
    clock = RealClock(system_clock)
    fleet = Fleet(specs, broker, clock, keepalive=KEEPALIVE)
    try:
        began = clock.monotonic()
        await fleet.switch_on(within)
        typer.echo(f"{len(fleet)} homes connected in {clock.monotonic() - began:.1f} s", err=True)

        async def talking() -> None:
            beating = asyncio.create_task(fleet.beat(HEARTBEAT_EVERY))
            try:
                await asyncio.gather(
                    fleet.talk(per_second=rate, seconds=seconds),
                    fleet.talk(
                        per_second=presses, seconds=seconds, event_type="alarm.pendant", device="pendant-1"
                    ),
                )
            finally:
                beating.cancel()
            await fleet.all_receipted(RECEIPTS_WITHIN)

        end = clock.now() + timedelta(seconds=seconds)
        looks = Looks(fleet, clock.now, end)
        await looks.watch(talking(), headless=headless)
    finally:
        await fleet.switch_off()
