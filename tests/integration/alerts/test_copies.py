"""Three copies of the alerts role at once, and one of them killed again and again: each step once."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from alerts.ladder import restore, steps_due
from alerts.store import duty_from
from tests.integration.alerts.conftest import NINE, World

ALERTS = 20
ROUNDS = 4


class Copies:
    """Processes that sweep at the time that stands in a file."""

    def __init__(self, url: str, told: Path) -> None:
        self._command = [sys.executable, "-m", "tests.integration.alerts.sweeping", url, str(told)]
        self._told = told
        self._running: list[subprocess.Popen[bytes]] = []

    def say(self, now: datetime) -> None:
        """It is now this time, for all of them; they never read half of it."""
        fresh = self._told.with_suffix(".new")
        fresh.write_text(now.isoformat())
        fresh.replace(self._told)

    def start(self) -> None:
        """One copy more."""
        self._running.append(subprocess.Popen(self._command))

    def kill_one(self) -> None:
        """SIGKILL for the oldest, and another in its place."""
        oldest = self._running.pop(0)
        oldest.kill()
        oldest.wait()
        self.start()

    def stop(self) -> None:
        """Ends all of them; raises when one had failed by itself."""
        self._told.unlink()
        assert [copy.wait(timeout=30) for copy in self._running] == [0] * len(self._running)


@contextmanager
def three_copies(url: str, told: Path) -> Iterator[Copies]:
    """Three of them, ended with the test."""
    copies = Copies(url, told)
    copies.say(NINE)
    for _ in range(3):
        copies.start()
    try:
        yield copies
    finally:
        copies.stop()


async def test_each_step_is_taken_once_by_three_copies_across_kills(
    world: World, database_url: str, tmp_path: Path
) -> None:
    """Every step of every ladder is in the history exactly once, at its true due time, and told once."""
    with three_copies(database_url, tmp_path / "now") as copies:
        for number in range(ALERTS):
            await world.raises(world.visit_alert(visit_ref=f"v{number}"))
        for _ in range(ROUNDS):
            world.advance(minutes=10)
            copies.say(world.now)
            copies.kill_one()
            await nothing_due(world)
    expected, taken = [], []
    for row in await world.rows("SELECT * FROM duty"):
        duty = duty_from(row)
        ladder = restore(duty.ladder, duty.ladder_step)
        steps = steps_due(
            ladder, duty.raised_at, lambda audience, at: True, after_step=0, after=None, until=world.now
        )
        expected += [(duty.id, step.number, step.due_at) for step in steps]
    for line in await world.rows("SELECT duty_id, at, detail FROM alert_history WHERE what = 'step'"):
        every = timedelta(minutes=15)
        times = line["detail"].get("times", 1)
        taken += [(line["duty_id"], line["detail"]["step"], line["at"] + every * n) for n in range(times)]
    assert len(expected) == 7 * ALERTS
    assert sorted(taken) == sorted(expected)
    told = await world.rows(
        "SELECT duty_id, contact_id, channel, step FROM delivery GROUP BY 1, 2, 3, 4 HAVING count(*) > 1"
    )
    assert told == []


async def nothing_due(world: World) -> None:
    """Returns once the copies have taken everything that is due; fails when they do not."""
    for _ in range(600):
        rows = await world.rows("SELECT id FROM duty WHERE next_check_at <= %s LIMIT 1", world.now)
        if not rows:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the copies have left something due")
