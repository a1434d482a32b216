"""(a) Events per second from Mosquitto to committed rows with receipts, for a minute, while somebody presses;
beside COPY of the same rows and beside mq-bridge, in the same run on the same database and broker.
(d) The memory of the process that did it.

The homes of the load have a number of events without a receipt at a time and send the next when one comes,
so the rate is what the whole way sustains, receipts included. What each process used of the processors is
counted too: unlike a rate it hardly depends on what else the machine is doing.
"""

import asyncio
import os
import sys
import time
from collections.abc import Sequence

from benchmarks.figures import Figure, quantile
from benchmarks.presses import HUB, Stopwatch, press, pressing_home
from benchmarks.stage import Stage, stage

WARM_UP = 5_000
SECONDS = 60.0
ARRAY_SECONDS = 10.0
HISTORY_SECONDS = 10.0
PRESS_EVERY = 0.2
HOMES = "200"
WINDOW = "10"
"""Events that each home has without a receipt: 2,000 in all, a fifth of a second at the wanted rate."""
ARRAY = "20"
"""Events in a message, as a hub sends what it kept while its line was down."""
REFERENCE = 60_000
"""Rows of the references; the broker queues 100,000 messages for a bridge that is slower than the load."""
ENDLESS = str(10**9)

TARGETS = """
CREATE TABLE event_copy (LIKE event INCLUDING ALL);
CREATE UNIQUE INDEX event_copy_once ON event_copy (hub_id, id);
CREATE TABLE bridged (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload bytea);
"""
HISTORY = """
WITH kept AS (
    SELECT generate_series AS n FROM generate_series(1, 9)
), receipts AS (
    INSERT INTO receipt (hub_id, event_id, received_at, digest)
    SELECT hub_id, event_id || '-' || n, received_at - make_interval(days => n), digest FROM receipt, kept
)
INSERT INTO event (received_at, hub_id, id, type, at, effective_at, dwelling_id, device, seq, boot, data)
SELECT received_at - make_interval(days => n), hub_id, id || '-' || n, type, at, effective_at, dwelling_id,
       device, seq, boot, data
FROM event, kept
"""


async def run() -> Sequence[Figure]:
    """Measures the intake, the references right after it, and the intake again with ten times the history."""
    beside = f"machine's load before: {os.getloadavg()[0]:.1f}"
    async with stage("ingest") as standing:
        await (await standing.load(HOMES, str(WARM_UP), "--first", "501", "--window", WINDOW)).go()
        watch = Stopwatch()
        alone = await _measure(standing, 2, SECONDS, watch=watch)
        commits = await standing.commits(HUB)
        arrays = await _measure(standing, 3, ARRAY_SECONDS, "--array", ARRAY, "--window", "60")
        memory = standing.most_memory / 2**20
        await _settle(standing)
        before = await _measure(standing, 4, HISTORY_SECONDS)
        async with await standing.connect() as conn:
            await conn.execute(HISTORY)
        await _settle(standing)
        after = await _measure(standing, 5, HISTORY_SECONDS)
        standing.service.stop()
        async with await standing.connect() as conn:
            await conn.execute(TARGETS)
        copied = await _copy(standing)
        bridged = await _bridge(standing)
    presses = watch.waits(watch.receipted)
    rate = alone["rate"]
    return (
        Figure("a", "Mosquitto to committed rows and receipts", rate, "events/s", "at least 10,000", beside),
        Figure("a", "the same in arrays of 20", arrays["rate"], "events/s"),
        Figure("a", "COPY of the same rows, one unique index", copied, "rows/s"),
        Figure("a", "share of COPY", 100 * rate / copied, "%"),
        Figure("a", "mq-bridge: Mosquitto to rows, nothing else", bridged, "rows/s"),
        Figure("a", "share of mq-bridge", 100 * rate / bridged, "%", "at least 100"),
        *(
            Figure("a", f"processor of the {name}", 1e6 * alone[name], "µs/event")
            for name in ("intake", "broker", "database", "load")
        ),
        Figure("a", "receipt at full rate, p50", 1000 * alone["p50"], "ms"),
        Figure("a", "receipt at full rate, p99", 1000 * alone["p99"], "ms"),
        Figure("a", "press → committed at full rate, p50", 1000 * quantile(commits, 0.5), "ms"),
        Figure(
            "a", "press → committed at full rate, p99", 1000 * quantile(commits, 0.99), "ms", "at most 50"
        ),
        Figure("a", "press → receipt at full rate, p50", 1000 * quantile(presses, 0.5), "ms"),
        Figure("a", "press → receipt at full rate, p99", 1000 * quantile(presses, 0.99), "ms"),
        Figure(
            "a",
            "processor for an event with ten times the history",
            100 * (after["intake"] + after["database"]) / (before["intake"] + before["database"]),
            "% of before",
            "about 100",
        ),
        Figure("d", "memory of the intake at full rate", memory, "MiB", "at most 200"),
    )


