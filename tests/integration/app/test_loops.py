"""The loops around the sweeps, on a real database."""

import asyncio
from datetime import timedelta

import pytest

from app import loops
from app.clock import system_clock
from app.loops import Loop, run_loop, schedule_ticks
from db.pool import Connection, Pool, connection_arguments, fetch_all

HOUR = timedelta(hours=1)


async def _stopped_after(work_done: asyncio.Event, loop: Loop, pool: Pool) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(run_loop(loop, pool, system_clock, "here", stop))
    await asyncio.wait_for(work_done.wait(), 60)
    stop.set()
    loop.wake.set()
    await asyncio.wait_for(running, 20)


async def test_round_goes_on_until_nothing_is_due(pool: Pool) -> None:
    """A round takes batch after batch until one is empty, then says that it finished."""
    batches, done = iter([500, 500, 7, 0]), asyncio.Event()

    async def work() -> int:
        rows = next(batches, 0)
        if rows == 0:
            done.set()
        return rows

    loop = Loop("care", HOUR, work)
    await _stopped_after(done, loop, pool)
    async with pool.connection() as conn:
        beats = await fetch_all(conn, "SELECT role, instance, every FROM beat")
    assert next(batches, None) is None
    assert beats == [{"role": "care", "instance": "here", "every": HOUR}]


async def test_failed_round_is_tried_again(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round that raises ends neither the loop nor the rounds after it, and gives no beat."""
    monkeypatch.setattr(loops, "FAILED_ROUND_PAUSE", 0.01)
    tries, done = 0, asyncio.Event()

    async def work() -> int:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise RuntimeError("a poisoned row")
        done.set()
        return 0

    await _stopped_after(done, Loop("care", HOUR, work), pool)
    assert tries == 3


async def test_a_copy_that_was_frozen_amid_its_rows_lets_go_of_what_it_had_claimed(
    pool: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every round of every loop ends connections of ours for whose rows the database waits too long."""
    monkeypatch.setattr(loops, "FROZEN_AFTER", timedelta(seconds=1))
    free = asyncio.Event()

    async def work() -> int:
        async with pool.connection() as conn:
            held = await fetch_all(conn, "SELECT FROM pg_locks WHERE relation = 'contact'::regclass")
        if not held:
            free.set()
        await asyncio.sleep(0.1)
        return 0

    async with await Connection.connect(database_url, **connection_arguments("frozen")) as frozen:
        await frozen.execute("LOCK TABLE contact")
        copying = frozen.cursor().copy("COPY feed FROM STDIN")
        await copying.__aenter__()
        loop = Loop("care", timedelta(seconds=0.2), work)
        ticks = schedule_ticks([loop])
        ticks.start()
        try:
            await _stopped_after(free, loop, pool)
        finally:
            ticks.shutdown()
        await frozen.close()


async def test_tick_begins_a_round(pool: Pool) -> None:
    """The scheduler's tick alone is enough, when every hint is lost."""
    rounds, done = 0, asyncio.Event()

    async def work() -> int:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            done.set()
        return 0

    loop = Loop("care", timedelta(milliseconds=50), work)
    scheduler = schedule_ticks([loop])
    scheduler.start()
    try:
        await _stopped_after(done, loop, pool)
    finally:
        scheduler.shutdown(wait=False)
