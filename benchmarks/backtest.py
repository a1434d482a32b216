"""(f) A month of made-up homes through `threshold backtest`, on one core, beside reading the same file alone.

The world is the simulator's, of a seed, with a heartbeat from every home each ten minutes: 4,800 lines a home
and month. `month` runs the same with 2,000 homes; here are a tenth of them, and the time is given as measured
and for each 1,000 lines and visits, never multiplied up.
"""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure

THRESHOLD = Path(sys.executable).with_name("threshold")
HOMES, DAYS, SEED = 200, 30, 1
READ_ALONE = """
import sys, msgspec
decode = msgspec.json.Decoder().decode
with open(sys.argv[1], "rb") as file:
    for line in file:
        decode(line)
"""
"""What no program that reads the file can do without."""


async def run() -> Sequence[Figure]:
    """The regular size."""
    return await measured(HOMES)


async def measured(homes: int) -> Sequence[Figure]:
    """A month of so many homes."""
    return await asyncio.to_thread(_measured, homes)


def _measured(homes: int) -> Sequence[Figure]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        world = (THRESHOLD, "sim", "world", "--out", folder)
        made = subprocess.run(
            [*world, "--homes", str(homes), "--days", str(DAYS), "--seed", str(SEED)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        told = re.search(r"(\d+) visits, (\d+) messages", made)
        if told is None:
            raise RuntimeError(f"the simulator said {made!r}, and not how many visits and messages there are")
        visits, lines = (int(number) for number in told.groups())
        alone, _ = _used(sys.executable, "-c", READ_ALONE, folder / "events.jsonl")
        seconds, memory = _used(
            *(THRESHOLD, "backtest", "--estate", folder / "estate.yaml", "--roster", folder / "roster.csv"),
            *("--events", folder / "events.jsonl", "--out", folder / "report.json"),
        )
        report = (folder / "report.json").stat().st_size
    of = f"{homes:,} homes, {DAYS} days: {visits:,} visits, {lines:,} lines, a report of {report >> 20:,} MiB"
    aim = "at most 60" if homes == 2_000 else ""
    return (
        Figure("f", "a month replayed, one core", seconds, "s", aim, of),
        Figure("f", "for each 1,000 lines", 1e6 * seconds / lines, "ms"),
        Figure("f", "for each 1,000 visits", 1e6 * seconds / visits, "ms"),
        Figure("f", "reading the same lines alone (msgspec)", alone, "s"),
        Figure("f", "most memory of the replay", memory, "MiB"),
    )


def _used(*command: str | Path) -> tuple[float, float]:
    """Runs a command to its end: the processor's seconds, and its most memory in MiB."""
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
