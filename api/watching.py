"""What the service's own test presses found (alerts/monitor.py). Nobody's data is in it, so nobody's rights
are asked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from db.pool import Pool, fetch_one
from db.sql import Queries

_Q: Final = Queries("api", "watching.sql")


@dataclass(frozen=True, slots=True)
class LastPress:
    """The last test press: when it ended, how many seconds it took, or what it did not get past."""

    at: datetime
    seconds: float | None
    fault: str | None


async def last_press(pool: Pool) -> LastPress | None:
    """The last test press; None when none was ever made."""
    async with pool.connection() as conn:
        row = await fetch_one(conn, _Q["last_press"])
    return LastPress(row["finished_at"], row["seconds"], row["fault"]) if row else None
