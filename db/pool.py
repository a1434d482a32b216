"""The connection pool. Every connection speaks UTC, hands out rows as dicts, and says who it is."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap
from psycopg.rows import DictRow, TupleRow, dict_row, tuple_row
from psycopg.types.array import ListDumper
from psycopg_pool import AsyncConnectionPool

Connection = AsyncConnection[DictRow]


class _PlainListDumper(ListDumper):
    """Lists of words or of times in one go: psycopg looks at each item by itself, much of a sweep's work."""

    def dump(self, obj: list[Any]) -> Buffer | None:
        kinds = {type(item) for item in obj}
        if kinds == {datetime}:
            return b'{"' + '","'.join(map(str, obj)).encode() + b'"}'
        if kinds == {str}:
            text = '","'.join(obj)
            if "\\" not in text and "\0" not in text and text.count('"') == 2 * (len(obj) - 1):
                return b'{"' + text.encode() + b'"}'
        return super().dump(obj)


@dataclass(frozen=True)
class _Adaptation:
    """How values are written, for connections to take on."""

    adapters: AdaptersMap
    connection: None = None


@cache
def _adaptation() -> _Adaptation:
    adapters = AdaptersMap(psycopg.adapters)
    adapters.register_dumper(list, _PlainListDumper)
    return _Adaptation(adapters)


Pool = AsyncConnectionPool[Connection]


def make_pool(url: str, *, name: str, min_size: int = 1, max_size: int = 8, timeout: float = 30.0) -> Pool:
    """A pool that is not opened yet: `await pool.open()` in the composition, `await pool.close()` there too.

    `timeout` in seconds bounds the wait for a connection; psycopg_pool raises PoolTimeout past it.
    """
    return AsyncConnectionPool(
        url,
        connection_class=Connection,
        kwargs=connection_arguments(name),
        min_size=min_size,
        max_size=max_size,
        timeout=timeout,
        check=AsyncConnectionPool.check_connection,
        open=False,
        name=name,
    )


def connection_arguments(name: str) -> dict[str, Any]:
    """Arguments for every connection of ours. Either end notices in half a minute that the other's machine is
    gone, not in two hours: a lock of the dead is a lock of ours.
    """
    return {
        "row_factory": dict_row,
        "context": _adaptation(),
        "application_name": f"threshold {name}",
        "options": _OPTIONS,
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }


_OPTIONS = (
    "-c timezone=UTC -c idle_in_transaction_session_timeout=60s -c tcp_keepalives_idle=10"
    " -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c tcp_user_timeout=15000"
)

_AT_ONCE = 500  # rows that are made at a stretch: a few milliseconds


async def fetch_all(conn: Connection, sql: LiteralString, **arguments: Any) -> list[DictRow]:
    """All rows of a statement with named arguments."""
    cursor = await conn.execute(sql, arguments)
    return await cursor.fetchall()


async def fetch_tuples(conn: Connection, sql: LiteralString, **arguments: Any) -> list[TupleRow]:
    """All rows as tuples, for what is read by the hundred thousand: making dicts is a third of reading.

    In pieces, between which others in this process get their turn.
    """
    cursor = conn.cursor(binary=True, row_factory=tuple_row)
    await cursor.execute(sql, arguments)
    rows: list[TupleRow] = []
    while some := await cursor.fetchmany(_AT_ONCE):
        rows += some
        if len(some) == _AT_ONCE:
            await asyncio.sleep(0)
    return rows


async def fetch_one(conn: Connection, sql: LiteralString, **arguments: Any) -> DictRow | None:
    """The first row, or None."""
    cursor = await conn.execute(sql, arguments)
    return await cursor.fetchone()


async def execute(conn: Connection, sql: LiteralString, **arguments: Any) -> int:
    """Runs a statement and returns how many rows it touched."""
    cursor = await conn.execute(sql, arguments)
    return cursor.rowcount
