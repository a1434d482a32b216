"""The intake at work between a real broker and a real database."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import alerts.service
from alerts.model import Signal
from app.embedded import EmbeddedBroker, EmbeddedPostgres
from app.rejected import replay_all
from db.migrate import migrate
from db.pool import Connection, Pool, connection_arguments
from gateway.codec import Reason
from ingest.service import record
from tests.integration.ingest.conftest import Hand, home, intake, until
from tests.integration.ingest.world import T0, TOPICS, count, event, make_estate, rows, says
from tests.support.mosquitto import Mosquitto
from tests.support.processes import free_port
from tests.support.proxy import FaultProxy

MakeProxy = Callable[[int], Awaitable[FaultProxy]]


@pytest.fixture
async def estate(pool: Pool) -> Pool:
    """The small estate, committed."""
    async with pool.connection() as conn:
        await make_estate(conn)
    return pool


async def ask(pool: Pool, sql: str) -> list[dict[str, object]]:
    async with pool.connection() as conn:
        return await rows(conn, sql)


async def test_an_event_goes_the_whole_way_and_its_receipt_comes_back(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto
) -> None:
    """From a home over MQTT into the database, and the word back; a second intake writes nothing twice."""
    async with intake(database_url, open_mosquitto.url), home(open_mosquitto.port) as flat:
        await flat.says(event("a"), event("b"))
        await flat.says(event("bad", at=datetime.max.replace(tzinfo=UTC)), b'{"id": "worse"}')
        await flat.is_told("a", "b", "bad", "worse")
        assert set(flat.stored) == {"a", "b", "bad"}
        assert flat.refused == {"worse": Reason.MISSING_FIELD}
    assert [row["id"] for row in await ask(estate, "SELECT id FROM event ORDER BY id")] == ["a", "b", "bad"]


async def test_the_embedded_broker_serves_as_well(estate: Pool, database_url: str, tmp_path: Path) -> None:
    """The same intake works on the broker that comes along, a press before what was gathered."""
    with EmbeddedBroker(free_port(), tmp_path / "broker") as broker:
        async with intake(database_url, broker.url, batch_wait=0.2), home(broker.port) as flat:
            for number in range(150):
                await flat.says(event(f"e{number}"))
            await flat.says(event("press", "alarm.pendant"))
            await flat.is_told("press", *(f"e{number}" for number in range(150)))
    assert len(await ask(estate, "SELECT id FROM event")) == 151


async def test_nothing_is_acknowledged_or_receipted_while_the_database_is_away(
    durable_postgres: EmbeddedPostgres, open_mosquitto: Mosquitto, make_proxy: MakeProxy
) -> None:
    """With the database down homes are told nothing, the broker keeps it all, and all of it arrives later."""
    await migrate(durable_postgres.url)
    async with await Connection.connect(durable_postgres.url, **connection_arguments("test")) as conn:
        await make_estate(conn)
    proxy = await make_proxy(urlsplit(durable_postgres.url).port or 0)
    url = durable_postgres.url.replace(f":{proxy.target[1]}/", f":{proxy.port}/")
    async with intake(url, open_mosquitto.url), home(open_mosquitto.port) as flat:
        await flat.says(event("before"))
        await flat.is_told("before")
        durable_postgres.stop()
        await flat.says(event("during"), event("press", "alarm.fall"))
        assert flat.stored == ["before"]
        durable_postgres.start()
        proxy.target = ("127.0.0.1", urlsplit(durable_postgres.url).port or 0)
        await flat.is_told("during", "press")
    async with await Connection.connect(durable_postgres.url, **connection_arguments("test")) as conn:
        assert await count(conn, "event") == 3
        assert await count(conn, "alert") == 1


async def test_a_broker_that_dies_loses_nothing_that_was_receipted(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto
) -> None:
    """After a SIGKILL of the broker the intake is back by itself, and hears what homes send again."""
    async with intake(database_url, open_mosquitto.url):
        async with home(open_mosquitto.port) as flat:
            await flat.says(event("a"))
            await flat.is_told("a")
        open_mosquitto.kill()
        open_mosquitto.start()
        async with home(open_mosquitto.port) as flat:
            await _until_told(flat, "a", "b")
            assert flat.refused == {}


async def _until_told(flat: Hand, *ids: str) -> None:
    """Says these again and again, as a hub does: the broker forgot who was to hear them."""
    for _ in range(20):
        for id_ in ids:
            await flat.says(event(id_))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await flat.is_told(*ids)
                return
    raise AssertionError(f"no receipt for {ids}: {flat.stored}")


async def test_poison_that_only_the_database_sees_is_set_aside(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto
) -> None:
    """The one event that cannot be stored is kept as rejected; its array, batch and all else are stored."""
    async with estate.connection() as conn:
        await conn.execute(
            """
            CREATE FUNCTION choke() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'choked on "pin:4711"' USING ERRCODE = 'data_exception'; END $$;
            CREATE TRIGGER choke BEFORE INSERT ON event FOR EACH ROW WHEN (NEW.data ? 'poison')
            EXECUTE FUNCTION choke();
            """
        )
    async with intake(database_url, open_mosquitto.url, batch_wait=0.3), home(open_mosquitto.port) as flat:
        await flat.says(event("a"))
        await flat.says(event("b"), event("poison", data={"poison": 1}), event("c"))
        await flat.says(event("d"))
        await flat.is_told("a", "b", "c", "d", "poison")
        assert flat.refused == {"poison": Reason.NOT_STORABLE}
    found = {row["id"] for row in await ask(estate, "SELECT id FROM event")}
    assert found == {"a", "b", "c", "d"}
    kept = await ask(estate, "SELECT event_id, reason FROM rejected")
    assert kept == [{"event_id": "poison", "reason": Reason.NOT_STORABLE}]


async def test_a_rule_that_chokes_on_a_press_sets_it_aside_and_still_calls_somebody(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of our own in deciding on one event neither stops the line nor hides the cry for help."""
    real = alerts.service.handle_signals

    async def choking(conn: Connection, signals: Sequence[Signal], now: datetime) -> None:
        if any(signal.event_id == "press" for signal in signals):
            raise ZeroDivisionError("a fault of ours")
        await real(conn, signals, now)

    monkeypatch.setattr(alerts.service, "handle_signals", choking)
    async with intake(database_url, open_mosquitto.url, batch_wait=0.3), home(open_mosquitto.port) as flat:
        await flat.says(event("a"))
        await flat.says(event("press", "alarm.pendant"))
        await flat.says(event("b", "test.call"))
        await flat.is_told("a", "b", "press")
        assert flat.refused == {"press": Reason.NOT_STORABLE}
    assert len(await ask(estate, "SELECT id FROM alert")) == 1


