"""(c) Visits due in one minute, decided by three sweeps at once; and a sweep's cost as history grows.

Two minutes of a town's morning. At eight all its visits begin: each falls due, and nobody has come yet. At
nine, when a visit would be missed, all are due again, because nobody has looked in between. Of a hundred
visits ninety-nine were made: the carer's arrival and departure were received, and the visit passes to in
progress and to completed, a version each. One was not: it was late and is missed, with its alerts and both
parties' duties. (In the running service most of this is done as evidence arrives, and a visit that was made
is not due at nine.) The reference is what the database alone takes to write as much as at nine:
the same visits updated, the same versions added, in batches of the same size, from one connection.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from app.embedded import EmbeddedPostgres
from benchmarks.figures import Figure
from benchmarks.processor import used, used_by_database
from care.sweep import BATCH, sweep_due
from db.migrate import migrate
from db.pool import Connection, Pool, connection_arguments, make_pool

HOMES = 100_000
SWEEPS = 3
BEGUN = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
MISSED = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
ONE_IN = 100
"""Of so many visits one is missed. Published rates lie between one and two in a hundred."""

SMALL_TOWN = 4_000
HISTORY = (3, 30)
"""Days of visits, verdicts and evidence behind the due visits: ten times as many must cost no more."""

TOWN = """
INSERT INTO organisation VALUES ('elm', 'landlord', 'Elm'), ('bright', 'care_provider', 'Bright'),
    ('north', 'monitoring_centre', 'North');
INSERT INTO contact (organisation_id, position, name, email)
VALUES ('elm', 0, 'Duty officer', 'duty@elm.example'), ('bright', 0, 'Coordinator', 'oncall@bright.example');
INSERT INTO dwelling (id, landlord_id, address, time_zone)
SELECT 'd' || i, 'elm', 'Home ' || i, 'Europe/London' FROM generate_series(1, {homes}) i;
INSERT INTO resident (id, dwelling_id, name, monitoring_centre_id)
SELECT 'r' || i, 'd' || i, 'N', 'north' FROM generate_series(1, {homes}) i;
INSERT INTO hub (id, dwelling_id, first_heard_at, last_heard_at)
SELECT 'h' || i, 'd' || i, '2026-11-01', '2026-11-16T09:00Z' FROM generate_series(1, {homes}) i;
INSERT INTO carer (id, provider_id, name)
SELECT 'c' || i, 'bright', 'Carer ' || i FROM generate_series(1, 400) i;
INSERT INTO credential (credential, carer_id) SELECT 'fob:' || i, 'c' || i FROM generate_series(1, 400) i;
INSERT INTO package (id, resident_id, provider_id, tier)
SELECT 'p' || i, 'r' || i, 'bright', 'essential' FROM generate_series(1, {homes}) i;
INSERT INTO visit (ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_wall,
                   start_at, end_at, carers_required, plan, source, state, version, next_check_at)
SELECT 'p' || i || '/' || k || '/' || d, 'p' || i, 'r' || i, 'd' || i, 'bright', 'essential',
       '2026-11-16'::date + d, '08:00', start, start + interval '30 min', 1, 'planned', 'recurrence',
       CASE WHEN d < 0 THEN 'completed' ELSE 'planned' END, CASE WHEN d < 0 THEN 4 ELSE 0 END,
       CASE WHEN d >= 0 THEN start END
FROM generate_series(1, {homes}) i, generate_series(-{history}, 1) d, generate_series(0, 1) k,
     LATERAL (SELECT '2026-11-16T08:00Z'::timestamptz + make_interval(0, 0, 0, d, 5 * k)) AS s (start);
INSERT INTO verdict
    (visit_ref, version, at, noticed_at, state, attendance, timeliness, duration, verification, reason)
SELECT ref, k, start_at, start_at, state, 'attended', 'on_time', 'ok', 'full',
       'Carer 1 came at 08:02 and left at 08:29.'
