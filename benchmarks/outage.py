"""The database stands still while homes go on speaking: how much the intake holds, and how it comes back.

python -m benchmarks.outage [--seconds 600] [--rate 1000]

Every process of PostgreSQL is stopped (SIGSTOP), so that connections stand and nothing answers. Homes of the
load say each event once; what the broker's queue does not hold, real hubs would send again, and the one whose
pendant is pressed does. Prints one JSON object.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from contextlib import suppress

import psutil

from benchmarks.figures import quantile
from benchmarks.presses import Stopwatch, press, pressing_home
from benchmarks.stage import Stage, stage

PRESS_EVERY = 5.0
"""Seconds between presses, and between tries: as often as a hub sends an unanswered alarm."""
BACK_WITHIN = 300.0
"""Seconds after the end in which the last press must have its receipt."""


async def run(seconds: float, rate: float) -> dict[str, float]:
    """Stops the database for so long while events come at that rate, and tells of the time after."""
    watch = Stopwatch()
    async with stage("ingest") as standing:
        number = int((seconds + 20) * rate)
        load = await standing.load("200", str(number), "--rate", str(rate), "--seconds", str(seconds + 20))
        quiet = standing.most_memory
        running = asyncio.create_task(load.go())
        await asyncio.sleep(5)
        async with pressing_home(standing.broker.port, watch) as client:
            _signal(standing, signal.SIGSTOP)
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                await press(client, watch, f"press-{len(watch.published)}")
                await asyncio.sleep(PRESS_EVERY)
            _signal(standing, signal.SIGCONT)
            back = time.monotonic()
            async with asyncio.timeout(BACK_WITHIN):
                while unanswered := watch.published.keys() - watch.receipted.keys():
                    for id_ in unanswered:  # the broker's queue was full: a hub says it again
                        await press(client, watch, id_)
                    await asyncio.sleep(PRESS_EVERY)
        waits = [max(0.0, moment - back) for moment in watch.receipted.values()]
        measured = await running
        return {
            "stopped_seconds": seconds,
            "rate": rate,
            "said": measured["sent"],
            "receipted": measured["receipted"],
            "presses": len(watch.published),
            "press_receipted_after_return_p50": round(quantile(waits, 0.5), 2),
            "press_receipted_after_return_max": round(max(waits), 2),
            "memory_before_mib": round(quiet / 2**20, 1),
            "memory_most_mib": round(standing.most_memory / 2**20, 1),
        }


def _signal(standing: Stage, number: int) -> None:
    for process in standing.database_processes():
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def main() -> None:
    """The long form."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=float, default=600.0)
    arguments.add_argument("--rate", type=float, default=1000.0)
    given = arguments.parse_args()
    sys.stdout.write(json.dumps(asyncio.run(run(given.seconds, given.rate)), indent=2) + "\n")


if __name__ == "__main__":
    main()
