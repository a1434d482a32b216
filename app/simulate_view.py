"""How a fleet is doing: a picture on a terminal, or a line of JSON a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec
import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from device_sim.fleet import Fleet
from device_sim.world.people import ZONE

LOOK_EVERY = 1.0
"""Seconds between two looks at the fleet."""


class Looks:
    """Looks at a fleet, each compared with the one before. `now` is the homes' clock."""

    def __init__(
        self,
        fleet: Fleet,
        now: Callable[[], datetime],
        end: datetime,
        happened: Callable[[], int] | None = None,
    ) -> None:
        self._fleet, self._now, self._happened = fleet, now, happened
        self._begin, self._end = now(), end
        self._before = (time.monotonic(), fleet.tally().stored)

    def state(self) -> dict[str, Any]:
        """Counts, latencies in seconds, receipts a (real) second, and how much of the time is over."""
        tally, moment, real = self._fleet.tally(), self._now(), time.monotonic()
        then, stored = self._before
        self._before = (real, tally.stored)
        share = (moment - self._begin) / (self._end - self._begin)
        return {
            "now": moment,
            "share": round(min(1.0, max(0.0, share)), 4),
            "happened": None if self._happened is None else self._happened(),
            "receipts_a_second": round((tally.stored - stored) / max(real - then, 0.001), 1),
        } | asdict(tally)

    async def watch(self, work: Awaitable[None], *, headless: bool) -> None:
        """Await the work, showing the fleet every second meanwhile and once more at its end."""
        if headless:
            await _meanwhile(work, lambda: typer.echo(msgspec.json.encode(self.state()).decode()))
            return
        with Live(console=Console(stderr=True), auto_refresh=False) as picture:
            await _meanwhile(work, lambda: picture.update(view(self.state()), refresh=True))


async def _meanwhile(work: Awaitable[None], show: Callable[[], None]) -> None:
    running = asyncio.ensure_future(work)
    try:
        while not running.done():
            show()
            await asyncio.wait({running}, timeout=LOOK_EVERY)
    finally:
        running.cancel()
    await running
    show()


def view(now: dict[str, Any]) -> Group:
    """The picture: a table of counts, rates and latencies over a bar of simulated time."""
    table = Table(show_header=False, box=None)
    moment: datetime = now["now"]
    table.add_row("simulated time", f"{moment.astimezone(ZONE):%a %Y-%m-%d %H:%M:%S}")
    table.add_row("homes connected", f"{now['connected']:,} of {now['homes']:,}")
    if now["happened"] is not None:
        table.add_row("happened", f"{now['happened']:,}")
    table.add_row(
        "receipted", f"{now['stored']:,} stored, {now['rejected']:,} rejected, {now['in_store']:,} owed"
    )
    table.add_row(
        "rate", f"{now['receipts_a_second']:,.0f} receipts a second, {now['sent_again']:,} said again"
    )
    table.add_row("to receipt", _words(now["to_receipt"]))
    table.add_row("press to receipt", f"{_words(now['press_to_receipt'])} ({now['presses']:,} presses)")
    return Group(table, ProgressBar(total=1.0, completed=now["share"], width=60))


def _words(latencies: dict[str, float | None]) -> str:
    known = {name: seconds for name, seconds in latencies.items() if seconds is not None}
    return ", ".join(f"{name} {seconds * 1000:.1f} ms" for name, seconds in known.items()) or "none yet"