FROM visit, generate_series(1, 4) k WHERE version = 4;
INSERT INTO event (received_at, hub_id, id, type, at, effective_at, dwelling_id, data)
SELECT t, 'h' || i, 'beat' || t, 'heartbeat', t, t, 'd' || i, '{{"queued": 0}}'
FROM generate_series(1, {homes}) i,
     generate_series('2026-11-16T06:30Z'::timestamptz, '2026-11-16T09:00Z', '10 min') t
WHERE i % {one_in} = 0;
INSERT INTO event (received_at, hub_id, id, type, at, effective_at, dwelling_id, credential, data)
SELECT t, 'h' || i, k || d, k, t, t, 'd' || i, 'fob:' || (1 + i % 400), '{{"method": "fob"}}'
FROM generate_series(1, {homes}) i, generate_series(-{history}, 0) d,
     (VALUES ('carer.arrived', '2026-11-16T08:02Z'::timestamptz),
             ('carer.departed', '2026-11-16T08:29Z')) AS said (k, at),
     LATERAL (SELECT at + make_interval(0, 0, 0, d)) AS moved (t)
WHERE d < 0 OR i % {one_in} <> 0;
"""

AS_MUCH = """
CREATE TABLE reference_visit (LIKE visit INCLUDING ALL);
INSERT INTO reference_visit SELECT * FROM visit WHERE service_date = '2026-11-16';
CREATE TABLE reference_verdict (LIKE verdict INCLUDING ALL);
CREATE TABLE reference_order AS SELECT ref, row_number() OVER (ORDER BY ref) AS place FROM reference_visit
WHERE version > 0;
CREATE INDEX ON reference_order (place);
"""


async def run() -> Sequence[Figure]:
    """Builds the towns and measures, the database's part included."""
    async with _town(HOMES, history=1) as server:
        begun = await _sweep(server, SWEEPS, BEGUN)
        swept = await _sweep(server, SWEEPS, MISSED)
        await _check(server.url, swept)
        reference = await _as_much(server.url)
    short, long = await _as_history_grows()
    seconds = swept["seconds"]
    return (
        Figure("c", f"{HOMES:,} visits begin, {SWEEPS} sweeps", begun["seconds"], "s", "at most 20"),
        Figure("c", f"{HOMES:,} visits made or missed, {SWEEPS} sweeps", seconds, "s", "at most 20"),
        Figure("c", "visits decided by them", HOMES / seconds, "visits/s", "at least 5,000"),
        Figure("c", "the same rows written, nothing decided", reference, "s"),
        Figure("c", "processor time: the sweeps' own", swept["processor"], "s"),
        Figure("c", "processor time: the database's", swept["database"], "s"),
        Figure("c", "alerts raised with their duties in it", swept["alerts"], "alerts"),
        Figure("c", f"processor time of a visit, {HISTORY[0]} days of history", short, "µs"),
        Figure("c", f"processor time of a visit, {HISTORY[1]} days of history", long, "µs"),
        Figure("c", "cost with ten times the history", long / short, "×", "at most 1.1"),
    )


@asynccontextmanager
async def _town(homes: int, history: int) -> AsyncIterator[EmbeddedPostgres]:
    with TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "postgres") as server:
        await migrate(server.url)
        async with await _connect(server.url) as conn:
            await conn.execute("SET session_replication_role = replica")  # what refers to what is right here
            for statement in TOWN.format(homes=homes, history=history, one_in=ONE_IN).split(";\n"):
                if statement.strip():
                    await conn.execute(statement.encode())
            await conn.execute("VACUUM ANALYZE")
            await conn.execute("CHECKPOINT")
        yield server


def _connect(url: str) -> Awaitable[Connection]:
    return Connection.connect(url, autocommit=True, **connection_arguments("bench"))


