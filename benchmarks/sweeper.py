"""One sweep in a process of its own, as a role `care` is: `python -m benchmarks.sweeper DATABASE NOW`.

Says "ready", waits for a line, sweeps until nothing is due, and says how many rows it took as JSON.
"""

import asyncio
import json
import sys
import time
from datetime import datetime

from app.memory import collect_seldom
from care.sweep import sweep_due
from db.pool import make_pool


async def main(url: str, now: datetime) -> None:
    """Sweeps once the word is given."""
    async with make_pool(url, name="bench", max_size=2) as pool:
        collect_seldom()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        began, processor, rows = time.perf_counter(), time.process_time(), 0
        while taken := await sweep_due(pool, now):
            rows += taken
        used = time.process_time() - processor
        said = {"rows": rows, "seconds": time.perf_counter() - began, "processor": used}
        sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], datetime.fromisoformat(sys.argv[2])))
