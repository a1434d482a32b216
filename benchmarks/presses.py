"""A home in which somebody presses again and again, and how long each press takes to its receipt."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiomqtt

HUB = "hub-1000"


class Stopwatch:
    """When each press was published, receipted and seen on the live stream."""

    def __init__(self) -> None:
        self.published: dict[str, float] = {}
        self.receipted: dict[str, float] = {}
        self.shown: dict[str, float] = {}

    def waits(self, until: dict[str, float]) -> list[float]:
        """Seconds from publishing to that."""
        return [until[id_] - self.published[id_] for id_ in self.published if id_ in until]


async def press(client: aiomqtt.Client, watch: Stopwatch, id_: str, device: str = "pendant-1") -> None:
    """One press of a pendant."""
    event = {"id": id_, "type": "alarm.pendant", "at": datetime.now(UTC).isoformat(), "device": device}
    watch.published[id_] = time.monotonic()
    await client.publish(f"threshold/v1/{HUB}/events", json.dumps(event), qos=1)


@asynccontextmanager
async def pressing_home(port: int, watch: Stopwatch) -> AsyncIterator[aiomqtt.Client]:
    """The home that presses, listening for its receipts."""

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            for id_ in json.loads(message.payload)["stored"]:
                watch.receipted.setdefault(id_, time.monotonic())

    async with aiomqtt.Client("127.0.0.1", port, identifier=HUB) as client:
        await client.subscribe(f"threshold/v1/{HUB}/receipts", qos=1)
        listening = asyncio.create_task(listen(client))
        try:
            yield client
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
