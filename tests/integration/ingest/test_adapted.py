"""Other people's devices on the whole way in: a real broker, a real database, a bridge played by hand."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiomqtt
import pytest

from app.clock import system_clock
from db.pool import Pool
from gateway.broker import broker_at
from gateway.codec import Reason
from gateway.connection import Subscription
from gateway.session import Message, Session
from ingest import adapted
from ingest.replay import replay_next
from ingest.service import record
from tests.integration.ingest.conftest import intake, until
from tests.integration.ingest.world import TOPICS, make_estate, rows
from tests.support.mosquitto import Mosquitto

T0 = datetime(2026, 11, 21, 18, tzinfo=UTC)

BRIDGES = """
INSERT INTO hub (id, dwelling_id, adapter) VALUES
    ('z2m-12', 'elm-12', '{"kind": "zigbee2mqtt", "base": "zigbee2mqtt"}'),
    ('z2m-14', 'elm-14', '{"kind": "zigbee2mqtt", "base": "zigbee2mqtt"}'),
    ('lora-12', 'elm-12', '{"kind": "chirpstack", "base": "application/7"}');
INSERT INTO device (hub_id, id, kind, name, model, map) VALUES
    ('z2m-12', 'sos', 'pendant', 'kitchen/Ada''s button', 'TS0215A_sos', '{}'),
    ('z2m-12', 'smoke', 'smoke_detector', NULL, 'HS1SA-E', '{}'),
    ('z2m-12', 'keypad', 'keypad', NULL, NULL, '{"action": {"disarm": "carer.arrived"}}'),
    ('z2m-14', 'cord', 'pull_cord', NULL, 'MCCGQ11LM', '{"contact": {"false": "alarm.pull_cord"}}'),
    ('lora-12', 'wristband', 'pendant', '24E124535B316056', NULL, '{"press": {"long": "alarm.pendant"}}');
INSERT INTO credential (credential, carer_id) VALUES ('pin:471147', 'joy');
"""


@pytest.fixture
async def estate(pool: Pool) -> Pool:
    """The small estate with two flats' devices behind one Zigbee bridge, and a LoRaWAN application."""
    async with pool.connection() as conn:
        await make_estate(conn)
        await conn.execute(BRIDGES)
    return pool


async def ask(pool: Pool, sql: str) -> list[dict[str, Any]]:
    async with pool.connection() as conn:
        return await rows(conn, sql)


async def alarms(pool: Pool) -> list[tuple[Any, ...]]:
    found = await ask(pool, "SELECT kind, hub_id, device, press_count FROM alert ORDER BY id")
    return [tuple(row.values()) for row in found]


class Bench:
    """Messages of bridges straight into the transaction that records them."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.now = T0
        self.mid = 0

    async def hears(self, topic: str, payload: Any, **how: Any) -> None:
        self.now += timedelta(seconds=1)
        self.mid += 1
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        async with self.pool.connection() as conn:
            bridge = (await adapted.load(conn)).at(topic)
            assert bridge is not None
            settings: dict[str, Any] = {"retained": False, "mid": self.mid} | how
            arrival = adapted.read(bridge, topic, raw, received_at=self.now, **settings)
            if arrival is not None:
                recorded = await record(conn, [arrival], self.now)
                assert recorded.answers == {}, "a bridge of another maker is sent no receipts"


@pytest.fixture
def bench(estate: Pool) -> Bench:
    """The estate's bridges, message by message."""
    return Bench(estate)


@asynccontextmanager
async def bridge(broker: Mosquitto) -> AsyncIterator[aiomqtt.Client]:
    """Zigbee2MQTT as the broker sees it."""
    async with aiomqtt.Client("127.0.0.1", broker.port, identifier="z2m") as client:
        yield client


async def publish(client: aiomqtt.Client, topic: str, payload: Any, retain: bool = False) -> None:
    await client.publish(topic, json.dumps(payload), qos=1, retain=retain)


