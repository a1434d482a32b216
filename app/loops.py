"""The loops around the sweeps. A round begins with a tick (APScheduler) or a hint (LISTEN); it works until
nothing is due. A lost tick or hint costs only the time until the next; the rows remember what is due."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout

from app.clock import Clock
from app.metrics import ROUND_FAILED, ROUND_ROWS, ROUND_SECONDS
from db.pool import Pool, execute
from db.sql import Queries

log = structlog.get_logger(__name__)
_Q = Queries("db")

FROZEN_AFTER = timedelta(minutes=1)
"""As long as a transaction may be idle: what a copy has claimed that is frozen is free again by then."""
FAILED_ROUND_PAUSE = 1.0
"""Seconds before another try after a failed round: long enough not to hammer a database that is starting."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A sweep and when to look. `work` takes one batch and returns how many rows it took; `finish` waits for
    what it has under way."""

    name: str
    every: timedelta
    work: Callable[[], Awaitable[int]]
    wake_on: str | None = None
    finish: Callable[[], Awaitable[None]] | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)


def schedule_ticks(loops: list[Loop], speed: float = 1.0) -> AsyncIOScheduler:
    """Ticks for every loop: a job only sets an event, because a shutdown cancels running jobs.

    The scheduler lives by the wall clock: where the service's clock runs `speed` times faster, ticks come so
    many times sooner. No grace time, because the default of one second silently skips a late tick.
    """
    scheduler = AsyncIOScheduler(timezone="UTC")
    for loop in loops:
        scheduler.add_job(
            _wake,
            "interval",
            args=[loop],
            seconds=loop.every.total_seconds() / speed,
            id=loop.name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
    return scheduler


async def _wake(loop: Loop) -> None:
    """A tick. A coroutine, because APScheduler runs anything else in a thread, where no event may be set."""
    loop.wake.set()


async def run_loop(loop: Loop, pool: Pool, clock: Clock, instance: str, stop: asyncio.Event) -> None:
    """Works rounds until `stop`; a failed round is logged and counted, and tried again."""
    stopped = asyncio.create_task(stop.wait())
    loop.wake.set()
    try:
        while not stop.is_set():
            woken = asyncio.create_task(loop.wake.wait())
            await asyncio.wait({stopped, woken}, return_when=asyncio.FIRST_COMPLETED)
            woken.cancel()
            if stop.is_set():
                return
            loop.wake.clear()
            if not await _round(loop, pool, clock, instance, stop):
                loop.wake.set()
                await asyncio.wait({stopped}, timeout=FAILED_ROUND_PAUSE)
    finally:
        stopped.cancel()
        if loop.finish is not None:
            await loop.finish()


async def _round(loop: Loop, pool: Pool, clock: Clock, instance: str, stop: asyncio.Event) -> bool:
    try:
        with ROUND_SECONDS.labels(loop.name).time():
            while not stop.is_set() and (rows := await loop.work()):
                ROUND_ROWS.labels(loop.name).inc(rows)
        async with pool.connection() as conn:
            await execute(conn, _Q["end_frozen"], after=FROZEN_AFTER)
            await execute(
                conn,
                _Q["record_beat"],
                role=loop.name,
                instance=instance,
                at=clock(),
                every=loop.every,
                detail="{}",
            )
    except (DatabaseError, PoolTimeout) as error:
        ROUND_FAILED.labels(loop.name).inc()
        log.warning("round failed, the database is away or refused", loop=loop.name, error=str(error).strip())
        return False
    except Exception:  # the outermost frame of a loop: one bad round must not end the role
        ROUND_FAILED.labels(loop.name).inc()
        log.exception("round failed", loop=loop.name)
        return False
    return True
