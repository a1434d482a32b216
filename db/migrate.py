"""Migrations: plain numbered SQL, forward only, under a lock, safe when two start at once.

A file that cannot have its locks soon lets go and tries again: whoever waits for a table keeps all who come
later from it, intake with a press above all, as long as some report before them takes.

`0002_name.timescale.sql` runs only where TimescaleDB is present, `….community.sql` only where its licence
is the community one. Which edition this is, is found out here and nowhere else; a database that gains
TimescaleDB later gets the files it skipped at the next migration.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

import psycopg
from psycopg import AsyncConnection
from psycopg.errors import LockNotAvailable
from psycopg.rows import DictRow, dict_row

_LOCK = 0x7468726573  # "thres": one number for all who migrate this database
LOCK_WAIT = "2s"
"""The longest wait for a lock, in PostgreSQL's notation."""
LOCK_PAUSE = 1.0
"""Seconds until the next try for it."""


class Edition(StrEnum):
    """What the database offers for time series."""

    PLAIN = "plain"
    APACHE = "timescale"
    COMMUNITY = "community"


@dataclass(frozen=True, slots=True)
class Migrated:
    """What a migration found and did."""

    edition: Edition
    applied: tuple[str, ...]


class MigrationError(RuntimeError):
    """A migration failed; the message names the file and the database's own words."""


def migration_files() -> list[str]:
    """Every migration's file name, in order."""
    names = (entry.name for entry in files("db").joinpath("migrations").iterdir())
    return sorted(name for name in names if name.endswith(".sql"))


def wanted_by(name: str, edition: Edition) -> bool:
    """Does this file concern this edition? The infix before `.sql` says so."""
    parts = name.removesuffix(".sql").split(".")
    if len(parts) == 1:
        return True
    if parts[1] == Edition.APACHE:
        return edition is not Edition.PLAIN
    return parts[1] == edition


async def migrate(url: str) -> Migrated:
    """Brings the schema to its head and returns what was applied. Raises MigrationError or psycopg.Error."""
    async with await AsyncConnection.connect(
        url, autocommit=True, row_factory=dict_row, application_name="threshold migrate"
    ) as conn:
        await conn.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        try:
            return await _bring_to_head(conn)
        finally:
            await conn.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))


async def pending(conn: AsyncConnection[DictRow]) -> list[str]:
    """Files that this database still lacks, in order; all of them when it was never migrated."""
    row = await (await conn.execute("SELECT to_regclass('schema_version') AS found")).fetchone()
    done: set[str] = set()
    if row and row["found"] is not None:
        rows = await (await conn.execute("SELECT file FROM schema_version")).fetchall()
        done = {row["file"] for row in rows}
    edition = await detect_edition(conn)
    return [name for name in migration_files() if name not in done and wanted_by(name, edition)]


async def _bring_to_head(conn: AsyncConnection[DictRow]) -> Migrated:
    await conn.execute("SET client_min_messages = warning")
    edition = await detect_edition(conn)
    if edition is not Edition.PLAIN:
        await conn.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    await conn.execute(
        "CREATE TABLE IF NOT EXISTS schema_version (file text PRIMARY KEY, applied_at timestamptz NOT NULL)"
    )
    applied: list[str] = []
    await conn.execute("SELECT set_config('lock_timeout', %s, false)", (LOCK_WAIT,))
    for name in await pending(conn):
        try:
            await _apply(conn, name)
        except psycopg.Error as error:
            raise MigrationError(f"migration {name} failed: {error}") from error
        applied.append(name)
    return Migrated(edition, tuple(applied))


async def _apply(conn: AsyncConnection[DictRow], name: str) -> None:
    """Applies one file, however often its locks are not to be had in time."""
    text = files("db").joinpath("migrations", name).read_text(encoding="utf-8")
    while True:
        try:
            async with conn.transaction():
                await conn.execute(text)
                await conn.execute("INSERT INTO schema_version VALUES (%s, now())", (name,))
        except LockNotAvailable:
            await asyncio.sleep(LOCK_PAUSE)
        else:
            return


async def detect_edition(conn: AsyncConnection[DictRow]) -> Edition:
    """TimescaleDB counts as present when it is preloaded or already an extension of this database."""
    row = await (
        await conn.execute(
            """
            SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')
                OR (EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
                    AND current_setting('shared_preload_libraries') LIKE '%timescaledb%') AS present,
                   current_setting('timescaledb.license', true) AS license
            """
        )
    ).fetchone()
    if row is None or not row["present"]:
        return Edition.PLAIN
    return Edition.COMMUNITY if row["license"] == "timescale" else Edition.APACHE
