"""A durable database, a broker as in production, and an intake in a process of its own: all to be killed."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

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
from tests.support.proxy import FaultProxy

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
    """`database_url` leads through a proxy, because a database that starts again has another port."""

    database: EmbeddedPostgres
    proxy: FaultProxy
    broker: Mosquitto
    intake: ServerProcess

    @property
    def database_url(self) -> str:
        """Where the intake finds the database, whatever was killed."""
        return _with_port(self.database.url, self.proxy.port)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Asks the database itself."""
        with psycopg.connect(self.database.url) as conn:
            return conn.execute(sql.encode()).fetchall()

    def number(self) -> int:
        """How many events are committed."""
        return int(str(self.query("SELECT count(*) FROM event")[0][0]))

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

    def kill_intake(self) -> None:
        """SIGKILL, and another start."""
        self.intake.kill()
        self.start_intake()

    def kill_broker(self) -> None:
        """SIGKILL, and another start with what it had saved."""
        self.broker.kill()
        self.broker.start()

    def kill_database(self) -> None:
        """SIGKILL of PostgreSQL, and another start, which recovers."""
        os.kill(self.database.pid, signal.SIGKILL)
        self.database.stop()
        self.database.start()
        self.proxy.target = ("127.0.0.1", urlsplit(self.database.url).port or 0)

    def fleet(self, ledger: Ledger) -> Fleet:
        """All homes, each with its account and a pendant."""
        passwords = self.broker.enrol([f"hub-{number}" for number in range(1, HOMES + 1)])
        specs = [
            HomeSpec(hub, devices=(DeviceSpec("pendant-1", "pendant"),), password=password)
            for hub, password in passwords.items()
        ]
        return Fleet(specs, Broker("127.0.0.1", self.broker.port), CLOCK, ledger=ledger)


@asynccontextmanager
async def kill_scene(database: EmbeddedPostgres, directory: Path) -> AsyncIterator[Scene]:
    """Everything but the intake stands on a started database, and all of it ends with the block."""
    await migrate(database.url)
    broker = Mosquitto(directory / "mosquitto")
    broker.enrol([GATEWAY])
    proxy = FaultProxy(urlsplit(database.url).port or 0)
    await proxy.start()
    intake = [str(Path(sys.executable).with_name("threshold")), "run", "ingest"]
    scene = Scene(database, proxy, broker, ServerProcess(intake, directory / "intake.log"))
    scene_settings = {
        "THRESHOLD_DATABASE_URL": scene.database_url,
        "THRESHOLD_MQTT_URL": broker.url,
        "THRESHOLD_MQTT__CLIENT_ID": GATEWAY,
        "THRESHOLD_MQTT__USERNAME": GATEWAY,
        "THRESHOLD_MQTT__PASSWORD": broker.passwords[GATEWAY],
    }
    with psycopg.connect(database.url) as conn:
        conn.execute(ESTATE)
    before = dict(os.environ)
    os.environ |= scene_settings
    broker.start()
    try:
        yield scene
    finally:
        if scene.intake.running:
            scene.intake.stop()
        broker.stop()
        await proxy.stop()
        for name in scene_settings:
            os.environ.pop(name)
        os.environ |= before


async def until(holds: Callable[[], bool], talking: "asyncio.Task[int]") -> None:
    """Waits until something holds, or nobody speaks any more."""
    while not talking.done() and not await asyncio.to_thread(holds):  # noqa: ASYNC110
        await asyncio.sleep(0.05)


def _with_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()
