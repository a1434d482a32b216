"""What only looks healthy is noticed: a forgotten acknowledgement, a deaf connection, a frozen copy."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row

from app.embedded import EmbeddedPostgres
from db.migrate import migrate
from db.pool import Connection, Pool, connection_arguments, fetch_one
from gateway.session import Message, Session
from ingest import gather, lease, lease_store, presence, worker
from ingest.model import read
from tests.integration.ingest.conftest import home, intake, until
from tests.integration.ingest.world import count, event, make_estate, rows
from tests.support.mosquitto import Mosquitto
from tests.support.processes import ServerProcess


@pytest.fixture
async def estate(pool: Pool) -> Pool:
    """The small estate, committed."""
    async with pool.connection() as conn:
        await make_estate(conn)
    return pool


async def test_a_forgotten_acknowledgement_is_found_and_the_message_comes_again(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old unacknowledged message that is not in hand means a new connection, which is given it again.

    While the home talks on: in a busy service there is always something in hand.
    """
    monkeypatch.setattr(worker, "FORGOTTEN_AFTER", 0.5)
    acknowledge = Session.acknowledge
    forgotten: list[str] = []

    def forgetful(self: Session, messages: Iterable[Message]) -> None:
        for message in messages:
            if not forgotten and b'"forgotten"' in message.payload:
                forgotten.append(message.topic)
            else:
                acknowledge(self, [message])

    monkeypatch.setattr(Session, "acknowledge", forgetful)
    async with intake(database_url, open_mosquitto.url), home(open_mosquitto.port) as flat:
        await flat.says(event("forgotten"))
        told: list[str] = []

        async def come_again() -> bool:
            await flat.says(event(f"talk-{len(told)}"))
            told.append("")
            return flat.stored.count("forgotten") >= 2

        await until(come_again)
        await flat.is_told(*(f"talk-{n}" for n in range(len(told))))
    async with estate.connection() as conn:
        assert await count(conn, "event") == 1 + len(told)


async def test_a_message_that_our_reader_chokes_on_takes_no_neighbour_along(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is kept as rejected and acknowledged; what was read with it, and what comes after, is stored."""

    def choking(topic: str, payload: bytes, **more: Any) -> Any:
        if b"poison" in payload:
            raise RecursionError
        return read(topic, payload, **more)

    monkeypatch.setattr(worker, "read", choking)
    async with intake(database_url, open_mosquitto.url), home(open_mosquitto.port) as flat:
        await asyncio.gather(*(flat.says(event(id_)) for id_ in ("a", "poison", "b")))
        await flat.is_told("a", "b")
        await flat.says(event("c"))
        await flat.is_told("c")
    async with estate.connection() as conn:
        assert (await count(conn, "event"), await count(conn, "rejected")) == (3, 1)


async def test_a_connection_by_which_nothing_comes_any_more_is_given_up(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that answers and delivers nothing is found by our own marker, and what it kept back comes."""
    monkeypatch.setattr(presence, "DEAF_AFTER", timedelta(seconds=0.5))
    take = Session.take
    deaf: list[object] = []

    def hard_of_hearing(self: Session, connection: object, messages: object) -> None:
        if connection not in deaf:
            take(self, connection, messages)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "take", hard_of_hearing)
    sessions: list[Session] = []
    run = Session.run

    def known(self: Session, stop: asyncio.Event) -> object:
        sessions.append(self)
        return run(self, stop)

    monkeypatch.setattr(Session, "run", known)

    async def caught_up() -> bool:
        async with estate.connection() as conn:
            return bool(await rows(conn, "SELECT 1 FROM intake WHERE lag_seconds IS NOT NULL"))

    async with intake(database_url, open_mosquitto.url), home(open_mosquitto.port) as flat:
        await until(caught_up)
        deaf.append(sessions[0]._connection)
        await flat.says(event("unheard"))
        await flat.is_told("unheard")


