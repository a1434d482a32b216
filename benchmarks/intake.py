"""(a) Events per second from Mosquitto to committed rows with receipts, beside COPY of the same rows.
(d) The memory of the process that did it.

The homes of the load have a number of events without a receipt at a time and send the next when one comes,
so the rate is what the whole way sustains, receipts included.
"""

import time
from collections.abc import Sequence

from benchmarks.figures import Figure
from benchmarks.stage import Stage, stage

WARM_UP = 5_000
EVENTS = 60_000
HOMES = 200
WINDOW = 10
"""Events that each home has without a receipt: 2,000 in all, a fifth of a second at the wanted rate."""

COPY_TARGET = """
CREATE TABLE event_copy (LIKE event INCLUDING ALL);
CREATE UNIQUE INDEX event_copy_once ON event_copy (hub_id, id);
"""


async def run() -> Sequence[Figure]:
    """Measures one run and the reference right after it, on the same database."""
    async with stage("ingest") as standing:
        homes, window = str(HOMES), str(WINDOW)
        await (await standing.load(homes, str(WARM_UP), "--first", "501", "--window", window)).go()
        measured = await (await standing.load(homes, str(EVENTS), "--window", window)).go()
        rows = await _stored(standing)
        if measured["receipted"] != EVENTS or rows != EVENTS + WARM_UP:
            raise RuntimeError(f"not every event came through: {measured}, {rows} rows")
        rate = measured["receipted"] / measured["seconds"]
        copied = await _copy(standing)
        memory = standing.most_memory / 2**20
    return (
        Figure("a", "Mosquitto to committed rows and receipts", rate, "events/s", "at least 5,000"),
        Figure("a", "COPY of the same rows, one unique index", copied, "rows/s"),
        Figure("a", "share of COPY", 100 * rate / copied, "%"),
        Figure("a", "receipt at full rate, p50", 1000 * measured["p50"], "ms"),
        Figure("a", "receipt at full rate, p99", 1000 * measured["p99"], "ms"),
        Figure("d", "memory of the intake at full rate", memory, "MiB", "at most 200"),
    )


async def _stored(standing: Stage) -> int:
    async with await standing.connect() as conn:
        row = await (await conn.execute("SELECT count(*) AS n FROM event")).fetchone()
        return int(row["n"]) if row else 0


async def _copy(standing: Stage) -> float:
    """The same rows, already in memory, through COPY into a table with the same indexes and a unique one."""
    async with await standing.connect() as conn:
        await conn.execute(COPY_TARGET)
        source = await (await conn.execute(f"SELECT * FROM event LIMIT {EVENTS}")).fetchall()
        for row in source:
            row["data"] = "{}" if row["data"] is None else '{"panel": "panel-1", "queued": 0}'
        began = time.monotonic()
        for start in range(0, len(source), 500):  # in batches of the intake's size, each committed
            async with (
                conn.transaction(),
                conn.cursor() as cursor,
                cursor.copy("COPY event_copy FROM STDIN") as copy,
            ):
                for row in source[start : start + 500]:
                    await copy.write_row(tuple(row.values()))
        return len(source) / (time.monotonic() - began)
