"""(b) How long a press takes to its receipt, and to the live stream, while 1,000 events a second pass.

A receipt is sent after the commit, so its time is an upper bound of publish → committed. (d) The memory of
the whole service meanwhile.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx

from api.tokens import create_token
from app.clock import system_clock
from benchmarks.figures import Figure, quantile
from benchmarks.presses import Stopwatch, press, pressing_home
from benchmarks.stage import Stage, stage

PRESSES = 200
PAUSE = 0.1
"""Seconds between two presses: twenty seconds in all."""
BACKGROUND = 1000


async def run() -> Sequence[Figure]:
    """Presses, one after the other, under the background load."""
    watch = Stopwatch()
    async with stage() as standing:
        background = await standing.load(
            "200", str(int(BACKGROUND * (PRESSES * PAUSE + 4))), "--rate", str(BACKGROUND)
        )
        async with live(standing, watch), pressing_home(standing.broker.port, watch) as client:
            loading = asyncio.create_task(background.go())
            await asyncio.sleep(2)
            for number in range(PRESSES):
                await press(client, watch, f"press-{number}")
                await asyncio.sleep(PAUSE)
            measured = await loading
            async with asyncio.timeout(20):
                while len(watch.shown) < PRESSES or len(watch.receipted) < PRESSES:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        memory = standing.most_memory / 2**20
    committed, shown = watch.waits(watch.receipted), watch.waits(watch.shown)
    rate = measured["receipted"] / measured["seconds"]
    beside = f"beside {rate:.0f} events/s"
    return (
        Figure("b", "press → receipt after commit, p50", 1000 * quantile(committed, 0.5), "ms", "", beside),
        Figure(
            "b",
            "press → receipt after commit, p99",
            1000 * quantile(committed, 0.99),
            "ms",
            "at most 100",
            beside,
        ),
        Figure("b", "press → live stream, p50", 1000 * quantile(shown, 0.5), "ms", "", beside),
        Figure("b", "press → live stream, p99", 1000 * quantile(shown, 0.99), "ms", "at most 100", beside),
        Figure("b", "any event → receipt, p99", 1000 * measured["p99"], "ms", "", beside),
        Figure("d", "memory of the whole service meanwhile", memory, "MiB"),
    )


@asynccontextmanager
async def live(standing: Stage, watch: Stopwatch) -> AsyncIterator[None]:
    """An operator on the live stream."""
    async with await standing.connect() as conn:
        token = await create_token(conn, "northgate", "operator", "benchmark", system_clock())
    opened = asyncio.Event()
    reached: list[str] = []

    async def listen() -> None:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=standing.api, headers=headers, timeout=None) as client:
            while True:  # as a browser does: come back with the place that was reached
                place = {"Last-Event-ID": reached[0]} if reached else {}
                async with client.stream("GET", "/api/v1/live", headers=place) as stream:
                    stream.raise_for_status()
                    opened.set()
                    async for line in stream.aiter_lines():
                        if line.startswith("id:"):
                            reached[:] = [line[3:].strip()]
                        elif line.startswith("data:") and '"press-' in line:
                            watch.shown.setdefault(json.loads(line[5:])["id"], time.monotonic())

    listening = asyncio.create_task(listen())
    try:
        waiting = asyncio.create_task(opened.wait())
        await asyncio.wait({waiting, listening}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        if listening.done():
            listening.result()
        yield
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
