"""From what is in hand to committed rows, one batch after another, in order.

Only what returns from here was committed. A batch that the database refuses for its contents is halved until
the culprit stands alone; the culprit is kept as rejected and its neighbours are stored.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import psycopg
import structlog
from msgspec.structs import replace

from db.pool import Connection
from gateway.codec import Reason, Rejected, encode_event
from ingest import metrics
from ingest.faults import Then, after
from ingest.model import Arrival, Recorded
from ingest.service import keep, record
from ingest.turns import GiveWay, next_turn

log = structlog.get_logger(__name__)

PAUSES = (0.1, 0.3, 1.0, 2.0)
"""Seconds before a batch is tried again that the database would not take for reasons of its own."""


class LeaseLost(RuntimeError):
    """A connection that made us the active intake has ended; another copy may be active now."""


class Writer:
    """Writes a lane's batches over its connection, with whose end the lease is lost, too."""

    def __init__(
        self, conn: Connection, clock: Callable[[], datetime], give_way: GiveWay = next_turn
    ) -> None:
        self._conn = conn
        self._give_way = give_way
        self._clock = clock
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction on the lane's connection, when it is its turn.

        Raises LeaseLost when the connection has ended, and psycopg.Error for all else.
        """
        async with self._turn:
            try:
                async with self._conn.transaction():
                    yield self._conn
            except psycopg.Error as error:
                if self._conn.closed or self._conn.broken:
                    raise LeaseLost(words(error)) from error
                raise

    async def write(self, arrivals: Sequence[Arrival]) -> list[Recorded]:
        """Commits all of it, however long the database takes. Raises LeaseLost; then nothing is known."""
        told = ""
        for pause in itertools.chain(PAUSES, itertools.repeat(PAUSES[-1])):
            if not arrivals:
                break
            try:
                return [await self._once(arrivals)]
            except LeaseLost:
                raise
            except psycopg.Error as error:
                then = after(error)
                if words(error) != told:  # once, however long it lasts
                    told = words(error)
                    log.warning("a batch was not committed", then=then, messages=len(arrivals), error=told)
            except Exception as error:  # a rule of ours choked on an event: the line must go on
                then = after(error)
                log.exception("a batch was not committed", then=then, messages=len(arrivals))
            metrics.COMMIT_FAILED.labels(then).inc()
            if then is Then.ISOLATE:
                return await self._isolate(arrivals)
            await asyncio.sleep(pause)
        return []

    async def _once(self, arrivals: Sequence[Arrival]) -> Recorded:
        async with self.transaction() as conn:
            with metrics.COMMIT_SECONDS.time():
                return await record(conn, arrivals, self._clock(), self._give_way)

    async def _isolate(self, arrivals: Sequence[Arrival]) -> list[Recorded]:
        if len(arrivals) > 1:
            middle = len(arrivals) // 2
            return await self.write(arrivals[:middle]) + await self.write(arrivals[middle:])
        if (halves := arrivals[0].halves()) is not None:
            return await self.write(halves[:1]) + await self.write(halves[1:])
        return await self._set_aside(arrivals[0])

    async def _set_aside(self, poison: Arrival) -> list[Recorded]:
        """Keeps the one message that cannot be stored as rejected, with its reason."""
        if poison.status is None and not poison.events and poison.adapted is None:
            return await self._only_keep(poison)
        pieces = tuple(
            Rejected(Reason.NOT_STORABLE, None, event.id, event.type, encode_event(event))
            for event in poison.events
        ) or (Rejected(Reason.NOT_STORABLE, None, None, poison.adapted_alarm, poison.payload),)
        log.error("kept as rejected: it cannot be stored", hub=poison.hub, types=[one.type for one in pieces])
        aside = replace(poison, events=(), status=None, adapted=None, rejected=(*poison.rejected, *pieces))
        return await self.write([aside])

    async def _only_keep(self, rejected: Arrival) -> list[Recorded]:
        """Keeps bytes and a reason without asking any rule about them: a person will see them in the list."""
        while True:
            try:
                async with self.transaction() as conn:
                    return [await keep(conn, rejected)]
            except psycopg.Error as error:
                log.error("not even kept as rejected; tried again", hub=rejected.hub, error=words(error))
            await asyncio.sleep(PAUSES[-1])


def words(error: Exception) -> str:
    """An error's own words, first line: the lines after it quote the values of rows, which may be PINs."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
