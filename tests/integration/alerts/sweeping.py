"""One copy of the alerts role's sweep, as a process of its own that a test may kill.

`python -m tests.integration.alerts.sweeping DATABASE_URL FILE`: sweeps without pause at the time that stands
in the file, until the file is gone.
"""

import asyncio
import sys
from datetime import datetime
from pathlib import Path

from alerts.sweep import sweep_due
from db.pool import make_pool


async def sweep(url: str, told: Path) -> None:
    """Sweeps until there is no time any more."""
    async with make_pool(url, name="copy", max_size=2) as pool:
        while (now := time_in(told)) is not None:
            await sweep_due(pool, now)


def time_in(told: Path) -> datetime | None:
    """The time that stands in the file; None when there is none any more."""
    try:
        return datetime.fromisoformat(told.read_text())
    except FileNotFoundError:
        return None


if __name__ == "__main__":
    asyncio.run(sweep(sys.argv[1], Path(sys.argv[2])))
