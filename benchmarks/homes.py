"""(h) Connected homes on one core: how many, at what rate, and how long a press waits for its receipt.

The homes are those of `threshold sim --homes N --rate R`, one process, over Mosquitto into the intake; they
measure their receipts themselves.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from app.simulate_load import allow_files
from benchmarks.figures import Figure
from benchmarks.stage import Stage, stage

HOMES, RATE = 2_000, 500
SECONDS, PRESSES = 20, 20

ESTATE = """
WITH number AS (SELECT n, lpad(n::text, greatest(4, length(n::text)), '0') AS id
                FROM generate_series(1, %(homes)s) AS n),
     dwelling AS (INSERT INTO dwelling (id, scheme, address, time_zone)
                  SELECT 'home-' || id, 'estate-' || n / 40, 'Home ' || id, 'Europe/London' FROM number),
     resident AS (INSERT INTO resident (id, dwelling_id, name, monitoring_centre_id)
                  SELECT 'resident-' || id, 'home-' || id, 'Resident ' || id, 'northgate' FROM number)
INSERT INTO hub (id, dwelling_id) SELECT 'hub-' || id, 'home-' || id FROM number ON CONFLICT DO NOTHING
"""


@dataclass
class Watched:
    """What a process used: its most memory in bytes, and its share of a core while the homes talked."""

    process: psutil.Process
    memory: int = 0
    core: float = 0.0

    def begin(self) -> None:
        """From now on the core counts."""
        self.process.cpu_percent()

    def look(self) -> None:
        """Now."""
        self.memory = max(self.memory, self.process.memory_info().rss)

    def end(self) -> None:
        """The share of a core since `begin`."""
        self.core = self.process.cpu_percent()


async def run() -> Sequence[Figure]:
    """The regular size."""
    return await measured(HOMES, RATE)


async def measured(homes: int, rate: int) -> Sequence[Figure]:
    """So many homes at so many events a second. Raises RuntimeError when not everything was receipted."""
    allow_files(homes)  # the broker inherits the limit
    async with stage("ingest") as standing:
        async with await standing.connect() as conn:
            await conn.execute(ESTATE, {"homes": homes})
        last, connected, sim, broker = await _lived(standing, homes, rate)
    if last["connected"] != homes or last["in_store"]:
        raise RuntimeError(f"not every home had its receipts: {last}")
    name, waits = f"{homes:,} homes, {rate:,} events/s", last["press_to_receipt"]
    return (
        Figure("h", f"{name}: all connected in", connected, "s"),
        Figure("h", f"{name}: press → receipt, p50", 1000 * waits["p50"], "ms"),
        Figure("h", f"{name}: press → receipt, p99", 1000 * waits["p99"], "ms", "at most 500"),
        Figure("h", f"{name}: any event → receipt, p99", 1000 * last["to_receipt"]["p99"], "ms"),
        Figure("h", f"{name}: the simulator's core", sim.core, "%", "at most 100"),
        Figure("h", f"{name}: the simulator's memory", sim.memory / 2**20, "MiB"),
        Figure("h", f"{name}: the broker's core", broker.core, "%"),
        Figure("h", f"{name}: the broker's memory", broker.memory / 2**20, "MiB"),
    )


async def _lived(standing: Stage, homes: int, rate: int) -> tuple[dict[str, Any], float, Watched, Watched]:
    command = [str(Path(sys.executable).with_name("threshold")), "sim", "--homes", str(homes)]
    command += ["--rate", str(rate), "--presses", str(PRESSES), "--seconds", str(SECONDS), "--headless"]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, limit=2**20
    )
    assert process.stdout is not None
    assert process.stderr is not None
    told = (await process.stderr.readline()).decode()
    if "homes connected in" not in told:
        raise RuntimeError(told)
    watched = Watched(psutil.Process(process.pid)), Watched(psutil.Process(standing.broker.pid))
    for one in watched:
        one.begin()
    last: dict[str, Any] = {}
    async for line in process.stdout:
        last = json.loads(line)
        for one in watched:
            one.look()
        if last["share"] < 1:
            for one in watched:
                one.end()
    if await process.wait():
        raise RuntimeError((await process.stderr.read()).decode())
    return last, float(told.split()[-2]), *watched
