"""Who is asking. A request's reads run as `threshold_caller` with its organisation and role in force,
so that the database itself withholds what they may not see (db/migrations/0004_access.sql)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from db.pool import Connection, Pool


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in person or program. `name` is shown beside what they did."""

    organisation_id: str
    role: str
    name: str
    token_id: int


@asynccontextmanager
async def reading_as(pool: Pool, caller: Caller) -> AsyncIterator[Connection]:
    """A read-only transaction that sees exactly what the caller may see."""
    async with pool.connection() as conn, conn.transaction():
        async with conn.pipeline():  # sent in one go: every request begins so, and every look of a stream
            await conn.execute("SET TRANSACTION READ ONLY")
            await become(conn, caller)
        yield conn


async def become(conn: Connection, caller: Caller) -> None:
    """Puts the rest of the transaction under the caller's rights."""
    await conn.execute(
        "SELECT set_config('threshold.organisation', %s, true), set_config('threshold.role', %s, true)",
        (caller.organisation_id, caller.role),
    )
    await conn.execute("SET LOCAL ROLE threshold_caller")
