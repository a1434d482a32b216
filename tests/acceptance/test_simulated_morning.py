"""A simulated morning lived over a real broker into a real database, on a hurried clock, and scored."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from app.clock import system_clock
from app.load import apply_files
from app.role import Role
from app.service import Service
from app.settings import load_settings
from app.simulate_report import concluded, told
from db.pool import Connection, connection_arguments
from device_sim.clock import HurriedClock
from device_sim.ledger import Ledger, read_ledger
from device_sim.wire import broker_from_url
from device_sim.world.books import compare
from device_sim.world.files import estate_text, roster_text
from device_sim.world.living import Living
from device_sim.world.magnitudes import Magnitudes
from device_sim.world.score import Report, score
from device_sim.world.world import make_world
from tests.support.mosquitto import Mosquitto
from tests.support.processes import free_port
from tests.support.smtp import Mailbox

BEGIN = datetime(2026, 11, 2, 6, 10, tzinfo=UTC)
END = datetime(2026, 11, 2, 9, 10, tzinfo=UTC)
SPEED = 180.0
"""Three hours in a minute."""
PATIENCE = 30
"""Looks, a second apart, at what has been concluded."""
ROUGH = Magnitudes(forgotten=0.15, outages=0.3, calls_a_year=800)
"""More goes wrong than usually, so that a short morning has some of everything."""


@pytest.mark.timeout(240)
async def test_a_morning_of_80_homes_holds_what_was_promised(
    database_url: str, open_mosquitto: Mosquitto, mailbox: Mailbox, tmp_path: Path
) -> None:
    """Nothing lost or doubled, no receipt that lied, every real miss raised, no false one unexplained."""
    world = make_world(21, 80, 1, sizes=ROUGH)
    (tmp_path / "estate.yaml").write_text(estate_text(world))
    (tmp_path / "roster.csv").write_text(roster_text(world))
    settings = load_settings(
        database_url=database_url,
        mqtt_url=open_mosquitto.url,
        api={"port": free_port(), "secure_cookies": False},
        smtp={"host": mailbox.host, "port": mailbox.port, "security": "none"},
        sweep={"care": 0.2, "alerts": 0.5, "deliver": 0.5},
    )
    clock = HurriedClock(system_clock, SPEED, system_clock(), BEGIN)
    await apply_files(settings, tmp_path / "estate.yaml", [tmp_path / "roster.csv"], clock.now())
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        ledger = stack.enter_context(Ledger(tmp_path / "ledger.jsonl"))
        service = Service(settings, [Role.INGEST, Role.CARE, Role.ALERTS], clock.now)
        running = asyncio.create_task(service.run(stop))
        stack.push_async_callback(_ended, running, stop)
        await asyncio.wait(
            {running, asyncio.create_task(service.ready.wait())}, return_when="FIRST_COMPLETED"
        )
        assert service.ready.is_set(), running
        living = Living(world, broker_from_url(open_mosquitto.url), clock, ledger=ledger)
        await stack.enter_async_context(living.fleet)
        await living.run(END, receipts_within=90)
        async with await Connection.connect(database_url, **connection_arguments("score")) as conn:
            for _ in range(PATIENCE):
                # What falls due at the end is seen by a later round; how much later is the machine's affair.
                report, stored = await concluded(conn, END)
                await conn.commit()
                if score(living.truth(), msgspec.convert(report, Report)).held:
                    break
                await asyncio.sleep(1)
    books = compare(read_ledger(tmp_path / "ledger.jsonl"), stored)
    assert books.held, told(books)
    found = score(living.truth(), msgspec.convert(report, Report))
    assert found.faults == []
    assert found.visits >= 15
    assert len(found.found_after_s) >= 3
    assert found.table["made"]["nothing raised"] > 10

    assert len(found.calls) >= 3


async def _ended(running: "asyncio.Task[None]", stop: asyncio.Event) -> None:
    stop.set()
    await running
