"""The databases that the tests stand on."""

import psycopg

from db.pool import Connection, Pool
from tests.support.postgres import Cluster


async def test_each_test_has_a_migrated_database(connection: Connection) -> None:
    """A test finds the schema at its head."""
    rows = await (await connection.execute("SELECT file FROM schema_version")).fetchall()
    assert "0001_schema.sql" in {row["file"] for row in rows}


async def test_both_servers_serve_the_same_schema(any_pool: Pool, any_cluster: Cluster) -> None:
    """Both PostgreSQL and TimescaleDB give a pool on a migrated database."""
    async with any_pool.connection() as connection:
        rows = await (await connection.execute("SELECT extname FROM pg_extension")).fetchall()
    with psycopg.connect(any_cluster.url) as server:
        preloaded = server.execute("SHOW shared_preload_libraries").fetchone()
    assert ("timescaledb" in {row["extname"] for row in rows}) == (preloaded == ("timescaledb",))


def test_a_clone_is_its_own(postgres: Cluster) -> None:
    """What one test writes, another never sees."""
    with postgres.migrated() as one, postgres.migrated() as other:
        insert = "INSERT INTO organisation VALUES ('elm', 'landlord', 'Elm')"
        with psycopg.connect(one) as connection:
            connection.execute(insert)
        with psycopg.connect(other) as connection:
            assert connection.execute("SELECT count(*) FROM organisation").fetchone() == (0,)