async def test_a_press_reaches_an_operator_and_a_restart_of_the_bridge_raises_nothing_twice(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto
) -> None:
    """An SOS button's press over the broker is an alert of its home's centre, told once each time it is
    pressed; when the bridge starts again and says everything anew, nobody is called again.
    """
    smoke = {"smoke": True, "test": False, "battery": 97}
    async with intake(database_url, open_mosquitto.url), bridge(open_mosquitto) as z2m:
        await publish(z2m, "zigbee2mqtt/bridge/state", {"state": "online"}, retain=True)
        await publish(z2m, "zigbee2mqtt/kitchen/Ada's button", {"action": "emergency", "battery": 100})
        await publish(z2m, "zigbee2mqtt/kitchen/Ada's button", {"action": "", "battery": 100})
        await publish(z2m, "zigbee2mqtt/smoke", smoke)
        await until(lambda: _has(estate, "SELECT id FROM alert WHERE kind = 'alarm.smoke'"))
        # The bridge starts again: state and availability are kept, and every cached state is said anew.
        await publish(z2m, "zigbee2mqtt/bridge/state", {"state": "offline"}, retain=True)
        await publish(z2m, "zigbee2mqtt/bridge/state", {"state": "online"}, retain=True)
        await publish(z2m, "zigbee2mqtt/smoke", {**smoke, "linkquality": 7})
        await publish(z2m, "zigbee2mqtt/kitchen/Ada's button", {"battery": 100, "linkquality": 9})
        await publish(z2m, "zigbee2mqtt/kitchen/Ada's button", {"action": "emergency", "battery": 100})
        await until(lambda: _has(estate, "SELECT id FROM alert WHERE press_count = 2"))
    assert sorted(await alarms(estate)) == [
        ("alarm.pendant", "z2m-12", "sos", 2),
        ("alarm.smoke", "z2m-12", "smoke", 1),
    ]
    queued = await ask(
        estate,
        "SELECT organisation_id, priority FROM duty JOIN alert ON alert.id = alert_id"
        " WHERE kind = 'alarm.pendant'".replace("priority", "duty.priority"),
    )
    assert queued == [{"organisation_id": "northgate", "priority": 1}]
    (hub,) = await ask(
        estate, "SELECT online, last_heard_at IS NOT NULL AS heard FROM hub WHERE id = 'z2m-12'"
    )
    assert hub == {"online": True, "heard": True}


async def _has(pool: Pool, sql: str) -> bool:
    return bool(await ask(pool, sql))


async def test_a_bridge_is_listened_to_as_soon_as_the_estate_names_it(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto
) -> None:
    """Without a restart, and what the bridge had kept before is heard too."""
    commands = asyncio.Event()
    async with (
        intake(database_url, open_mosquitto.url, commands=commands),
        bridge(open_mosquitto) as z2m,
    ):
        await publish(z2m, "zigbee/new/bridge/state", {"state": "offline"}, retain=True)
        async with estate.connection() as conn:
            await conn.execute(
                """INSERT INTO hub (id, dwelling_id, adapter)
                   VALUES ('z2m-new', 'elm-14', '{"kind": "zigbee2mqtt", "base": "zigbee/new"}')"""
            )

        async def heard() -> bool:
            commands.set()  # rounds one after another, so that the seldom one comes at once
            return await _has(estate, "SELECT id FROM hub WHERE id = 'z2m-new' AND online IS FALSE")

        await until(heard)


async def test_devices_of_two_flats_behind_one_bridge(bench: Bench) -> None:
    """Each device calls for its own flat; the bridge's end is the end of both hubs' word."""
    await bench.hears("zigbee2mqtt/cord", {"contact": False})
    await bench.hears("zigbee2mqtt/kitchen/Ada's button", {"action": "emergency"})
    assert await alarms(bench.pool) == [
        ("alarm.pull_cord", "z2m-14", "cord", 1),
        ("alarm.pendant", "z2m-12", "sos", 1),
    ]
    await bench.hears("zigbee2mqtt/bridge/state", {"state": "offline"})
    offline = await ask(bench.pool, "SELECT id FROM hub WHERE NOT online ORDER BY id")
    assert [row["id"] for row in offline] == ["z2m-12", "z2m-14"]


