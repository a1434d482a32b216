"""What time alone brings about: ladders, claims that end, promises that pass, faults that last, silent hubs.

Each round claims due rows with SKIP LOCKED, decides them again, and writes everything in one transaction; any
number of copies may run, and after an outage rows are caught up with their true due times. A row that cannot
be decided is found, pushed forward, counted and logged; the others go on.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

import structlog
from psycopg import OperationalError

from alerts import metrics, store
from alerts.escalate import climb
from alerts.fault_sweep import raise_lasting_faults
from alerts.silence import watch_hubs
from alerts.store import Q
from alerts.supervision import SILENCE_FACTOR
from db.pool import Connection, Pool, execute, fetch_all, fetch_one

log = structlog.get_logger(__name__)

BATCH = 200
"""Rows in one transaction: enough to share its statements, few enough to be let go of soon."""
POISON_PAUSE = timedelta(minutes=5)
"""When a row that could not be decided is looked at again."""


async def sweep_due(pool: Pool, now: datetime, silence_factor: float = SILENCE_FACTOR) -> int:
    """One batch of everything that is due; how many rows it took. Opens and commits its own transactions.

    Duties come first: what a person is waiting for waits for no fault and no silent hub.
    """
    taken = await _sweep_duties(pool, now)
    taken += await _sweep(pool, "faults", partial(raise_lasting_faults, now=now), "postpone_fault", now)
    hubs = partial(watch_hubs, now=now, factor=silence_factor)
    return taken + await _sweep(pool, "hubs", hubs, "postpone_hub", now)


Work = Callable[[Connection], Awaitable[int]]


async def _alone(pool: Pool, what: str, work: Work) -> int | None:
    """Work in a transaction of its own; None when it failed by a fault of its own and nothing was written.

    Raises OperationalError: the database is away, or two of us met, and no row is to blame.
    """
    try:
        async with pool.connection() as conn, conn.transaction():
            return await work(conn)
    except OperationalError:
        raise
    except Exception:
        metrics.SWEEP_FAILED.labels(what).inc()
        log.exception("a part of the sweep failed", sweep=what)
        return None


async def _sweep_duties(pool: Pool, now: datetime) -> int:
    taken = await _alone(pool, "duties", partial(_climb_due, now=now))
    if taken is not None:
        return taken
    async with pool.connection() as conn:
        numbers = [row["id"] for row in await fetch_all(conn, Q["due_duty_ids"], now=now, limit=BATCH)]
    for number in numbers:
        if await _alone(pool, "duties", partial(_climb_one, number=number, now=now)) is None:
            metrics.POISONED.labels("duties").inc()
            async with pool.connection() as conn:
                await execute(conn, Q["postpone_duty"], id=number, at=now + POISON_PAUSE)
    return len(numbers)


async def _climb_due(conn: Connection, now: datetime) -> int:
    rows = await fetch_all(conn, Q["due_duties"], now=now, limit=BATCH)
    if rows:
        await climb(conn, [store.duty_from(row) for row in rows], now)
    return len(rows)


async def _climb_one(conn: Connection, number: int, now: datetime) -> int:
    row = await fetch_one(conn, Q["lock_due_duty"], id=number, now=now)
    if row is None:
        return 0
    await climb(conn, [store.duty_from(row)], now)
    return 1


async def _sweep(
    pool: Pool, what: str, work: Callable[..., Awaitable[int]], postpone: str, now: datetime
) -> int:
    """A batch of one kind; when it fails, row by row, pushing forward the one that fails by itself."""
    taken = await _alone(pool, what, partial(work, limit=BATCH))
    if taken is not None:
        return taken
    for done in range(BATCH):
        taken = await _alone(pool, what, partial(work, limit=1))
        if taken == 0:
            return done
        if taken is None:
            metrics.POISONED.labels(what).inc()
            async with pool.connection() as conn:
                await execute(conn, Q[postpone], now=now, at=now + POISON_PAUSE)
    return BATCH
