"""Migrations on real databases."""

import asyncio

import psycopg
import pytest

from db import migrate as migration
from db.migrate import Edition, migrate, migration_files, wanted_by
from tests.integration.ingest.conftest import until
from tests.support.postgres import Cluster


async def test_two_that_start_at_once_apply_each_file_once(any_cluster: Cluster) -> None:
    """Under the lock one of them does the work and the other finds nothing to do."""
    with any_cluster.empty() as url:
        results = await asyncio.gather(*(migrate(url) for _ in range(3)))
    edition = results[0].edition
    wanted = tuple(name for name in migration_files() if wanted_by(name, edition))
    assert sorted((result.applied for result in results), key=len) == [(), (), wanted]


async def test_a_file_that_waits_for_a_report_keeps_nobody_from_the_table(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While somebody reads `event` for long, a migration of it lets others in between its tries."""
    monkeypatch.setattr(migration, "LOCK_WAIT", "100ms")
    async with (
        await psycopg.AsyncConnection.connect(database_url) as report,
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as others,
    ):
        await others.execute("CREATE INDEX event_heartbeat ON event (hub_id)")
        await others.execute("DELETE FROM schema_version WHERE file = '0011_heartbeats.sql'")
        await report.execute("SELECT FROM event LIMIT 1")
        migrating = asyncio.create_task(migrate(database_url))

        async def waits() -> bool:
            asked = await others.execute(
                "SELECT FROM pg_locks WHERE relation = 'event'::regclass AND NOT granted"
            )
            return bool(await asked.fetchall())

        await until(waits)
        await others.execute("DELETE FROM event")  # waits for the migration's wait, and no longer
        assert not migrating.done()
        await report.rollback()
        assert (await migrating).applied == ("0011_heartbeats.sql",)


@pytest.mark.timescale
def test_events_are_a_hypertable_where_timescaledb_is(timescale_url: str) -> None:
    """TimescaleDB under its Apache licence gets a hypertable in daily chunks, and nothing it may not use."""
    with psycopg.connect(timescale_url) as conn:
        row = conn.execute(
            "SELECT time_interval::text FROM timescaledb_information.dimensions"
            " WHERE hypertable_name = 'event'"
        ).fetchone()
        files = {row[0] for row in conn.execute("SELECT file FROM schema_version")}
    assert row == ("1 day",)
    assert "0003_compression.community.sql" not in files


@pytest.mark.timescale
async def test_timescaledb_that_comes_later_takes_over_the_stored_events(timescale_url: str) -> None:
    """A database that was migrated plain and gains TimescaleDB keeps its events, now in chunks."""
    with psycopg.connect(timescale_url, autocommit=True) as conn:
        conn.execute("DROP TABLE event CASCADE")
        conn.execute("CREATE TABLE event (received_at timestamptz NOT NULL, hub_id text)")
        conn.execute(
            "INSERT INTO event VALUES ('2026-11-21T12:00Z', 'hub-1'), ('2026-11-20T12:00Z', 'hub-1')"
        )
        conn.execute("DELETE FROM schema_version WHERE file LIKE '0002%'")
    migrated = await migrate(timescale_url)
    with psycopg.connect(timescale_url) as conn:
        kept = conn.execute("SELECT count(*) FROM event").fetchone()
        chunks = conn.execute("SELECT count(*) FROM show_chunks('event')").fetchone()
    assert (migrated.edition, migrated.applied) == (Edition.APACHE, ("0002_hypertable.timescale.sql",))
    assert (kept, chunks) == ((2,), (2,))
