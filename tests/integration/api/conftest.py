"""The API over a furnished database, asked in-process; `served` is the same on a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from api.application import build
from api.live import Broadcast
from db.pool import Connection, Pool
from tests.integration.api import world


@dataclass
class Clock:
    """A clock that a test moves."""

    now: datetime = world.NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        """Later by so much."""
        self.now += timedelta(**parts)


@dataclass
class House:
    """The furnished estate behind its API."""

    pool: Pool
    app: FastAPI
    broadcast: Broadcast
    clock: Clock
    tokens: dict[str, str]
    _clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def as_(self, who: str | None) -> httpx.AsyncClient:
        """A client signed in as one of `world.HOLDERS`; None: nobody."""
        key = who or ""
        if key not in self._clients:
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
                base_url="http://threshold.test",
                headers={"Authorization": f"Bearer {self.tokens[who]}"} if who else {},
            )
            self._clients[key] = await self._stack.enter_async_context(client)
        return self._clients[key]


@pytest.fixture
async def furnished(connection: Connection) -> None:
    """The estate of `world` in the test's database."""
    await world.furnish(connection)


@pytest.fixture
async def house(furnished: None, pool: Pool) -> AsyncIterator[House]:
    """The API over the furnished database."""
    clock = Clock()
    broadcast = Broadcast(pool)
    app = build(pool, clock, broadcast)
    made = House(pool, app, broadcast, clock, await world.sign_in(pool))
    stop = asyncio.Event()
    running = asyncio.create_task(broadcast.run(stop))
    async with made._stack:
        yield made
    stop.set()
    await running
