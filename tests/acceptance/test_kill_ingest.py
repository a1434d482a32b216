"""SIGKILL of the intake while homes speak: nothing lost, nothing doubled, no receipt that lied."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from app.clock import system_clock
from app.embedded import EmbeddedPostgres
from db.migrate import migrate
from device_sim.clock import RealClock
from device_sim.fleet import Fleet
from device_sim.ledger import Ledger, read_ledger
from device_sim.spec import DeviceSpec, HomeSpec
from device_sim.wire import Broker
from tests.support.mosquitto import GATEWAY, Mosquitto
from tests.support.processes import ServerProcess

HOMES = 40
KILLS = (500, 2000, 4000, 6000, 8000)
"""The intake dies when so many events are committed."""
RECEIPTS_WITHIN = 240.0
"""Seconds after which a test gives up waiting for the last receipt; a busy machine may need many of them."""
CLOCK = RealClock(system_clock)

ESTATE = f"""
INSERT INTO organisation (id, kind, name) VALUES ('northgate', 'monitoring_centre', 'Northgate Lifeline');
INSERT INTO dwelling (id, address, time_zone)
    SELECT 'flat-' || n, 'Flat ' || n, 'Europe/London' FROM generate_series(1, {HOMES}) AS n;
INSERT INTO resident (id, dwelling_id, name, monitoring_centre_id)
    SELECT 'person-' || n, 'flat-' || n, 'Person ' || n, 'northgate' FROM generate_series(1, {HOMES}) AS n;
INSERT INTO hub (id, dwelling_id)
    SELECT 'hub-' || n, 'flat-' || n FROM generate_series(1, {HOMES}) AS n;
"""

Key = tuple[str, str]


@dataclass
class Scene:
    """A durable database, a broker as in production, and an intake in a process of its own."""

    database_url: str
    broker: Mosquitto
    intake: ServerProcess

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database_url) as conn:
            return conn.execute(sql.encode()).fetchall()

    def committed(self) -> Counter[Key]:
        """How often each event stands in the database."""
        return Counter((str(hub), str(id_)) for hub, id_ in self.query("SELECT hub_id, id FROM event"))

    def lies(self, ledger: Path) -> set[Key]:
        """What homes were promised and is not there: the ledger is read first, the database after."""
        promised = set(read_ledger(ledger).stored)
        return promised - set(self.committed())

    def start_intake(self) -> None:
        """Starts it; it is there when it listens."""
        before = self.query("SELECT beat_at FROM intake")
        self.intake.start(
            lambda: (
                self.query("SELECT beat_at FROM intake WHERE connected_at IS NOT NULL") not in ([], before)
            ),
            within=90,
        )

    def fleet(self, ledger: Ledger) -> Fleet:
        """All homes, each with its account and a pendant."""
        passwords = self.broker.enrol([f"hub-{number}" for number in range(1, HOMES + 1)])
        specs = [
            HomeSpec(hub, devices=(DeviceSpec("pendant-1", "pendant"),), password=password)
            for hub, password in passwords.items()
        ]
        return Fleet(specs, Broker("127.0.0.1", self.broker.port), CLOCK, ledger=ledger)


@pytest.fixture
async def scene(
    durable_postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Scene]:
    """Everything but the intake stands, and all of it ends with the test."""
    await migrate(durable_postgres.url)
    broker = Mosquitto(tmp_path / "mosquitto")
    broker.enrol([GATEWAY])
    intake = [str(Path(sys.executable).with_name("threshold")), "run", "ingest"]
    scene = Scene(durable_postgres.url, broker, ServerProcess(intake, tmp_path / "intake.log"))
    with psycopg.connect(scene.database_url) as conn:
        conn.execute(ESTATE)
    monkeypatch.setenv("THRESHOLD_DATABASE_URL", scene.database_url)
    monkeypatch.setenv("THRESHOLD_MQTT_URL", broker.url)
    monkeypatch.setenv("THRESHOLD_MQTT__CLIENT_ID", GATEWAY)
    monkeypatch.setenv("THRESHOLD_MQTT__USERNAME", GATEWAY)
    monkeypatch.setenv("THRESHOLD_MQTT__PASSWORD", broker.passwords[GATEWAY])
    broker.start()
    yield scene
    if scene.intake.running:
        scene.intake.stop()
    broker.stop()


async def until(holds: Callable[[], bool], talking: "asyncio.Task[int]") -> None:
    """Waits until something holds, or nobody speaks any more."""
    while not talking.done() and not await asyncio.to_thread(holds):  # noqa: ASYNC110
        await asyncio.sleep(0.05)


@pytest.mark.timeout(600)
async def test_five_kills_lose_nothing_and_double_nothing(scene: Scene, tmp_path: Path) -> None:
    """10,000 events and 400 presses through five deaths: stored once, truly receipted, an alert a pendant."""
    scene.start_intake()
    book = tmp_path / "ledger.jsonl"
    with Ledger(book) as ledger:
        async with scene.fleet(ledger) as fleet:
            talking = asyncio.create_task(fleet.talk(per_second=1000, seconds=10, device="panel-1"))
            for kill_at in KILLS:
                await until(lambda enough=kill_at: scene.committed().total() >= enough, talking)  # type: ignore[misc]
                await asyncio.gather(*(home.presses("pendant-1", 2) for home in fleet))
                await asyncio.to_thread(scene.intake.kill)
                assert scene.lies(book) == set()
                await asyncio.to_thread(scene.start_intake)
            await talking
            await fleet.all_receipted(RECEIPTS_WITHIN)
    scene.intake.stop()
    account = read_ledger(book)
    committed = scene.committed()
    assert len(account.said) == 10_000 + HOMES * 2 * len(KILLS)
    assert (account.open, account.rejected) == (frozenset(), {})
    assert set(committed) == set(account.said)
    assert set(committed.values()) == {1}
    assert scene.query("SELECT DISTINCT hub_id, press_count FROM alert ORDER BY hub_id") == [
        (hub, 2 * len(KILLS)) for hub in sorted(f"hub-{number}" for number in range(1, HOMES + 1))
    ]
    assert scene.query("SELECT count(*) FROM alert") == [(HOMES,)]
    assert scene.query("SELECT count(*) FROM rejected") == [(0,)]


async def test_the_same_kill_catches_an_intake_that_promises_too_early(scene: Scene, tmp_path: Path) -> None:
    """An intake that acknowledges and receipts what it has only heard loses events here, and is seen to."""
    naive = [sys.executable, "-m", "tests.acceptance.naive_intake", scene.database_url, scene.broker.url]
    scene.intake = ServerProcess([*naive, GATEWAY, scene.broker.passwords[GATEWAY]], tmp_path / "naive.log")
    scene.start_intake()
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
