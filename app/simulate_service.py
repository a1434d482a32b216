"""The whole service beside simulated homes, on their clock, with a database and a broker of its own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from api.tokens import create_token
from app.errors import Fault
from app.load import apply_files
from app.role import Role
from app.service import Service
from app.settings import Settings, load_settings
from app.simulate_operators import answer
from app.simulate_report import concluded
from db.pool import Connection, connection_arguments
from device_sim.clock import HurriedClock
from device_sim.ledger import read_ledger
from device_sim.world.books import compare
from device_sim.world.people import CENTRE
from device_sim.world.score import Report, Score, score
from device_sim.world.truth import Truth
from device_sim.world.world import World

ROLES = (Role.INGEST, Role.CARE, Role.ALERTS, Role.API)
"""All but the deliveries: nobody is to be reached at a made-up address."""

LOOK_EVERY = 0.5
"""Seconds between two looks at what was concluded."""
PATIENCE = 90.0
"""Seconds in which what fell due at the end must be seen: on a clock that hurries sweeps lag behind."""


@dataclass(frozen=True, slots=True)
class Beside:
    """The service that runs."""

    settings: Settings
    operators: int

    async def judged(self, truth: Truth, ledger: Path, out: Path) -> Score:
        """How what the service concluded is to be judged. The report is written to `out`."""
        loop = asyncio.get_running_loop()
        over = loop.time() + PATIENCE
        async with await Connection.connect(self.settings.database, **connection_arguments("score")) as conn:
            while True:
                report, stored = await concluded(conn, truth.world.until)
                await conn.rollback()
                books = compare(read_ledger(ledger), stored)
                found = score(truth, msgspec.structs.replace(msgspec.convert(report, Report), books=books))
                if (found.held and self._all_answered(found)) or loop.time() > over:
                    break
                await asyncio.sleep(LOOK_EVERY)
        await asyncio.to_thread(out.write_bytes, msgspec.json.encode(report | {"books": books}) + b"\n")
        return found

    def _all_answered(self, found: Score) -> bool:
        came = [call for call in found.calls if call.received_at is not None]
        return not self.operators or all(call.answered_after_s is not None for call in came)


@asynccontextmanager
async def service_beside(
    database_url: str,
    mqtt_url: str,
    world: World,
    files: Path,
    clock: HurriedClock,
    operators: int,
    config: Path | None,
) -> AsyncIterator[Beside]:
    """Runs while the block does, with the estate and the roster of a folder loaded. Raises Fault."""
    async with AsyncExitStack() as stack:
        settings = load_settings(
            config,
            database_url=database_url,
            mqtt_url=mqtt_url,
            api={"port": 0, "secure_cookies": False},
            clock={"speed": clock.speed},
            log={"level": "warning"},
        )
        await apply_files(settings, files / "estate.yaml", [files / "roster.csv"], clock.now())
        stop = asyncio.Event()
        service = Service(settings, ROLES, clock.now)
        running = asyncio.create_task(service.run(stop), name="service")
        stack.push_async_callback(_ended, running, stop)
        ready = asyncio.create_task(service.ready.wait())
        await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
        if service.address is None or not service.ready.is_set():
            ready.cancel()
            await running
            raise Fault("the service ended before it was ready")
        tokens = await _tokens(database_url, operators, clock.now())
        answering = asyncio.create_task(
            answer(service.address, tokens, clock, world.truth.world.seed), name="operators"
        )
        stack.push_async_callback(_cancelled, answering)
        yield Beside(settings, operators)


async def _tokens(database_url: str, operators: int, now: datetime) -> list[str]:
    """A token for each operator."""
    async with await Connection.connect(database_url, **connection_arguments("simulation")) as conn:
        return [
            await create_token(conn, CENTRE, "operator", f"Operator {number}", now)
            for number in range(1, operators + 1)
        ]


async def _ended(running: "asyncio.Task[None]", stop: asyncio.Event) -> None:
    stop.set()
    await running


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
