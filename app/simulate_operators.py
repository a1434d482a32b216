"""Simulated operators of a monitoring centre: they take the next alert, talk, and close it, by the API."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import httpx
import structlog

from device_sim.clock import HurriedClock
from device_sim.world.chance import Chance

log = structlog.get_logger(__name__)

REACTION = (4, 40)
"""Seconds until an operator who is free takes what is in the queue. Ours."""
TALK = (1.0, 5.0)
"""Minutes with the resident. Ours."""
LOOK_EVERY = timedelta(seconds=5)
"""Between two looks at an empty queue. Ours."""
LEAST_PAUSE = 0.05
"""Real seconds between two looks, however fast the clock runs."""


async def answer(address: str, tokens: Sequence[str], clock: HurriedClock, seed: int) -> None:
    """As many operators as tokens answer until they are cancelled."""
    async with (
        httpx.AsyncClient(base_url=f"{address}/api/v1", timeout=30) as client,
        asyncio.TaskGroup() as all_,
    ):
        for number, token in enumerate(tokens):
            all_.create_task(_operator(client, token, clock, Chance(seed, "operator", number)))


async def _operator(client: httpx.AsyncClient, token: str, clock: HurriedClock, chance: Chance) -> None:
    async def pause(length: timedelta) -> None:
        await clock.sleep(max(LEAST_PAUSE, length.total_seconds() / clock.speed))

    async def post(path: str, body: dict[str, str] | None = None) -> httpx.Response | None:
        """The answer; None when the service did not give one, or another was faster."""
        try:
            response = await client.post(path, json=body, headers={"Authorization": f"Bearer {token}"})
        except httpx.TransportError as error:
            log.debug("an operator had no answer", reason=str(error))
            return None
        return response if response.is_success else None

    while True:
        taken = await post("/alerts/next")
        if taken is None or taken.status_code == httpx.codes.NO_CONTENT:
            await pause(LOOK_EVERY)
            continue
        duty = taken.json()["duty"]["id"]
        await pause(timedelta(seconds=chance.whole(REACTION)))
        # Acknowledged, and not only claimed: a claim ends by itself when its console is not heard of.
        await post(f"/duties/{duty}/acknowledge", {"note": "speaking with the resident"})
        await pause(chance.minutes(TALK))
        await post(f"/duties/{duty}/close", {"outcome": "reassurance"})
