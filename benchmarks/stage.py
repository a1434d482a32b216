"""What the parts about the way in need: a durable database, a broker, an estate, the service in a process."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from app.embedded import EmbeddedPostgres
from benchmarks.processor import used, used_by_database
from db.migrate import migrate
from db.pool import Connection, connection_arguments
from tests.support.mosquitto import Mosquitto
from tests.support.processes import ServerProcess, free_port

HUBS = 1000
ESTATE = f"""
INSERT INTO organisation (id, kind, name) VALUES
    ('northgate', 'monitoring_centre', 'Northgate Lifeline'), ('bright', 'care_provider', 'BrightCare');
INSERT INTO dwelling (id, scheme, address, time_zone)
    SELECT 'flat-' || n, 'court-' || n / 40, 'Flat ' || n, 'Europe/London'
    FROM generate_series(1, {HUBS}) AS n;
INSERT INTO resident (id, dwelling_id, name, monitoring_centre_id)
    SELECT 'person-' || n, 'flat-' || n, 'Person ' || n, 'northgate' FROM generate_series(1, {HUBS}) AS n;
INSERT INTO hub (id, dwelling_id) SELECT 'hub-' || n, 'flat-' || n FROM generate_series(1, {HUBS}) AS n;
INSERT INTO package (id, resident_id, provider_id, tier)
    SELECT 'package-' || n, 'person-' || n, 'bright', 'standard' FROM generate_series(1, {HUBS}) AS n;
ANALYZE;
"""

WORN_IN = """
CREATE TABLE worn_in AS SELECT repeat(md5(n::text), 30) AS filler FROM generate_series(1, 600000) AS n;
DROP TABLE worn_in;
CHECKPOINT;
"""
"""Some 600 MB of log: a database that has run for a while takes its old files again, where a new one fills
each next one with noughts while everybody waits."""


@dataclass
class Stage:
    """Everything but the load. `api` is the address of the API, where it runs."""

    database: EmbeddedPostgres
    broker: Mosquitto
    service: ServerProcess
    api: str
    most_memory: int = 0
    _watch: list["asyncio.Task[None]"] = field(default_factory=list)

    @property
    def database_url(self) -> str:
        """Where it is."""
        return self.database.url

    def connect(self) -> Any:
        """A connection of the benchmark's own."""
        return Connection.connect(self.database_url, autocommit=True, **connection_arguments("benchmark"))

    async def load(self, *arguments: str) -> "Load":
        """Homes in a process of their own, connected and waiting for the word."""
        command = [sys.executable, "-m", "benchmarks.load", str(self.broker.port), *arguments]
        process = await asyncio.create_subprocess_exec(
            *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        if (await process.stdout.readline()).strip() != b"ready":
            raise RuntimeError("the load did not come up")
        return Load(process)

    def database_processes(self) -> list[psutil.Process]:
        """Every process of the database."""
        return [one for one in psutil.Process().children(recursive=True) if one.name() == "postgres"]

    def processor_seconds(self) -> dict[str, float]:
        """What the service, the broker and the database have used of the processors until now."""
        service = psutil.Process(self.service.pid)
        return {
            "intake": sum(used(one) for one in (service, *service.children(recursive=True))),
            "broker": used(psutil.Process(self.broker.pid)),
            "database": used_by_database(self.database.pid),
        }

    async def commits(self, hub: str) -> list[float]:
        """Seconds from a hub's own `at` of each event to its commit, less the last flush of the log."""
        async with await self.connect() as conn:
            cursor = await conn.execute(
                "SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin) - at)::float8 AS seconds"
                " FROM event WHERE hub_id = %s",
                [hub],
            )
            return [row["seconds"] for row in await cursor.fetchall()]

    async def watch_memory(self) -> None:
        """Keeps the most memory that the service ever had resident, in bytes."""
        process = psutil.Process(self.service.pid)
        while True:
            self.most_memory = max(self.most_memory, process.memory_info().rss)
            await asyncio.sleep(0.1)


@dataclass
class Load:
    """Homes that wait for the word."""

    process: asyncio.subprocess.Process

    async def go(self) -> dict[str, float]:
        """Lets them speak; returns what they measured."""
        out, _ = await self.process.communicate(b"\n")
        measured: dict[str, float] = json.loads(out)
        return measured


@asynccontextmanager
async def stage(*roles: str) -> AsyncIterator[Stage]:
    """A database with fsync on, Mosquitto with the production settings, and these roles of the service."""
    with tempfile.TemporaryDirectory(prefix="threshold-bench-") as folder:
        directory = Path(folder)
        os.chmod(folder, 0o755)  # the database and the broker run as users of their own
        broker = Mosquitto(directory / "mosquitto", anonymous=True)
        port = free_port()
        service = ServerProcess(
            [str(Path(sys.executable).with_name("threshold")), "run", *roles], directory / "service.log"
        )
        settings = {"track_commit_timestamp": "on"}  # when each press was committed, to the microsecond
        with EmbeddedPostgres(directory / "postgres", settings=settings) as database:
            await migrate(database.url)
            standing = Stage(database, broker, service, f"http://127.0.0.1:{port}")
            async with await standing.connect() as conn:
                await conn.execute(ESTATE)
                for statement in WORN_IN.strip().split("\n"):
                    await conn.execute(statement.encode())
            os.environ |= {
                "THRESHOLD_DATABASE_URL": database.url,
                "THRESHOLD_MQTT_URL": broker.url,
                "THRESHOLD_API__PORT": str(port),
                "THRESHOLD_LOG__LEVEL": "warning",
            }
            broker.start()
            try:
                service.start(lambda: True)
                await _listening(standing)
                watching = asyncio.create_task(standing.watch_memory())
                try:
                    yield standing
                finally:
                    watching.cancel()
            finally:
                service.stop()
                broker.stop()


async def _listening(standing: Stage) -> None:
    async with asyncio.timeout(60), await standing.connect() as conn:
        while True:
            row = await (await conn.execute("SELECT caught_up_at FROM intake")).fetchone()
            if row is not None and row["caught_up_at"] is not None:
                return
            if not standing.service.running:
                raise RuntimeError(f"the service ended:\n{standing.service.tail()}")
            await asyncio.sleep(0.05)
