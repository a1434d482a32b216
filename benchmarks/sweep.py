"""(c) The time of a sweep with 10,000 visits due at the same moment.

Ten thousand homes, each with a visit at eight that nobody has looked at until nine: nine in ten were made,
one in ten was not, and its miss is raised with both duties. Around them lie the other visits of a week, and
what doors and units said in two days.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from app.embedded import EmbeddedPostgres
from benchmarks.figures import Figure
from care.sweep import sweep_due
from db.migrate import migrate
from db.pool import Pool, make_pool

HOMES = 10_000
MISSED = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)

TOWN = """
INSERT INTO organisation VALUES ('elm', 'landlord', 'Elm'), ('bright', 'care_provider', 'Bright'),
    ('north', 'monitoring_centre', 'North');
INSERT INTO contact (organisation_id, position, name, email)
VALUES ('elm', 0, 'Duty officer', 'duty@elm.example'), ('bright', 0, 'Coordinator', 'oncall@bright.example');
INSERT INTO dwelling
SELECT 'd' || i, 'elm', NULL, 'Home ' || i, 'Europe/London' FROM generate_series(1, {homes}) i;
INSERT INTO resident
SELECT 'r' || i, 'd' || i, 'N', 'north', NULL, false, '{{}}' FROM generate_series(1, {homes}) i;
INSERT INTO hub (id, dwelling_id, first_heard_at, last_heard_at)
SELECT 'h' || i, 'd' || i, '2026-11-01', '2026-11-16T09:00Z' FROM generate_series(1, {homes}) i;
INSERT INTO carer (id, provider_id, name)
SELECT 'c' || i, 'bright', 'Carer ' || i FROM generate_series(1, 400) i;
INSERT INTO credential (credential, carer_id) SELECT 'fob:' || i, 'c' || i FROM generate_series(1, 400) i;
INSERT INTO package SELECT 'p' || i, 'r' || i, 'bright', 'essential', NULL FROM generate_series(1, {homes}) i;
INSERT INTO visit (ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_wall,
                   start_at, end_at, carers_required, plan, source, next_check_at)
SELECT 'p' || i || '/' || k || '/' || d, 'p' || i, 'r' || i, 'd' || i, 'bright', 'essential',
       '2026-11-16'::date + d, '08:00', start, start + interval '30 min', 1, 'planned', 'recurrence',
       CASE WHEN d >= 0 THEN start END
FROM generate_series(1, {homes}) i, generate_series(-3, 3) d, generate_series(0, 1) k,
     LATERAL (SELECT '2026-11-16T08:00Z'::timestamptz + make_interval(0, 0, 0, d, 5 * k)) AS s (start);
INSERT INTO event (received_at, hub_id, id, type, at, effective_at, dwelling_id, data)
SELECT t, 'h' || i, 'beat' || t, 'heartbeat', t, t, 'd' || i, '{{"queued": 0}}'
FROM generate_series(1, {homes}) i,
     generate_series('2026-11-16T06:00Z'::timestamptz, '2026-11-16T09:00Z', '10 min') t;
INSERT INTO event (received_at, hub_id, id, type, at, effective_at, dwelling_id, data)
SELECT t, 'h' || i, 'door' || t, 'door.opened', t, t, 'd' || i, '{{}}'
FROM generate_series(1, {homes}) i,
     generate_series('2026-11-14T09:00Z'::timestamptz, '2026-11-16T07:00Z', '3 hours') t;
INSERT INTO event (received_at, hub_id, id, type, at, effective_at, dwelling_id, credential, data)
SELECT t, 'h' || i, k, k, t, t, 'd' || i, 'fob:' || (1 + i % 400), '{{"method": "fob"}}'
FROM generate_series(1, {homes}) i,
     (VALUES ('carer.arrived', '2026-11-16T08:02Z'::timestamptz),
             ('carer.departed', '2026-11-16T08:29Z')) AS said (k, t)
WHERE i % 10 <> 0;
ANALYZE;
"""


async def run() -> Sequence[Figure]:
    """Builds the town and measures one sweep of it, the database's part included."""
    with TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "postgres") as server:
        await migrate(server.url)
        async with make_pool(server.url, name="bench") as pool:
            async with pool.connection() as conn:
                for statement in TOWN.format(homes=HOMES).split(";\n"):
                    if statement.strip():
                        await conn.execute(statement)
            rows, seconds = await _sweep(pool, MISSED)
            missed = await _missed(pool)
    if rows != HOMES or missed != HOMES // 10:
        raise RuntimeError(f"{rows} visits were due and {missed} missed, not {HOMES} and {HOMES // 10}")
    return (
        Figure("c", f"sweep with {HOMES:,} visits due", seconds, "s", "at most 5"),
        Figure("c", "visits judged by one sweep", rows / seconds, "visits/s", "at least 2,000"),
        Figure("c", "misses raised with their duties in it", missed, "alerts"),
    )


async def _sweep(pool: Pool, now: datetime) -> tuple[int, float]:
    """Sweeps until nothing is due; rows taken and seconds spent."""
    total, began = 0, time.perf_counter()
    while rows := await sweep_due(pool, now):
        total += rows
    return total, time.perf_counter() - began


async def _missed(pool: Pool) -> int:
    async with pool.connection() as conn:
        found = await (
            await conn.execute("SELECT count(*) AS n FROM alert WHERE kind = 'visit.missed'")
        ).fetchone()
    return int(found["n"]) if found else 0
