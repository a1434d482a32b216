"""An intake that runs: a real database, a real broker, and homes that speak by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiomqtt
import msgspec

from app.clock import system_clock
from db.pool import Connection, connection_arguments, fetch_one
from gateway.broker import broker_at
from ingest.worker import IngestWorker

WITHIN = 60.0
"""Seconds after which a test gives up; nothing here is expected to take long."""


async def until(holds: Callable[[], Any], within: float = WITHIN) -> None:
    """Waits until something holds that other tasks bring about; it may be awaitable."""
    async with asyncio.timeout(within):
        while True:
            answer = holds()
            if await answer if asyncio.iscoroutine(answer) else answer:
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def intake(
    database_url: str,
    mqtt_url: str,
    *,
    instance: str = "one",
    standby: bool = False,
    client_id: str = "threshold-gateway",
    **options: Any,
) -> AsyncIterator[asyncio.Event]:
    """An intake that runs until the end of the block, or until the event is set.

    The block begins when it listens, or with `standby=True` at once.
    """
    stop = asyncio.Event()
    worker = IngestWorker(
        database_url,
        broker_at(mqtt_url, client_id=client_id),
        system_clock,
        instance=instance,
        **options,
    )
    running = asyncio.create_task(worker.run(stop))
    try:
        if not standby:
            await until(lambda: _listens(database_url, instance))
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(running, WITHIN)


async def _listens(database_url: str, instance: str) -> bool:
    async with await Connection.connect(database_url, **connection_arguments("test")) as conn:
        row = await fetch_one(conn, "SELECT holder FROM intake WHERE connected_at IS NOT NULL")
    return row is not None and row["holder"] == instance


@dataclass
class Hand:
    """A home played by hand: what it published, what it was told, what it was asked to do."""

    hub: str
    client: aiomqtt.Client
    stored: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    commands: list[dict[str, Any]] = field(default_factory=list)

    async def says(self, *events: dict[str, Any] | bytes) -> None:
        """Publishes one message: an event alone, or several as an array."""
        parts = [part if isinstance(part, bytes) else msgspec.json.encode(part) for part in events]
        payload = parts[0] if len(parts) == 1 else b"[" + b",".join(parts) + b"]"
        await self.client.publish(f"threshold/v1/{self.hub}/events", payload, qos=1)

    async def is_told(self, *ids: str) -> None:
        """Waits until receipts name these ids."""
        await until(lambda: set(ids) <= {*self.stored, *self.refused})

    async def listen(self) -> None:
        async for message in self.client.messages:
            content = msgspec.json.decode(message.payload)
            if str(message.topic).endswith("/commands"):
                self.commands.append(content)
            else:
                self.stored += content["stored"]
                self.refused |= {one["id"]: one["reason"] for one in content["rejected"]}


@asynccontextmanager
async def home(port: int, hub: str = "hub-12") -> AsyncIterator[Hand]:
    """A home that is connected and listens for receipts and commands."""
    async with aiomqtt.Client("127.0.0.1", port, identifier=hub, clean_session=False) as client:
        await client.subscribe(f"threshold/v1/{hub}/receipts", qos=1)
        await client.subscribe(f"threshold/v1/{hub}/commands", qos=1)
        hand = Hand(hub, client)
        listening = asyncio.create_task(hand.listen())
        try:
            yield hand
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
