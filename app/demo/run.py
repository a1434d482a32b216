"""`threshold demo`: database, broker, mailbox, estate, service and homes, until Ctrl-C."""

import asyncio
import contextlib
import json
import os
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from api.tokens import caller_of_token, create_token
from app.clock import Clock
from app.demo.estate import HEARTBEAT, SIGN_INS, DemoHome, estate_yaml, homes
from app.demo.mail import Mailbox
from app.demo.plan import PlannedVisit, ordinary_rounds, policy_toml, roster_csv, story_start, story_visits
from app.demo.story import Say, Story, until
from app.embedded.servers import embedded_servers
from app.load import apply_files
from app.logs import configure_logs
from app.role import Role
from app.service import Service
from app.settings import Settings, load_settings
from db.pool import Connection, connection_arguments
from device_sim.clock import RealClock
from device_sim.fleet import Fleet
from device_sim.spec import DeviceSpec, HomeSpec
from device_sim.wire import broker_from_url

AHEAD = timedelta(minutes=60)
"""How far the rounds are planned ahead: what nobody visits after Ctrl-C is missed at the next start."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the demonstration listens, all on 127.0.0.1."""

    console: int
    broker: int


async def run_demo(directory: Path, ports: Ports, clock: Clock, say: Say, stop: asyncio.Event) -> None:
    """Runs the demonstration until `stop`; everything it keeps is below `directory`. Raises Fault."""
    say("starting the database, the broker and the service …")
    async with AsyncExitStack() as stack:
        database_url, mqtt_url = await stack.enter_async_context(embedded_servers(directory, ports.broker))
        mailbox = Mailbox(directory / "letters", clock)
        smtp_port = await mailbox.start()
        stack.push_async_callback(mailbox.stop)
        settings = _settings(directory, database_url, mqtt_url, smtp_port, ports)
        configure_logs(settings.log)

        start = story_start(clock())
        await _load(directory, settings, clock, story_visits(start))
        keys = await _access_keys(directory, settings, clock)
        service = Service(settings, list(Role), clock, letters=mailbox.letters)
        serving = asyncio.create_task(service.run(stop), name="service")
        stack.push_async_callback(_end, serving, stop)
        await _first_of(service.ready.wait(), serving)
        if stop.is_set():
            return

        fleet = Fleet([_spec(home) for home in homes()], broker_from_url(mqtt_url), RealClock(clock))
        await stack.enter_async_context(fleet)
        for home in fleet:
            await home.heartbeats()
        say(_welcome(settings, directory, keys))
        living = asyncio.create_task(_live(fleet, directory, settings, clock, say, start), name="homes")
        stack.push_async_callback(_end, living, None)
        await _first_of(stop.wait(), serving, living)


def _settings(directory: Path, database_url: str, mqtt_url: str, smtp_port: int, ports: Ports) -> Settings:
    policy = directory / "policy.toml"
    policy.write_text(policy_toml(), encoding="utf-8")
    return load_settings(
        database_url=database_url,
        mqtt_url=mqtt_url,
        public_url=f"http://127.0.0.1:{ports.console}",
        policy=policy,
        api={"port": ports.console, "secure_cookies": False},
        smtp={
            "host": "127.0.0.1",
            "port": smtp_port,
            "security": "none",
            "sender": "Threshold <alerts@threshold.example>",
        },
        log={"level": "warning"},
    )


async def _load(directory: Path, settings: Settings, clock: Clock, visits: list[PlannedVisit]) -> None:
    """Loads the estate and these visits through the same door as `threshold load`."""
    estate, roster = directory / "estate.yaml", directory / "roster.csv"
    estate.write_text(estate_yaml(), encoding="utf-8")
    roster.write_text(roster_csv(visits), encoding="utf-8")
    await apply_files(settings, estate, [roster], clock())


async def _access_keys(directory: Path, settings: Settings, clock: Clock) -> dict[str, str]:
    """Access keys by person; those of an earlier start are kept as long as the database knows them."""
    kept = directory / "sign-ins.json"
    keys: dict[str, str] = {}
    if kept.exists():
        with contextlib.suppress(ValueError):
            keys = json.loads(kept.read_text(encoding="utf-8"))
    async with await Connection.connect(settings.database, **connection_arguments("demo")) as conn:
        for organisation, role, name in SIGN_INS:
            if name not in keys or await caller_of_token(conn, keys[name], clock()) is None:
                keys[name] = await create_token(conn, organisation, role, name, clock())
    descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(keys, file, indent=2)
    return keys


def _welcome(settings: Settings, directory: Path, keys: dict[str, str]) -> str:
    roles = {name: f"{role.replace('_', ' ')} at {organisation}" for organisation, role, name in SIGN_INS}
    width = max(map(len, roles.values()))
    return "\n".join(
        [
            "",
            f"  Threshold is running: {settings.public_url}",
            "",
            "  Sign in with one of these access keys:",
            *(f"    {role:<{width}}  {keys[name]}  ({name})" for name, role in roles.items()),
            "",
            f"  Letters to contacts: {settings.public_url}/letters (signed in). Data is kept in {directory}.",
            "  Ctrl-C stops everything. Watch the next two minutes:",
            "",
        ]
    )


def _spec(home: DemoHome) -> HomeSpec:
    return HomeSpec(
        hub=home.hub,
        devices=(
            DeviceSpec("pendant-1", "pendant"),
            DeviceSpec("cord-1", "pull_cord"),
            DeviceSpec("smoke-1", "smoke_detector"),
            DeviceSpec("panel-1", "door_panel"),
        ),
        heartbeat_every=HEARTBEAT,
    )


async def _live(
    fleet: Fleet, directory: Path, settings: Settings, clock: Clock, say: Say, start: datetime
) -> None:
    """The story, and beside it ordinary life for as long as the demonstration runs."""

    def stamped(text: str) -> None:
        say(f"  {clock().astimezone():%H:%M:%S}  {text}")

    story = Story({home.number: fleet.home(home.hub) for home in homes()}, clock, stamped)
    async with asyncio.TaskGroup() as group:
        group.create_task(story.play(start, story_visits(start)))
        since = start
        while True:
            await _load(directory, settings, clock, ordinary_rounds(since, since + AHEAD))
            group.create_task(story.ordinary_life(since, since + AHEAD))
            since += AHEAD
            await until(since - AHEAD / 4, clock)


async def _first_of(*waited: Awaitable[object]) -> None:
    """Returns when the first of these is done; one that failed raises here."""
    tasks = [asyncio.ensure_future(one) for one in waited]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def _end(task: "asyncio.Task[None]", stop: asyncio.Event | None) -> None:
    """Ends a task, by asking where it listens to `stop`, else by cancelling it."""
    if stop is None:
        task.cancel()
    else:
        stop.set()
    with contextlib.suppress(asyncio.CancelledError):
        await task
