"""SIGKILL of intake, broker and database while homes speak: nothing lost or doubled, no false receipt."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.embedded import EmbeddedPostgres
from device_sim.ledger import Ledger, read_ledger
from tests.acceptance.kill_scene import HOMES, Scene, kill_scene, until
from tests.acceptance.kills import RECEIPTS_WITHIN, run
from tests.support.mosquitto import GATEWAY
from tests.support.processes import ServerProcess


@pytest.fixture
async def scene(durable_postgres: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[Scene]:
    """Everything but the intake stands, and all of it ends with the test."""
    async with kill_scene(durable_postgres, tmp_path) as scene:
        yield scene


@pytest.mark.timeout(600)
async def test_kills_in_turn_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """3,000 events and 240 presses through three deaths: stored once, truly receipted, an alert a pendant.

    The long form, twenty deaths and 50,000 events, is `python -m tests.acceptance.kills`.
    """
    outcome = await run(tmp_path, kills=3, events=3_000)
    assert outcome.said == outcome.committed == 3_000 + 240
    assert outcome.is_clean, outcome


async def test_the_same_kill_catches_an_intake_that_promises_too_early(scene: Scene, tmp_path: Path) -> None:
    """An intake that acknowledges and receipts what it has only heard loses events here, and is seen to."""
    naive = [sys.executable, "-m", "tests.acceptance.naive_intake", scene.database_url, scene.broker.url]
    scene.intake = ServerProcess([*naive, GATEWAY, scene.broker.passwords[GATEWAY]], tmp_path / "naive.log")
    await asyncio.to_thread(scene.start_intake)
    book = tmp_path / "ledger.jsonl"
    with Ledger(book) as ledger:
        async with scene.fleet(ledger) as fleet:
            talking = asyncio.create_task(fleet.talk(per_second=200, seconds=10, device="panel-1"))
            await until(lambda: bool(scene.lies(book)), talking)
            await asyncio.to_thread(scene.intake.kill)
            await asyncio.to_thread(scene.start_intake)
            await talking
            await fleet.all_receipted(RECEIPTS_WITHIN)
    scene.intake.stop()
    assert scene.lies(book)


async def test_either_of_two_active_copies_may_be_killed(scene: Scene, tmp_path: Path) -> None:
    """Two copies share the homes' messages; each is killed in turn, and every event is stored once.

    What Mosquitto goes on handing to the dead one, it keeps for its return, and the homes send it again.
    """
    copies = [_sharing(scene, tmp_path, name) for name in "ab"]
    book = tmp_path / "ledger.jsonl"
    lies = 0
    try:
        for copy in copies:
            await asyncio.to_thread(_start, copy)
        with Ledger(book) as ledger:
            async with scene.fleet(ledger) as fleet:
                talking = asyncio.create_task(fleet.talk(per_second=200, seconds=8, device="panel-1"))
                for enough, copy in zip((400, 900), copies, strict=True):
                    await until(lambda enough=enough: scene.number() >= enough, talking)  # type: ignore[misc]
                    await asyncio.gather(*(home.presses("pendant-1", 1) for home in fleet))
                    copy.kill()
                    lies += len(await asyncio.to_thread(scene.lies, book))
                    await asyncio.to_thread(_start, copy)
                await talking
                await fleet.all_receipted(RECEIPTS_WITHIN)
    finally:
        for copy in copies:
            copy.stop()
    told = read_ledger(book)
    committed = scene.committed()
    assert (lies, set(told.said) - set(committed), set(told.stored) - set(committed)) == (0, set(), set())
    assert set(committed.values()) == {1}
    assert len(committed) == len(told.said) == 200 * 8 + 2 * HOMES
    assert len(scene.query("SELECT DISTINCT hub_id FROM alert WHERE kind = 'alarm.pendant'")) == HOMES


def _sharing(scene: Scene, directory: Path, name: str) -> ServerProcess:
    """One of several active copies, with a client id of its own."""
    own = ["THRESHOLD_MQTT__SHARED_GROUP=intake", f"THRESHOLD_MQTT__CLIENT_ID={GATEWAY}-{name}"]
    return ServerProcess(["/usr/bin/env", *own, *scene.intake.command], directory / f"{name}.log")


def _start(copy: ServerProcess) -> None:
    """Starts it; it is there when it listens again."""
    before = _connections(copy)
    copy.start(lambda: _connections(copy) > before, within=90)


def _connections(copy: ServerProcess) -> int:
    return copy.log.read_text().count("connected to the broker") if copy.log.exists() else 0
