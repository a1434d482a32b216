"""The live stream: what is committed reaches every browser that may know it, within milliseconds.

One task reads for the whole process. At a hint (or each second without one) it looks once whom the new rows
concern, and then once for each kind of reader concerned, an organisation in a role, under that reader's own
rights in the database. Its many clients share what it read. The stream is a hint: a client that was away
too long is told to read the open set again (`reset`).
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from api.metrics import LIVE_CLIENTS, LIVE_DROPPED, LIVE_ROUNDS_FAILED, LIVE_ROWS
from api.tail import Tail
from db.caller import Caller, reading_as
from db.feed import Cursor, newest
from db.pool import Pool, fetch_one
from db.sql import Queries

log = structlog.get_logger(__name__)
_Q = Queries("api", "live.sql")

POLL_EVERY: Final = timedelta(seconds=1)
"""A lost hint costs this at most."""
BREATHE: Final = timedelta(milliseconds=10)
"""Between two looks: hints of a busy second are answered together."""
CHECK_AGAIN: Final = timedelta(minutes=1)
"""A stream outlives its withdrawn token by this at most."""
BATCH: Final = 500
REPLAY_MOST: Final = 5_000
"""Missed rows beyond this are not replayed: reading the open set is quicker for both sides."""
QUEUE_MOST: Final = 1_000
"""Rows that wait for one client; one that is further behind is dropped and comes back with its place."""
QUIET: Final = timedelta(seconds=15)
"""After so long without news a client is told that there was none."""


@dataclass(frozen=True, slots=True)
class LiveRow:
    """One thing that happened. `place` is where its reader may go on later; `row` None: not of the feed."""

    topic: str
    data: str
    place: Cursor
    row: int | None = None


@dataclass(eq=False, slots=True)
class Client:
    """One browser or program, and the rows that wait for it."""

    waiting: list[LiveRow] = field(default_factory=list)
    replayed: set[int] = field(default_factory=set)
    ended: bool = False
    hint: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, row: LiveRow) -> bool:
        """Hands it a row; False when it does not keep up."""
        if len(self.waiting) >= QUEUE_MOST:
            return False
        self.waiting.append(row)
        self.hint.set()
        return True

    def end(self) -> None:
        """Lets its stream end, whatever still waits."""
        self.waiting.clear()
        self.ended = True
        self.hint.set()

    async def next(self) -> list[LiveRow]:
        """All that waits, as soon as anything does; nothing after `QUIET`, and at the end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(QUIET.total_seconds()):
                await self.hint.wait()
        self.hint.clear()
        found, self.waiting = self.waiting, []
        return [row for row in found if row.row not in self.replayed]


@dataclass(eq=False, slots=True)
class _Audience:
    """Everyone of one organisation in one role: they may know the same."""

    caller: Caller
    tail: Tail
    clients: set[Client] = field(default_factory=set)


