"""The connection pool. Every connection speaks UTC, hands out rows as dicts, and says who it is."""

from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

Connection = AsyncConnection[DictRow]
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
    """Arguments for every connection of ours. A dead peer is noticed in half a minute, not in two hours."""
    return {
        "row_factory": dict_row,
        "application_name": f"threshold {name}",
        "options": "-c timezone=UTC -c idle_in_transaction_session_timeout=60s",
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }


async def fetch_all(conn: Connection, sql: LiteralString, **arguments: Any) -> list[DictRow]:
    """All rows of a statement with named arguments."""
    cursor = await conn.execute(sql, arguments)
    return await cursor.fetchall()


async def fetch_one(conn: Connection, sql: LiteralString, **arguments: Any) -> DictRow | None:
    """The first row, or None."""
    cursor = await conn.execute(sql, arguments)
    return await cursor.fetchone()


async def execute(conn: Connection, sql: LiteralString, **arguments: Any) -> int:
    """Runs a statement and returns how many rows it touched."""
    cursor = await conn.execute(sql, arguments)
    return cursor.rowcount
