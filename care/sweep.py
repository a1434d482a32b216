"""The sweep: due visits are judged in batches, each in one transaction (DESIGN, "One way to schedule").

Any number of copies may run. What a sweep holds, others skip; what it could not judge is put aside for a few
minutes and does not stop the line.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog
from psycopg import DataError, IntegrityError, InternalError, ProgrammingError
from psycopg.errors import DeadlockDetected, SerializationFailure

from care import metrics
from care.claim import Moments, Wanted, claim, hold, intake_heard, moments, take
from care.estate_store import Q
from care.judging import judge_homes, postpone
from care.policy import DEFAULT_POLICY, Policy
from db.pool import Connection, Pool, execute

log = structlog.get_logger(__name__)

BATCH = 1000
"""Due visits taken at once, some half second's work: larger batches save little and hold residents longer."""

PAUSE = timedelta(minutes=5)
"""How long what could not be judged is put aside."""

_REFUSED = (DataError, IntegrityError, InternalError, ProgrammingError)
_COLLIDED = (DeadlockDetected, SerializationFailure)


async def sweep_due(pool: Pool, now: datetime, policy: Policy = DEFAULT_POLICY, *, batch: int = BATCH) -> int:
    """Judges one batch of what is due by `now` and returns how many rows it took; 0: nothing is due.

    Raises psycopg.OperationalError when the database is away; then nothing was done.
    """
    async with pool.connection() as conn:
        heard = await intake_heard(conn, now)
        at = moments(heard, now)
        metrics.WAITING.set(heard.waits(now))
        await conn.rollback()
        try:
            async with conn.transaction():
                wanted = await claim(conn, at, batch)
                if not wanted:
                    return 0
                failed = await judge_homes(conn, wanted, at, policy)
                if failed:
                    await postpone(conn, wanted, failed, at, now + PAUSE)
        except _COLLIDED:
            log.info("a sweep collided with another writer and is repeated")
            return 1
        except _REFUSED:
            log.exception("the database refused a batch; its homes are taken one by one")
            await _singly(conn, at, wanted, policy)
    return sum(each.count for each in wanted.values())


async def _singly(conn: Connection, at: Moments, claimed: Mapping[str, Wanted], policy: Policy) -> None:
    """One home for each transaction, so that only the one that is refused is put aside."""
    for name in sorted(claimed):
        try:
            async with conn.transaction():
                await hold(conn, [name])
                starts = {ref: start_at for ref, (start_at, _) in claimed[name].due.items()}
                wanted = await take(conn, [name], starts, at)
                if await judge_homes(conn, wanted, at, policy):
                    await postpone(conn, wanted, [name], at, at.now + PAUSE)
        except _REFUSED:
            metrics.POISONED.inc()
            log.exception("the database refused what was concluded of a home")
            async with conn.transaction():
                await hold(conn, [name])
                later = at.now + PAUSE
                await execute(conn, Q["postpone_due"], residents=[name], until=at.due, later=later)
                await execute(conn, Q["postpone_rechecks"], residents=[name], now=at.now, later=later)
