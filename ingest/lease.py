"""The right to write: one copy of the intake has it, by a lock on each of its connections.

A lock ends with its connection, however that ends. A copy that is frozen says nothing, and the database ends
its connection; amid a COPY the database would wait for ever, so that there the next copy ends it.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from db.pool import Connection, connection_arguments
from ingest import lease_store
from ingest.gather import Lane

FROZEN_AFTER = "5s"
"""The database ends the connection of a copy that was frozen so long, and its lease and locks with it."""


@asynccontextmanager
async def lease(
    database_url: str, client_id: str, instance: str
) -> AsyncIterator[Mapping[Lane, Connection] | None]:
    """A connection for each lane, or None when another copy with this client id may write.

    The first lane's lock decides: who has it ends what the copy before left on the others. Raises
    psycopg.Error.
    """
    async with AsyncExitStack() as open_ones:
        connections: dict[Lane, Connection] = {}
        for lane in Lane:
            # Connections of our own, not pooled ones: they end with the lease.
            conn = await AsyncConnection[DictRow].connect(
                database_url, autocommit=True, **connection_arguments(f"intake {instance} {lane}")
            )
            open_ones.push_async_callback(conn.close)
            name = f"intake lane {lane} {client_id}" if connections else f"intake {client_id}"
            await lease_store.end_holder(conn, name, frozen_for=None if connections else FROZEN_AFTER)
            if not await lease_store.take_lease(conn, name):
                yield None
                return
            if not connections:  # only this one speaks every second, whatever homes say
                await lease_store.end_when_frozen(conn, FROZEN_AFTER)
            await lease_store.end_transaction_when_frozen(conn, FROZEN_AFTER)
            connections[lane] = conn
        yield connections