async def _measure(
    standing: Stage, series: int, seconds: float, *options: str, watch: Stopwatch | None = None
) -> dict[str, float]:
    """One run of the load: rate, waits for receipts, and each process's seconds for an event."""
    common = ("--window", WINDOW, "--series", str(series), "--seconds", str(seconds))
    load = await standing.load(HOMES, ENDLESS, *common, *options)
    used, stored = standing.processor_seconds(), await _stored(standing)
    running = asyncio.create_task(load.go())
    if watch is not None:
        async with pressing_home(standing.broker.port, watch) as client:
            while not running.done():
                await press(client, watch, f"press-{len(watch.published)}")
                await asyncio.wait({running}, timeout=PRESS_EVERY)
            async with asyncio.timeout(20):
                while len(watch.receipted) < len(watch.published):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
    measured = await running
    number = measured["receipted"]
    stored = await _stored(standing) - stored - len(watch.published if watch else ())
    if number != measured["sent"] or stored != number:
        raise RuntimeError(f"not every event came through: {measured}, {stored} rows")
    now = standing.processor_seconds()
    return {
        **measured,
        "rate": number / measured["seconds"],
        **{name: (now[name] - used[name]) / number for name in now},
    }


async def _settle(standing: Stage) -> None:
    """Has the database's housekeeping done before a measurement, so that none of it falls into one only."""
    async with await standing.connect() as conn:
        await conn.execute("VACUUM ANALYZE")
        await conn.execute("CHECKPOINT")


async def _stored(standing: Stage) -> int:
    async with await standing.connect() as conn:
        row = await (await conn.execute("SELECT count(*) AS n FROM event")).fetchone()
        return int(row["n"]) if row else 0


async def _copy(standing: Stage) -> float:
    """The same rows, already in memory, through COPY into a table with the same indexes and a unique one."""
    async with await standing.connect() as conn:
        source = await (await conn.execute(f"SELECT * FROM event LIMIT {REFERENCE}")).fetchall()
        for row in source:
            row["data"] = "{}" if row["data"] is None else '{"panel": "panel-1", "queued": 0}'
        began = time.monotonic()
        for start in range(0, len(source), 1000):  # in batches of the intake's size, each committed
            async with (
                conn.transaction(),
                conn.cursor() as cursor,
                cursor.copy("COPY event_copy FROM STDIN") as copy,
            ):
                for row in source[start : start + 1000]:
                    await copy.write_row(tuple(row.values()))
        return len(source) / (time.monotonic() - began)


async def _bridge(standing: Stage) -> float:
    """Rows that mq-bridge writes in a second, of the same messages by the same load."""
    bridge = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.bridge", standing.broker.url, standing.database_url, "bridged")
    )
    try:
        # It is there when one message has gone through.
        await (await standing.load("1", "1", "--deaf")).go()
        while await _bridged(standing) < 1:
            await (await standing.load("1", "1", "--deaf")).go()
            await asyncio.sleep(0.5)
        before = await _bridged(standing)
        load = await standing.load(HOMES, str(REFERENCE), "--window", WINDOW, "--deaf")
        began = time.monotonic()
        running = asyncio.create_task(load.go())
        async with asyncio.timeout(120):
            while await _bridged(standing) < before + REFERENCE:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        seconds = time.monotonic() - began
        await running
        return REFERENCE / seconds
    finally:
        bridge.terminate()
        await bridge.wait()


async def _bridged(standing: Stage) -> int:
    async with await standing.connect() as conn:
        row = await (await conn.execute("SELECT coalesce(max(id), 0) AS n FROM bridged")).fetchone()
        return int(row["n"]) if row else 0
