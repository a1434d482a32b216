"""The service tries itself the whole way, finds what would be forgotten, and tells a switch outside."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts import audit, own_faults
from alerts.monitor import MONITOR
from alerts.sweep import sweep_due
from app.settings import WatchSettings, load_settings
from app.watch import Watch, presser_of
from db.pool import Pool
from gateway.broker import broker_at
from gateway.topics import Topics
from tests.integration.app.watched import Clock, rows, service
from tests.support.mosquitto import Mosquitto
from tests.support.processes import free_port
from tests.support.webhook import Behaviour, WebhookSink

EVERY = timedelta(minutes=1)


async def test_a_press_goes_the_whole_way_and_nobody_hears_of_it(
    database_url: str, pool: Pool, open_mosquitto: Mosquitto, webhook_sink: WebhookSink
) -> None:
    """From the broker to the test contact, in no centre's queue; the next only after a period, by one
    copy."""
    await rows(
        pool, "INSERT INTO organisation VALUES ('north', 'monitoring_centre', 'Northgate') RETURNING id"
    )
    clock = Clock()
    broker = broker_at(open_mosquitto.url, client_id="threshold-gateway")
    settings = WatchSettings(ping_url=webhook_sink.url, webhook_url=None)  # type: ignore[call-arg, arg-type]
    presser = replace(broker, client_id=MONITOR)
    first, second = (Watch(pool, clock, settings, presser, Topics(), name) for name in ("first", "second"))
    async with service(database_url, broker, pool, clock):
        for watch in (first, second):
            await watch.round()
        await first.round()
        await second.round()
        (press,) = await rows(pool, "SELECT * FROM watch_press")
        assert press["fault"] is None
        assert press["seconds"] < 20
        (alert,) = await rows(pool, "SELECT * FROM alert")
        assert (alert["kind"], alert["is_test"]) == ("test.press", True)
        assert alert["closed_at"] is not None
        assert {row["organisation_id"] for row in await rows(pool, "SELECT * FROM duty")} == {MONITOR}
        assert {row["state"] for row in await rows(pool, "SELECT state FROM delivery")} == {"delivered"}
        assert [request.path for request in webhook_sink.received] == ["/hook", "/hook"]
        clock.ahead += EVERY
        await second.round()
        assert len(await rows(pool, "SELECT id FROM watch_press WHERE seconds IS NOT NULL")) == 2
        assert await sweep_due(pool, clock() + timedelta(hours=1)) == 1, "its own unit is silent"
        assert len(await rows(pool, "SELECT id FROM alert")) == 2, "and that raises nothing"
    beats = await rows(pool, "SELECT instance FROM beat WHERE role = 'press' ORDER BY instance")
    assert [beat["instance"] for beat in beats] == ["first", "second"]


async def test_three_presses_that_fail_are_an_alert_until_one_arrives(
    database_url: str, pool: Pool, open_mosquitto: Mosquitto, webhook_sink: WebhookSink
) -> None:
    """Of every monitoring centre, once while it lasts; the switch outside is told each time."""
    await rows(
        pool, "INSERT INTO organisation VALUES ('north', 'monitoring_centre', 'Northgate') RETURNING id"
    )
    clock = Clock()
    nowhere = broker_at(f"mqtt://127.0.0.1:{free_port()}", client_id=MONITOR)
    settings = WatchSettings(ping_url=webhook_sink.url)  # type: ignore[call-arg, arg-type]
    watch = Watch(pool, clock, settings, nowhere, Topics(), "test")
    await watch.round()
    for failed in range(1, 5):
        clock.ahead += EVERY
        await watch.round()
        assert len(await rows(pool, "SELECT id FROM alert")) == (1 if failed >= 3 else 0)
    (alert,) = await rows(pool, "SELECT * FROM alert")
    assert (alert["kind"], alert["priority"], alert["press_count"]) == ("service.fault", 2, 1)
    assert "the broker" in alert["reason"]
    assert [request.path for request in webhook_sink.received] == ["/hook/fail"] * 4
    assert b"the broker" in webhook_sink.received[-1].body
    broker = broker_at(open_mosquitto.url, client_id="threshold-gateway")
    watch._broker = replace(broker, client_id=MONITOR)
    async with service(database_url, broker, pool, clock):
        clock.ahead += EVERY
        await watch.round()
    (alert,) = await rows(pool, "SELECT * FROM alert WHERE kind = 'service.fault'")
    assert alert["stood_down_at"] is not None
    assert webhook_sink.received[-1].path == "/hook"


async def test_a_duty_that_nothing_would_look_at_is_found_and_looked_at(pool: Pool) -> None:
    """Repaired, counted, and told to the centre as a fault of ours; the next audit ends that."""
    now = datetime.now(UTC)
    for sql in (
        "INSERT INTO organisation VALUES ('north', 'monitoring_centre', 'Northgate') RETURNING id",
        "INSERT INTO alert (kind, priority, dedupe_key, raised_at, noticed_at, reason)"
        " VALUES ('alarm.pendant', 1, 'k', now(), now(), '') RETURNING id",
        "INSERT INTO duty (alert_id, organisation_id, role, priority, raised_at, ladder, step_from)"
        " SELECT id, 'north', 'monitoring_centre', 1, now(), 'alarm.1', now() FROM alert RETURNING id",
        "INSERT INTO alert (kind, priority, dedupe_key, raised_at, noticed_at, reason)"
        " VALUES ('alarm.fall', 1, 'nobody', now(), now(), '') RETURNING id",
    ):
        await rows(pool, sql)
    async with pool.connection() as conn:
        found = await audit.audit(conn, now)
        assert (found.unwatched, found.stranded, found.ownerless) == (1, 0, 1)
        assert found.fault is not None
        await own_faults.found(conn, "audit", found.fault, now)
    assert await sweep_due(pool, now + timedelta(seconds=1)) > 0
    (duty,) = await rows(pool, "SELECT next_check_at FROM duty WHERE alert_id = 1")
    assert duty["next_check_at"] is not None
    async with pool.connection() as conn:
        assert (await audit.audit(conn, now)).unwatched == 0
    assert len(await rows(pool, "SELECT id FROM alert WHERE kind = 'service.fault'")) == 1


async def test_a_switch_outside_that_does_not_answer_stops_nothing(
    pool: Pool, webhook_sink: WebhookSink
) -> None:
    """It is logged and counted; a watcher without a broker audits all the same."""
    webhook_sink.behaves = Behaviour(reset=True)
    settings = WatchSettings(ping_url=webhook_sink.url)  # type: ignore[call-arg, arg-type]
    watch = Watch(pool, Clock(), settings, None, Topics(), "test")
    assert await watch.round() == 0
    assert await watch.round() == 0
    assert len(webhook_sink.received) == 1
    assert await rows(pool, "SELECT id FROM watch_press") == []


@pytest.mark.parametrize(
    ("username", "password", "presses"),
    [(None, None, True), ("threshold-gateway", None, False), ("threshold-gateway", "s3cret", True)],
)
def test_the_watcher_has_an_account_of_its_own(
    username: str | None, password: str | None, presses: bool
) -> None:
    """With the gateway's it would take the gateway's connection away."""
    settings = load_settings(watch={"password": password})
    broker = broker_at("mqtt://broker.example", client_id="threshold-gateway", username=username)
    presser = presser_of(settings, broker)
    assert (presser is not None) == presses
    if presser is not None:
        assert presser.client_id == MONITOR
        assert presser.username == (MONITOR if password else None)
