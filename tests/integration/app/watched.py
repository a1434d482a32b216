"""What a watcher watches: intake and a delivery worker, on real servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.channels import WebhookChannel
from alerts.monitor import MonitorSink
from alerts.worker import DeliveryWorker
from db.pool import Pool
from gateway.broker import Broker
from gateway.topics import Topics
from ingest.worker import IngestWorker


class Clock:
    """The true time, and so much more as a test likes."""

    ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@asynccontextmanager
async def service(url: str, broker: Broker, pool: Pool, clock: Clock) -> AsyncIterator[None]:
    """Intake, and a delivery worker that looks often."""
    stop, hints = asyncio.Event(), asyncio.Event()
    intake = IngestWorker(
        url,
        broker,
        clock,
        instance="test",
        topics=Topics(),
        batch_size=100,
        batch_wait=0.005,
        commands=hints,
    )
    worker = DeliveryWorker(
        pool, clock, {"webhook": MonitorSink(WebhookChannel(allow_private=True))}, "http://console"
    )

    async def delivers() -> None:
        while not stop.is_set():
            await worker.deliver_due()
            await asyncio.sleep(0.05)
        await worker.stop()

    tasks = [asyncio.create_task(intake.run(stop)), asyncio.create_task(delivers())]
    try:
        while not await rows(pool, "SELECT id FROM intake WHERE connected_at IS NOT NULL"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def rows(pool: Pool, sql: str) -> list[dict[str, Any]]:
    """What the database holds."""
    async with pool.connection() as conn:
        return await (await conn.execute(sql.encode())).fetchall()
