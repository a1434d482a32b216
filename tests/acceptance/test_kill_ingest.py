"""SIGKILL of the intake while homes speak: nothing lost, nothing doubled, no receipt that lied."""

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
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

    def start_intake(self) -> None:
        """Starts it; it is there when it listens."""
        before = self.query("SELECT beat_at FROM intake")
        self.intake.start(
            lambda: (
                self.query("SELECT beat_at FROM intake WHERE connected_at IS NOT NULL") not in ([], before)
            )
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
    durable_postgres: EmbeddedPostgres, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Scene:
    """Everything but the intake stands."""
    await migrate(durable_postgres.url)
    scene = Scene(
        durable_postgres.url,
        mosquitto,
        ServerProcess(
            [str(Path(sys.executable).with_name("threshold")), "run", "ingest"], tmp_path / "intake.log"
        ),
    )
    with psycopg.connect(scene.database_url) as conn:
        conn.execute(ESTATE)
    monkeypatch.setenv("THRESHOLD_DATABASE_URL", scene.database_url)
    monkeypatch.setenv("THRESHOLD_MQTT_URL", mosquitto.url)
    monkeypatch.setenv("THRESHOLD_MQTT__CLIENT_ID", GATEWAY)
    monkeypatch.setenv("THRESHOLD_MQTT__USERNAME", GATEWAY)
    monkeypatch.setenv("THRESHOLD_MQTT__PASSWORD", mosquitto.passwords[GATEWAY])
    return scene


async def speak_and_kill(
    scene: Scene, fleet: Fleet, ledger: Path, *, events: int, kills_at: Sequence[int], presses: int = 0
) -> list[set[Key]]:
    """Homes speak; the intake dies when so many events are committed. Returns what lied at each death."""
    lies: list[set[Key]] = []
    talking = asyncio.create_task(fleet.talk(per_second=1000, seconds=events / 1000, device="panel-1"))
    for kill_at in kills_at:
        while await asyncio.to_thread(lambda: len(scene.committed())) < kill_at and not talking.done():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        if presses:
            await asyncio.gather(*(home.presses("pendant-1", presses) for home in fleet))
        await asyncio.to_thread(scene.intake.kill)
        promised = read_ledger(ledger).stored
        lies.append(set(promised) - set(scene.committed()))
        await asyncio.to_thread(scene.start_intake)
    await talking
    return lies


async def test_five_kills_lose_nothing_and_double_nothing(scene: Scene, tmp_path: Path) -> None:
    """10,000 events and 400 presses through five deaths: stored once, truly receipted, one alert a pendant."""
    scene.start_intake()
    book = tmp_path / "ledger.jsonl"
    kills = (500, 2000, 4000, 6000, 8000)
    with Ledger(book) as ledger:
        async with scene.fleet(ledger) as fleet:
            lies = await speak_and_kill(scene, fleet, book, events=10_000, kills_at=kills, presses=2)
            await fleet.all_receipted(90)
    scene.intake.stop()
    assert lies == [set()] * len(kills)
    account = read_ledger(book)
    committed = scene.committed()
    assert len(account.said) == 10_000 + HOMES * 2 * len(kills)
    assert (account.open, account.rejected) == (frozenset(), {})
    assert set(committed) == set(account.said)
    assert set(committed.values()) == {1}
    assert scene.query(
        "SELECT count(*), count(DISTINCT (hub_id, device)), min(press_count), max(press_count) FROM alert"
    ) == [(HOMES, HOMES, 2 * len(kills), 2 * len(kills))]
    assert scene.query("SELECT count(*) FROM rejected") == [(0,)]


async def test_the_same_kills_catch_an_intake_that_promises_too_early(
    scene: Scene, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """An intake that acknowledges and receipts what it has only heard loses events here, and is seen to."""
    naive = [sys.executable, "-m", "tests.acceptance.naive_intake", scene.database_url, mosquitto.url]
    scene.intake = ServerProcess([*naive, GATEWAY, mosquitto.passwords[GATEWAY]], tmp_path / "naive.log")
    scene.start_intake()
    book = tmp_path / "ledger.jsonl"
    with Ledger(book) as ledger:
        async with scene.fleet(ledger) as fleet:
            await speak_and_kill(scene, fleet, book, events=2000, kills_at=(300, 900))
            await fleet.all_receipted(60)
    scene.intake.stop()
    assert set(read_ledger(book).stored) - set(scene.committed())