async def test_a_redelivered_press_is_stored_once(bench: Bench) -> None:
    """The broker delivers again what was committed and not acknowledged: the press is known."""
    press = {"action": "emergency", "battery": 100, "linkquality": 90}
    await bench.hears("zigbee2mqtt/kitchen/Ada's button", press, mid=7)
    await bench.hears("zigbee2mqtt/kitchen/Ada's button", press, mid=8)
    await bench.hears("zigbee2mqtt/kitchen/Ada's button", press, mid=7, again=True)
    await bench.hears("zigbee2mqtt/kitchen/Ada's button", press, mid=8, again=True)
    assert await alarms(bench.pool) == [("alarm.pendant", "z2m-12", "sos", 2)]


async def test_a_press_that_cannot_be_stored_still_calls_somebody(
    estate: Pool, database_url: str, open_mosquitto: Mosquitto
) -> None:
    """What the database refuses is set aside with its alarm; the press of another device is stored."""
    async with estate.connection() as conn:
        await conn.execute(
            """
            CREATE FUNCTION choke() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'choked' USING ERRCODE = 'data_exception'; END $$;
            CREATE TRIGGER choke BEFORE INSERT ON event FOR EACH ROW WHEN (NEW.type = 'alarm.pendant')
            EXECUTE FUNCTION choke();
            """
        )
    async with intake(database_url, open_mosquitto.url), bridge(open_mosquitto) as z2m:
        await publish(z2m, "zigbee2mqtt/kitchen/Ada's button", {"action": "emergency"})
        await publish(z2m, "zigbee2mqtt/cord", {"contact": False})
        await until(lambda: _has(estate, "SELECT id FROM alert WHERE kind = 'alarm.pull_cord'"))
        await until(lambda: _has(estate, "SELECT id FROM alert WHERE kind = 'alarm.unreadable'"))
    (kept,) = await ask(estate, "SELECT hub_id, reason, looks_like_alarm FROM rejected")
    assert tuple(kept.values()) == ("z2m-12", Reason.NOT_STORABLE, True)


async def test_the_broker_says_which_messages_it_delivers_again(open_mosquitto: Mosquitto) -> None:
    """What was not acknowledged comes again on the next connection, marked, under the same message id."""
    heard: list[Message] = []
    session = Session(
        broker_at(open_mosquitto.url, client_id="threshold-gateway"),
        (Subscription("zigbee2mqtt/#", 1),),
        system_clock,
        on_message=heard.append,
    )
    stop = asyncio.Event()
    running = asyncio.create_task(session.run(stop))
    try:
        await until(lambda: session.connected)
        async with bridge(open_mosquitto) as z2m:
            await publish(z2m, "zigbee2mqtt/sos", {"action": "emergency"})
            await until(lambda: len(heard) == 1)
            session.drop("a test")
            await until(lambda: len(heard) == 2)
    finally:
        stop.set()
        await running
    assert [message.again for message in heard] == [False, True]
    assert heard[0].mid == heard[1].mid


async def test_a_missing_sensor_is_a_fault_and_its_return_ends_it(bench: Bench) -> None:
    """Availability becomes the technical events of a device, kept messages included."""
    await bench.hears("zigbee2mqtt/smoke/availability", {"state": "offline"}, retained=True)
    await bench.hears("zigbee2mqtt/smoke/availability", {"state": "offline"}, retained=True)
    await bench.hears("zigbee2mqtt/smoke/availability", {"state": "online"})
    found = await ask(bench.pool, "SELECT type, device FROM event ORDER BY received_at")
    assert [tuple(row.values()) for row in found] == [
        ("technical.sensor_missing", "smoke"),
        ("technical.sensor_restored", "smoke"),
    ]