class Broadcast:
    """Reads the feed once for all clients of this process. Set `wake` at a hint; `run` it beside it."""

    def __init__(self, pool: Pool) -> None:
        self.wake = asyncio.Event()
        self._pool = pool
        self._audiences: dict[tuple[str, str], _Audience] = {}
        self._tail: Tail | None = None
        self._joining = asyncio.Lock()
        self._ended = False

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; then every client's stream ends. A database that is away is waited for."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                woken = asyncio.create_task(self.wake.wait())
                await asyncio.wait(
                    {stopped, woken},
                    timeout=POLL_EVERY.total_seconds(),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                woken.cancel()
                if stop.is_set():
                    return
                self.wake.clear()
                await self._round()
                await asyncio.wait({stopped}, timeout=BREATHE.total_seconds())
        finally:
            stopped.cancel()
            self._ended = True
            for audience in self._audiences.values():
                for client in audience.clients:
                    client.end()

    @asynccontextmanager
    async def joined(
        self, caller: Caller, after: Cursor | None, still_good: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[AsyncIterator[Sequence[LiveRow]]]:
        """The caller's stream: first what was missed since `after`, then what comes.

        It comes in pieces: whatever waits goes together, and an empty one says that nothing came for `QUIET`.
        It ends with the process, when the client does not keep up, and within a minute of its token's end
        (`still_good`). Raises OperationalError or PoolTimeout while it joins.
        """
        client = Client()
        audience = await self._join(caller, client)
        LIVE_CLIENTS.inc()
        watch = asyncio.create_task(_watch(client, still_good))
        try:
            missed = await self._missed(caller, client, after, audience)
            yield _pieces(client, missed)
        finally:
            watch.cancel()
            LIVE_CLIENTS.dec()
            self._leave(audience, client)

    async def _join(self, caller: Caller, client: Client) -> _Audience:
        key = (caller.organisation_id, caller.role)
        async with self._joining:
            audience = self._audiences.get(key)
            if audience is None:
                async with self._pool.connection() as conn:
                    place = await newest(conn)
                audience = self._audiences[key] = _Audience(caller, Tail(place))
            audience.clients.add(client)
        if self._ended:
            client.end()
        return audience

    def _leave(self, audience: _Audience, client: Client) -> None:
        audience.clients.discard(client)
        if not audience.clients:
            key = (audience.caller.organisation_id, audience.caller.role)
            if self._audiences.get(key) is audience:
                del self._audiences[key]

    async def _missed(
        self, caller: Caller, client: Client, after: Cursor | None, audience: _Audience
    ) -> list[LiveRow]:
        """The client is in its audience already, so what commits from now on waits in its queue."""
        if after is None:
            return [LiveRow("hello", "{}", audience.tail.settled)]
        async with self._pool.connection() as conn:
            row = await fetch_one(conn, _Q["feed_begins"])
            edge = await newest(conn)
        if row is not None and not _reaches_back(row, after):
            return [_reset(edge)]
        tail = Tail(after)
        missed: list[LiveRow] = []
        async with reading_as(self._pool, caller) as conn:
            while len(missed) <= REPLAY_MOST:
                rows = await tail.read(conn, _Q["live_rows"], BATCH)
                missed += [_live(place, row) for place, row in rows]
                if len(rows) < BATCH:
                    client.replayed = {row.row for row in missed if row.row is not None}
                    return missed
        return [_reset(edge)]

    async def _round(self) -> None:
        try:
            for audience in await self._concerned():
                await self._tell(audience)
        except (OperationalError, PoolTimeout) as error:
            self._tail = None  # whom the rows concern is asked of everyone next time
            LIVE_ROUNDS_FAILED.inc()
            log.warning("live stream waits for the database", error=type(error).__name__)

    async def _concerned(self) -> list[_Audience]:
        """The audiences that new rows concern; all of them at the first look."""
        if not self._audiences:
            self._tail = None
            return []
        if self._tail is None:
            async with self._pool.connection() as conn:
                self._tail = Tail(await newest(conn))
            return list(self._audiences.values())
        told: set[tuple[str, str | None]] = set()
        async with self._pool.connection() as conn:
            while rows := await self._tail.read(conn, _Q["concerned"], BATCH):
                for _, row in rows:
                    for organisation in row["organisations"]:
                        told.update((organisation, role) for role in row["roles"] or [None])
                if len(rows) < BATCH:
                    break
        return [
            audience
            for (organisation, role), audience in self._audiences.items()
            if (organisation, None) in told or (organisation, role) in told
        ]

    async def _tell(self, audience: _Audience) -> None:
        async with reading_as(self._pool, audience.caller) as conn:
            full = True
            while full:
                rows = await audience.tail.read(conn, _Q["live_rows"], BATCH)
                full = len(rows) == BATCH
                for found in [_live(place, row) for place, row in rows]:
                    self._hand_out(audience, found)

    def _hand_out(self, audience: _Audience, row: LiveRow) -> None:
        for client in list(audience.clients):
            if client.offer(row):
                LIVE_ROWS.inc()
            else:
                LIVE_DROPPED.inc()
                audience.clients.discard(client)
                client.end()


async def _pieces(client: Client, missed: Sequence[LiveRow]) -> AsyncIterator[Sequence[LiveRow]]:
    for first in range(0, len(missed), BATCH):
        yield missed[first : first + BATCH]
    while not client.ended:
        found = await client.next()
        if not client.ended:
            yield found


async def _watch(client: Client, still_good: Callable[[], Awaitable[bool]]) -> None:
    while True:
        await asyncio.sleep(CHECK_AGAIN.total_seconds())
        with contextlib.suppress(OperationalError, PoolTimeout):  # asked again in a minute
            if not await still_good():
                client.end()
                return


def _live(place: Cursor, row: Any) -> LiveRow:
    data = json.dumps({"at": row["at"].isoformat(), **row["payload"]}, separators=(",", ":"))
    return LiveRow(row["topic"], data, place, row["id"])


def _reaches_back(begins: Any, after: Cursor) -> bool:
    """Is everything after that place still there? Yes when nothing was ever trimmed, or not so far."""
    if begins["ever"] is None or begins["first"] == 1:
        return True
    return begins["xid"] is not None and (begins["xid"], begins["id"]) <= (after.xid, after.id)


def _reset(place: Cursor) -> LiveRow:
    return LiveRow("reset", '{"reason":"too much was missed; read the open alerts again"}', place)