async def test_a_standby_takes_over_from_a_copy_that_was_frozen(
    estate: Pool,
    database_url: str,
    open_mosquitto: Mosquitto,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """SIGSTOP of the active copy frees its lease; woken, it writes nothing twice and stands by."""
    monkeypatch.setenv("THRESHOLD_DATABASE_URL", database_url)
    monkeypatch.setenv("THRESHOLD_MQTT_URL", open_mosquitto.url)
    program = [str(Path(sys.executable).with_name("threshold")), "run", "ingest"]
    active = ServerProcess(program, tmp_path / "active.log")

    async def holder() -> str:
        async with estate.connection() as conn:
            row = await fetch_one(conn, "SELECT holder FROM intake WHERE connected_at IS NOT NULL")
        return str(row["holder"]) if row else ""

    async def standby_holds() -> bool:
        return await holder() == "standby"

    def listens() -> bool:
        with psycopg.connect(database_url) as conn:
            return bool(conn.execute("SELECT 1 FROM intake WHERE connected_at IS NOT NULL").fetchall())

    await asyncio.to_thread(active.start, listens, within=60)
    try:
        async with (
            home(open_mosquitto.port) as flat,
            intake(database_url, open_mosquitto.url, instance="standby", standby=True),
        ):
            await flat.says(event("a"))
            await flat.is_told("a")
            assert (await holder()).endswith(f":{active.pid}")
            os.kill(active.pid, signal.SIGSTOP)
            await flat.says(event("b"), event("press", "alarm.pendant"))
            await flat.is_told("b", "press")
            await until(standby_holds)
            os.kill(active.pid, signal.SIGCONT)
            await until(lambda: "standing by" in active.log.read_text())
            await flat.says(event("c"))
            await flat.is_told("c")
            assert await holder() == "standby"
    finally:
        active.stop()
    async with estate.connection() as conn:
        assert await count(conn, "event") == 4
        assert await count(conn, "alert") == 1


@pytest.mark.parametrize("lane", ["", "lane urgent "])
async def test_a_copy_that_was_frozen_amid_its_rows_is_ended_on_every_connection(
    estate: Pool,
    database_url: str,
    open_mosquitto: Mosquitto,
    monkeypatch: pytest.MonkeyPatch,
    lane: str,
) -> None:
    """The database waits without limit for the rest of a COPY: the next copy ends it, and takes over."""
    monkeypatch.setattr(lease, "FROZEN_AFTER", "3s")
    async with await AsyncConnection[DictRow].connect(database_url, row_factory=dict_row) as frozen_one:
        assert await lease_store.take_lease(frozen_one, f"intake {lane}threshold-gateway")
        await frozen_one.execute("LOCK TABLE hub")
        copying = frozen_one.cursor().copy("COPY event (id) FROM STDIN")
        rest = await copying.__aenter__()
        await rest.write("half a r")
        async with intake(database_url, open_mosquitto.url), home(open_mosquitto.port) as flat:
            await flat.says(event("a"), event("press", "alarm.pendant"))
            await flat.is_told("a", "press")
        await frozen_one.close()


async def test_copies_side_by_side_store_every_event_once(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto
) -> None:
    """Two copies share the homes' messages; when one goes, what hubs send again reaches the other."""
    ids = [f"e{number}" for number in range(60)]
    async with (
        intake(database_url, open_mosquitto.url, instance="a", client_id="a", shared_group="intake"),
        home(open_mosquitto.port) as flat,
    ):
        async with intake(
            database_url, open_mosquitto.url, instance="b", client_id="b", shared_group="intake"
        ) as leave:
            for id_ in ids[:30]:
                await flat.says(event(id_))
            await flat.is_told(*ids[:30])
            leave.set()
            for id_ in ids[30:]:
                await flat.says(event(id_))
        for id_ in ids[30:]:  # the broker, taking turns, keeps every other one for the copy that left
            await flat.says(event(id_))
            await flat.says(event(id_))
        await flat.is_told(*ids)
    async with estate.connection() as conn:
        assert await count(conn, "event") == len(ids)
        assert await count(conn, "rejected") == 0


async def test_with_the_database_standing_still_the_hand_stays_full_and_no_fuller(
    durable_postgres: EmbeddedPostgres, open_mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While PostgreSQL is frozen a bounded number is in hand, nothing is told, and then all of it is stored.

    A press that was in hand is committed before the everyday events that came earlier.
    """
    monkeypatch.setattr(gather, "MOST_MESSAGES", 300)
    await migrate(durable_postgres.url)
    async with await Connection.connect(durable_postgres.url, **connection_arguments("test")) as conn:
        await make_estate(conn)
    hands: list[gather.Gatherer] = []
    make = gather.Gatherer.__init__

    def kept(self: gather.Gatherer, *, size: int, wait: float) -> None:
        make(self, size=size, wait=wait)
        hands.append(self)

    monkeypatch.setattr(gather.Gatherer, "__init__", kept)
    async with (
        intake(durable_postgres.url, open_mosquitto.url, batch_size=50),
        home(open_mosquitto.port) as flat,
    ):
        await flat.says(event("before"))
        await flat.is_told("before")
        with frozen(durable_postgres):
            for number in range(200):
                await flat.says(event(f"e{number}"))
            await flat.says(event("press", "alarm.fall"))
            for number in range(200, 1000):
                await flat.says(event(f"e{number}"))
            await until(lambda: hands[-1].is_full)
            most = len(hands[-1])
            assert flat.stored == ["before"]
        await flat.is_told("press", *(f"e{number}" for number in range(1000)))
    assert most < 1000
    async with await Connection.connect(durable_postgres.url, **connection_arguments("test")) as conn:
        assert await count(conn, "event") == 1002
        order = await rows(conn, "SELECT id FROM event ORDER BY xmin::text::bigint, id")
    assert [row["id"] for row in order].index("press") < 150


@contextmanager
def frozen(server: EmbeddedPostgres) -> Iterator[None]:
    """Every process of a PostgreSQL stands still: connections stand, and nothing answers."""
    parent = psutil.Process(server.pid)
    processes = [parent, *parent.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()
