"""Real databases for tests: one server for each run, one database for each test, cloned from a migrated one.

`database_url` is an empty, migrated database on the embedded PostgreSQL; `timescale_url` the same on a real
TimescaleDB; `any_database_url` runs the test on both. `pool` and `connection` belong to `database_url`,
`any_pool` and `any_connection` to `any_database_url`. `durable_postgres` is a server of the test's own that
keeps PostgreSQL's promises (fsync on) and may be killed.
"""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from app.embedded import EmbeddedPostgres
from db.migrate import migrate
from db.pool import Connection, Pool, connection_arguments, make_pool
from tests.support.timescale import timescale_server

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
"""A test's data dies with the test, so nothing needs to reach the disk."""


@dataclass
class Cluster:
    """A server on which databases can be made; `url` leads to its maintenance database."""

    url: str
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _template: str | None = None

    def database(self, name: str) -> str:
        """The URL of one of its databases."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    @contextmanager
    def empty(self) -> Iterator[str]:
        """A database without our schema, for the time of the block."""
        name = self._new_name("empty")
        with self._made(name, template="template0"):
            yield self.database(name)

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """A database of its own with the schema at its head, for the time of the block."""
        name = self._new_name("test")
        with self._made(name, template=self._migrated_template()):
            yield self.database(name)

    def _migrated_template(self) -> str:
        if self._template is None:
            name = self._new_name("template")
            self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
            # In a thread: a test's event loop may already be there in this one.
            with ThreadPoolExecutor(1) as elsewhere:
                elsewhere.submit(lambda: asyncio.run(migrate(self.database(name)))).result()
            # Nobody may be in a database while it is cloned, not even a background worker.
            self._execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
            self._template = name
        return self._template

    def close(self) -> None:
        """Leave nothing behind on a server that outlives the run."""
        if self._template is not None:
            self._execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(self._template)))

    @contextmanager
    def _made(self, name: str, *, template: str) -> Iterator[None]:
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        try:
            yield
        finally:
            self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _new_name(self, purpose: str) -> str:
        # The process id keeps runs apart that share a server given by URL.
        return f"threshold_{purpose}_{os.getpid()}_{next(self._numbers)}"

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The embedded PostgreSQL of this run."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), settings=FAST) as server:
        yield (cluster := Cluster(server.url))
        cluster.close()


@pytest.fixture(scope="session")
def timescale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The real TimescaleDB of this run; skips aloud where there is none, and fails under CI=true."""
    with timescale_server(tmp_path_factory.mktemp("timescale"), FAST) as url:
        yield (cluster := Cluster(url))
        cluster.close()


@pytest.fixture
def database_url(postgres: Cluster) -> Iterator[str]:
    """A migrated database of this test's own, on PostgreSQL."""
    with postgres.migrated() as url:
        yield url


@pytest.fixture
def empty_database_url(postgres: Cluster) -> Iterator[str]:
    """A database of this test's own without our schema, on PostgreSQL."""
    with postgres.empty() as url:
        yield url


@pytest.fixture
def timescale_url(timescale: Cluster) -> Iterator[str]:
    """A migrated database of this test's own, on TimescaleDB."""
    with timescale.migrated() as url:
        yield url


@pytest.fixture(params=["postgres", pytest.param("timescale", marks=pytest.mark.timescale)])
def any_cluster(request: pytest.FixtureRequest) -> Cluster:
    """PostgreSQL, then TimescaleDB: the test runs on both."""
    cluster: Cluster = request.getfixturevalue(request.param)
    return cluster


@pytest.fixture
def any_database_url(any_cluster: Cluster) -> Iterator[str]:
    """A migrated database of this test's own, on PostgreSQL and then on TimescaleDB."""
    with any_cluster.migrated() as url:
        yield url


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """An open pool on `database_url`."""
    async with make_pool(database_url, name="test") as opened:
        yield opened


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A connection to `database_url`, in a transaction once used; the test commits if it wants to."""
    async with await Connection.connect(database_url, **connection_arguments("test")) as opened:
        yield opened
        await opened.rollback()


@pytest.fixture
async def any_pool(any_database_url: str) -> AsyncIterator[Pool]:
    """An open pool on `any_database_url`."""
    async with make_pool(any_database_url, name="test") as opened:
        yield opened


@pytest.fixture
async def any_connection(any_database_url: str) -> AsyncIterator[Connection]:
    """A connection to `any_database_url`."""
    async with await Connection.connect(any_database_url, **connection_arguments("test")) as opened:
        yield opened
        await opened.rollback()


@pytest.fixture
def durable_postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A started server of this test's own with fsync on; `pid` is its postmaster, to kill or to freeze."""
    with EmbeddedPostgres(tmp_path / "durable-postgres") as server:
        yield server
