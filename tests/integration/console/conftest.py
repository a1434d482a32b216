"""The console over the furnished estate of the API's tests, asked in-process."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

import console
from api.application import build
from api.live import Broadcast
from db.pool import Connection, Pool
from tests.integration.api import world
from tests.integration.api.conftest import Clock


@dataclass
class Screen:
    """The console in-process."""

    client: httpx.AsyncClient
    tokens: dict[str, str]
    routes: set[tuple[str, str]]
    clock: Clock
    pool: Pool

    async def sign_in(self, who: str) -> str:
        """Signs in and returns the session's word."""
        self.client.cookies.clear()
        answer = await self.client.post("/sign-in", data={"key": self.tokens[who]})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        word = re.search(r'data-csrf="([^"]+)"', (await self.client.get("/")).text)
        assert word is not None
        return word[1]


@pytest.fixture
async def screen(connection: Connection, pool: Pool) -> AsyncIterator[Screen]:
    """The console over the estate of `world`."""
    await world.furnish(connection)
    clock = Clock()
    app = build(pool, clock, Broadcast(pool), pages=console.build(letters=list))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    routes = {
        (method, route.path)
        for router in app.routes
        if hasattr(router, "effective_route_contexts")
        for route in router.effective_route_contexts()
        for method in route.methods
        if not route.path.startswith(("/api/", "/healthz", "/readyz", "/metrics"))
    }
    async with httpx.AsyncClient(transport=transport, base_url="https://threshold.test") as client:
        yield Screen(client, await world.sign_in(pool), routes, clock, pool)