async def test_a_schema_that_is_behind_stops_intake_and_rejects_nothing(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto
) -> None:
    """What a migration will mend is waited for: no home is told that its events are bad."""
    async with estate.connection() as conn:
        await conn.execute("ALTER TABLE receipt RENAME TO receipt_elsewhere")
    async with intake(database_url, open_mosquitto.url), home(open_mosquitto.port) as flat:
        await flat.says(event("a"))
        await until(
            lambda: ask(
                estate, "SELECT 1 FROM intake WHERE caught_up_at IS NULL AND connected_at IS NOT NULL"
            )
        )
        async with estate.connection() as conn:
            await conn.execute("ALTER TABLE receipt_elsewhere RENAME TO receipt")
        await flat.is_told("a")
        assert flat.refused == {}


async def test_only_one_of_two_copies_is_active_and_the_other_takes_over(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto
) -> None:
    """A standby leaves the broker alone, and is the intake when the first has gone."""

    async def holder() -> object:
        found = await ask(estate, "SELECT holder FROM intake WHERE connected_at IS NOT NULL")
        return found[0]["holder"] if found else None

    async with (
        home(open_mosquitto.port) as flat,
        intake(database_url, open_mosquitto.url, instance="first") as stop_first,
        intake(database_url, open_mosquitto.url, instance="second", standby=True),
    ):
        await flat.says(event("a"))
        await flat.is_told("a")
        assert await holder() == "first"
        stop_first.set()
        await flat.says(event("b"))
        await flat.is_told("b")
        await until(lambda: _is(holder, "second"))


async def _is(what: object, wanted: str) -> bool:
    assert callable(what)
    return bool(await what() == wanted)


async def test_the_lease_of_a_dead_connection_is_free_at_once(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto
) -> None:
    """When the database ends its connection, intake stops writing, takes the lease anew and loses nothing."""
    async with intake(database_url, open_mosquitto.url), home(open_mosquitto.port) as flat:
        await flat.says(event("a"))
        await flat.is_told("a")
        killed = await ask(
            estate,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'threshold intake one ordinary'",
        )
        assert len(killed) == 1
        await flat.says(event("b"))
        await flat.is_told("b")


async def test_a_time_in_which_we_could_not_listen_is_kept(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto
) -> None:
    """Between two intakes lies a gap, from the last sign of life until what waited is worked off."""

    async def caught_up() -> bool:
        return bool(await ask(estate, "SELECT 1 FROM intake WHERE caught_up_at IS NOT NULL"))

    async with intake(database_url, open_mosquitto.url):
        await until(caught_up)
    (before,) = await ask(estate, "SELECT beat_at FROM intake WHERE connected_at IS NULL")
    async with home(open_mosquitto.port) as flat:
        await flat.says(event("meanwhile"))
        async with intake(database_url, open_mosquitto.url):
            await until(caught_up)
            assert flat.stored == ["meanwhile"]
            await until(lambda: ask(estate, "SELECT 1 FROM intake_gap WHERE ended_at IS NOT NULL"))
            (gap,) = await ask(estate, "SELECT began_at, ended_at FROM intake_gap")
    (heard,) = await ask(estate, "SELECT received_at FROM event")
    assert before["beat_at"] <= gap["began_at"]  # type: ignore[operator]
    assert gap["began_at"] < heard["received_at"] < gap["ended_at"]  # type: ignore[operator]


