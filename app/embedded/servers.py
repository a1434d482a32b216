"""Database and broker together, for the time of a block."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from app.embedded.broker import EmbeddedBroker
from app.embedded.errors import EmbeddedError
from app.embedded.postgres import EmbeddedPostgres
from app.errors import Fault
from db.migrate import migrate


@asynccontextmanager
async def embedded_servers(directory: Path, mqtt_port: int) -> AsyncIterator[tuple[str, str]]:
    """URLs of a migrated database and a broker, both kept below `directory`. Raises Fault in one line.

    They start and stop in threads, because that takes seconds and the loop has other work.
    """
    postgres = EmbeddedPostgres(directory / "postgres")
    broker = EmbeddedBroker(mqtt_port, directory / "broker")
    async with AsyncExitStack() as stack:
        try:
            mqtt_url = await asyncio.to_thread(broker.start)
            stack.push_async_callback(asyncio.to_thread, broker.stop)
            database_url = await asyncio.to_thread(postgres.start)
            stack.push_async_callback(asyncio.to_thread, postgres.stop)
        except EmbeddedError as error:
            raise Fault(str(error)) from None
        await migrate(database_url)
        yield database_url, mqtt_url