async def test_a_pin_leaves_no_trace(bench: Bench) -> None:
    """A keypad's code says who came, and stands in no table but where the estate keeps it; an unknown code is
    a denial, and a broken message is kept with the code blotted out.
    """
    await bench.hears("zigbee2mqtt/keypad", {"action": "disarm", "action_code": "471147"})
    await bench.hears("zigbee2mqtt/keypad", {"action": "disarm", "action_code": "990099"})
    await bench.hears("zigbee2mqtt/keypad", b'{"action": "disarm", "action_code": "471147", oops')
    await bench.hears("zigbee2mqtt/someone else", b'{"action": "panic", "action_code":471147}')
    found = await ask(bench.pool, "SELECT type, credential FROM event ORDER BY received_at")
    assert [tuple(row.values()) for row in found] == [("carer.arrived", "keypad:joy"), ("door.denied", None)]
    whose = await ask(bench.pool, "SELECT carer_id FROM credential WHERE credential = 'keypad:joy'")
    assert whose == [{"carer_id": "joy"}]
    tables = await ask(
        bench.pool,
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    )
    for table in sorted(row["relname"] for row in tables if row["relname"] != "credential"):
        held = await ask(
            bench.pool,
            f"""SELECT 1 FROM "{table}" AS t WHERE to_jsonb(t)::text ~ '471147|990099'
                OR to_jsonb(t)::text ~ encode('471147', 'hex')""",
        )
        assert held == [], f"a PIN stands in {table}"
    payloads = await ask(bench.pool, "SELECT convert_from(payload, 'UTF8') AS text FROM rejected ORDER BY id")
    assert [row["text"] for row in payloads] == [
        '{"action": "disarm", "action_code": null, oops',
        '{"action": "panic", "action_code":null}',
    ]


async def test_an_unmapped_alarm_reaches_an_operator_and_can_be_taken_in_once_it_is_mapped(
    bench: Bench,
) -> None:
    """Promise 2 for other people's devices: kept with its reason, shown to a person, replayed after a fix."""
    await bench.hears("zigbee2mqtt/new/sos", {"action": "emergency"})
    await bench.hears("zigbee2mqtt/thermometer", {"temperature": 21})
    assert [kind for kind, *_ in await alarms(bench.pool)] == ["alarm.unreadable"]
    (kept,) = await ask(bench.pool, "SELECT id, reason, looks_like_alarm FROM rejected")
    assert (kept["reason"], kept["looks_like_alarm"]) == (Reason.UNKNOWN_DEVICE, True)
    async with bench.pool.connection() as conn:
        await conn.execute("INSERT INTO device (hub_id, id, kind) VALUES ('z2m-12', 'new/sos', 'pendant')")
        done = await replay_next(conn, TOPICS, bench.now, ids=[kept["id"]])
    assert done is not None
    assert done.taken_in
    (stored,) = await ask(bench.pool, "SELECT hub_id, type, device FROM event")
    assert tuple(stored.values()) == ("z2m-12", "alarm.pendant", "new/sos")


async def test_an_uplink_is_stored_under_its_makers_id_and_history_raises_nothing(bench: Bench) -> None:
    """A LoRaWAN press calls once however often it is delivered; one out of a buffer only goes on record."""
    topic = "application/7/device/24e124535b316056/event/up"
    uplink = {"deduplicationId": "d-1", "time": T0.isoformat(), "object": {"press": "long"}}
    await bench.hears(topic, uplink)
    await bench.hears(topic, uplink)
    old = (T0 - timedelta(hours=30)).isoformat()
    await bench.hears(topic, {**uplink, "deduplicationId": "d-2", "time": old})
    assert await alarms(bench.pool) == [("alarm.pendant", "lora-12", "wristband", 1)]
    found = await ask(bench.pool, "SELECT id, type, effective_at FROM event ORDER BY received_at")
    assert [tuple(row.values()) for row in found] == [
        ("d-1", "alarm.pendant", T0),
        ("d-2", "history.alarm.pendant", T0 - timedelta(hours=30)),
    ]