async def test_the_first_intake_ever_leaves_no_gap(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto
) -> None:
    """Before anybody ever listened there was nothing to miss."""
    async with intake(database_url, open_mosquitto.url):
        await until(lambda: ask(estate, "SELECT 1 FROM intake WHERE caught_up_at IS NOT NULL"))
        assert await ask(estate, "SELECT * FROM intake_gap") == []


async def test_commands_go_out_once_and_never_late(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto
) -> None:
    """A waiting command reaches its hub in the contract's form; one past its expiry is ended instead."""
    now = datetime.now(UTC)
    async with estate.connection() as conn:
        await conn.execute(
            "INSERT INTO command (id, hub_id, type, data, issued_at, expires_at, issued_by) VALUES"
            " ('c1', 'hub-12', 'door.release', '{\"panel\": \"panel-1\"}', %(now)s, %(later)s, 'x'),"
            " ('c2', 'hub-12', 'probe', '{}', %(now)s, %(now)s, 'x')",
            {"now": now, "later": now + timedelta(minutes=1)},
        )
    hint = asyncio.Event()
    async with home(open_mosquitto.port) as flat, intake(database_url, open_mosquitto.url, commands=hint):
        await until(lambda: flat.commands)
        hint.set()
        await until(lambda: ask(estate, "SELECT 1 FROM command WHERE state = 'expired'"))
    (command,) = flat.commands
    assert (command["id"], command["type"], command["data"]) == ("c1", "door.release", {"panel": "panel-1"})
    assert datetime.fromisoformat(command["expires_at"]) == now + timedelta(minutes=1)
    states = await ask(estate, "SELECT id, state FROM command ORDER BY id")
    assert [row["state"] for row in states] == ["sent", "expired"]


async def test_a_hub_that_becomes_known_gets_in_what_it_said_before(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto
) -> None:
    """Events rejected for want of a hub are taken in once the estate has it, with their own time."""
    async with intake(database_url, open_mosquitto.url), home(open_mosquitto.port, "hub-new") as flat:
        await flat.says(event("a"), event("b"))
        await until(lambda: flat.refused == {"a": Reason.UNKNOWN_HUB, "b": Reason.UNKNOWN_HUB})
        async with estate.connection() as conn:
            await conn.execute("INSERT INTO hub (id, dwelling_id) VALUES ('hub-new', 'elm-14')")
        await until(lambda: set(flat.stored) == {"a", "b"})
    (row,) = await ask(
        estate, "SELECT min(event.received_at) = min(rejected.received_at) AS same FROM event, rejected"
    )
    assert row["same"] is True
    assert await ask(estate, "SELECT 1 FROM rejected WHERE replayed_at IS NULL") == []


async def test_a_replay_holds_no_hub_while_it_waits_for_another(estate: Pool, database_url: str) -> None:
    """Each row has a transaction of its own, and locks what a batch locks in the order of a batch."""
    async with estate.connection() as conn:
        for hub in ("hub-14", "hub-12"):
            await record(conn, [says(b'{"id": "x"}', hub=hub)], T0)
    async with await Connection.connect(database_url, **connection_arguments("lane")) as lane:
        await lane.execute("SELECT FROM hub WHERE id = 'hub-12' FOR NO KEY UPDATE")
        replaying = asyncio.create_task(replay_all(database_url, TOPICS, None))
        stuck = "SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid)"
        stuck += " WHERE NOT granted AND application_name = 'threshold rejected'"
        await until(lambda: ask(estate, stuck))
        await lane.execute("SELECT FROM hub WHERE id = 'hub-14' FOR NO KEY UPDATE NOWAIT")
        await lane.rollback()
        assert await replaying == (0, 2)


async def test_no_pin_is_logged(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    """A credential of a good, a bad and an unstorable event appears in no line of the log."""
    async with intake(database_url, open_mosquitto.url), home(open_mosquitto.port) as flat:
        pin = {"credential": "pin:938274", "method": "pin"}
        await flat.says(event("a", "carer.arrived", data=pin))
        await flat.says(event("b", "carer.arrived", at=datetime(2026, 1, 1), data=pin))  # noqa: DTZ001
        await flat.says(b'{"id": "c", "type": "carer.arrived", "data": {"credential": "pin:938274"')
        await flat.is_told("a", "b", "c")
    logged = capsys.readouterr()
    assert "938274" not in logged.out + logged.err