async def _as_history_grows() -> list[float]:
    """Microseconds of processor time that a visit takes with little history behind it, and with much.

    The sweep's own and its connection's: what the database does meanwhile for the larger town alone, such as
    its vacuum, is nothing of the sweep's. The towns are swept in turns, batch by batch, so that whatever else
    this machine does delays both alike.
    """
    async with AsyncExitStack() as stack:
        towns = []
        for days in HISTORY:
            server = await stack.enter_async_context(_town(SMALL_TOWN, days))
            pool = await stack.enter_async_context(make_pool(server.url, name="bench", max_size=1))
            towns.append(_Swept(pool))
        while [town for town in towns if await town.goes_on()]:
            pass
        return [1e6 * town.seconds / town.rows for town in towns]


@dataclass
class _Swept:
    """A town that is swept by one connection, and what that has cost so far."""

    pool: Pool
    rows: int = 0
    seconds: float = 0.0

    async def goes_on(self) -> bool:
        """Judges one batch; False when nothing is due."""
        async with self.pool.connection() as conn:
            backend = psutil.Process(conn.info.backend_pid)
        before = used(backend) + time.process_time()
        taken = await sweep_due(self.pool, MISSED, batch=SMALL_TOWN // 20)
        if taken:
            self.rows += taken
            self.seconds += used(backend) + time.process_time() - before
        return taken > 0


async def _sweep(server: EmbeddedPostgres, sweeps: int, now: datetime) -> dict[str, float]:
    """Sweeps in processes of their own until nothing is due: from the word to the end of the last one."""
    command = [sys.executable, "-m", "benchmarks.sweeper", server.url, now.isoformat()]
    pipe = asyncio.subprocess.PIPE
    running = [await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe) for _ in range(sweeps)]
    for process in running:
        assert process.stdout is not None
        await process.stdout.readline()
    began, used = time.perf_counter(), used_by_database(server.pid)
    said = await asyncio.gather(*(process.communicate(b"\n") for process in running))
    seconds = time.perf_counter() - began
    told = [json.loads(out) for out, _ in said]
    return {
        "seconds": seconds,
        "rows": sum(each["rows"] for each in told),
        "processor": sum(each["processor"] for each in told),
        "database": used_by_database(server.pid) - used,
    }


async def _check(url: str, swept: dict[str, float]) -> None:
    """Each visit was decided once, and each miss raised once."""
    async with await _connect(url) as conn:
        row = await (
            await conn.execute(
                "SELECT (SELECT count(*) FROM alert) AS alerts,"
                " (SELECT count(*) FROM alert WHERE kind = 'visit.missed') AS missed,"
                " (SELECT count(*) FROM visit WHERE next_check_at <= %s) AS due,"
                " (SELECT count(DISTINCT visit_ref) FROM verdict WHERE noticed_at = %s) AS decided",
                [MISSED, MISSED],
            )
        ).fetchone()
    assert row is not None
    swept["alerts"] = row["alerts"]
    if (swept["rows"], row["missed"], row["due"], row["decided"]) != (HOMES, HOMES // ONE_IN, 0, HOMES):
        raise RuntimeError(f"not every visit was decided once: {swept}, {row}")


async def _as_much(url: str) -> float:
    """Seconds for the same rows into tables with the same indexes, in batches of a sweep's size."""
    async with await _connect(url) as conn:
        for statement in AS_MUCH.split(";\n"):
            if statement.strip():
                await conn.execute(statement.encode())
        await conn.execute("VACUUM ANALYZE")
        began = time.perf_counter()
        for first in range(1, HOMES + 1, BATCH):
            async with conn.transaction():
                places = [first, first + BATCH - 1]
                await conn.execute(
                    "INSERT INTO reference_verdict SELECT verdict.* FROM verdict JOIN reference_order"
                    " ON reference_order.ref = verdict.visit_ref AND verdict.noticed_at = %s"
                    " WHERE place BETWEEN %s AND %s",
                    [MISSED, *places],
                )
                await conn.execute(
                    "UPDATE reference_visit SET next_check_at = next_check_at + interval '1 second'"
                    " FROM reference_order WHERE reference_order.ref = reference_visit.ref"
                    " AND place BETWEEN %s AND %s",
                    places,
                )
        return time.perf_counter() - began
