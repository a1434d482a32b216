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
    taken += await _sweep(pool, "faults", raise_lasting_faults, "postpone_fault", now)
    hubs = partial(watch_hubs, factor=silence_factor)
    return taken + await _sweep(pool, "hubs", hubs, "postpone_hub", now)


async def _sweep_duties(pool: Pool, now: datetime) -> int:
    try:
        async with pool.connection() as conn, conn.transaction():
            rows = await fetch_all(conn, Q["due_duties"], now=now, limit=BATCH)
            await _climb(conn, rows, now)
            return len(rows)
    except OperationalError:
        raise  # the database is away, or two of us met: no row is to blame
    except Exception:
        log.warning("a batch of duties failed, taking them one by one", exc_info=True)
    async with pool.connection() as conn:
        numbers = [row["id"] for row in await fetch_all(conn, Q["due_duty_ids"], now=now, limit=BATCH)]
    for number in numbers:
        await _sweep_duty(pool, number, now)
    return len(numbers)


async def _sweep_duty(pool: Pool, number: int, now: datetime) -> None:
    try:
        async with pool.connection() as conn, conn.transaction():
            row = await fetch_one(conn, Q["lock_due_duty"], id=number, now=now)
            await _climb(conn, [row] if row else [], now)
    except OperationalError:
        raise
    except Exception:
        metrics.POISONED.labels("duties").inc()
        log.exception("a duty could not be decided and is pushed forward", duty=number)
        async with pool.connection() as conn:
            await execute(conn, Q["postpone_duty"], id=number, at=now + POISON_PAUSE)


async def _climb(conn: Connection, rows: list[dict[str, object]], now: datetime) -> None:
    if rows:
        await climb(conn, [store.duty_from(row) for row in rows], now)


async def _sweep(
    pool: Pool,
    what: str,
    work: Callable[[Connection, datetime, int], Awaitable[int]],
    postpone: str,
    now: datetime,
) -> int:
    """A batch of one kind; when it fails, row by row, pushing forward the one that fails by itself."""
    try:
        async with pool.connection() as conn, conn.transaction():
            return await work(conn, now, BATCH)
    except OperationalError:
        raise
    except Exception:
        log.warning("a batch failed, taking it row by row", sweep=what, exc_info=True)
    done = 0
    while done < BATCH:
        try:
            async with pool.connection() as conn, conn.transaction():
                if not await work(conn, now, 1):
                    break
        except OperationalError:
            raise
        except Exception:
            metrics.POISONED.labels(what).inc()
            log.exception("a row could not be decided and is pushed forward", sweep=what)
            async with pool.connection() as conn:
                await execute(conn, Q[postpone], now=now, at=now + POISON_PAUSE)
        done += 1
    return done
