"""The API and the console on a real socket of the loopback, in the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from api.live import Broadcast
from app.listen import listen
from db.wake import LIVE
from tests.support.processes import free_port


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the test run's affair."""
        yield


@asynccontextmanager
async def served(app: FastAPI, broadcast: Broadcast, database_url: str) -> AsyncIterator[str]:
    """Serves `app`, with the live stream running and hints heard; gives its address."""
    port = free_port()
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_config=None,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=2,
    )
    server = _Server(config)
    stop = asyncio.Event()
    tasks = [
        asyncio.create_task(server.serve()),
        asyncio.create_task(broadcast.run(stop)),
        asyncio.create_task(listen(database_url, {LIVE: [broadcast.wake]}, stop)),
    ]
    try:
        while not server.started:
            await asyncio.sleep(0.01)
            for task in tasks:
                if task.done():
                    task.result()
        yield f"http://127.0.0.1:{port}"
    finally:
        stop.set()
        server.should_exit = True
        await asyncio.gather(*tasks)
