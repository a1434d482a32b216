"""The gateway's conversation with real brokers: what it keeps, what it waits for, what it never says."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import aiomqtt
import pytest
import uvloop
from prometheus_client import REGISTRY

from gateway import connection
from gateway.session import Message
from tests.integration.gateway.conftest import RunningBroker, listening, speak, until
from tests.support.mosquitto import GATEWAY, Mosquitto
from tests.support.proxy import FaultProxy

MakeProxy = Callable[[int], Awaitable[FaultProxy]]


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_what_is_not_acknowledged_is_delivered_again(any_broker: RunningBroker) -> None:
    """A message that was taken and never acknowledged comes again by the next connection; others do not."""
    async with listening(any_broker.url, acknowledge=lambda message: message.payload != b"2") as ears:
        await until(lambda: ears.ups == 1)
        await speak(any_broker, b"1", b"2")
        await until(lambda: len(ears.taken) == 2)
    async with listening(any_broker.url) as ears:
        await until(lambda: b"2" in ears.payloads())
        assert b"1" not in ears.payloads()


async def test_what_arrives_while_we_are_away_waits_at_the_broker(any_broker: RunningBroker) -> None:
    """The broker keeps our queue between two connections."""
    async with listening(any_broker.url) as ears:
        await until(lambda: ears.ups == 1)
    await speak(any_broker, b"meanwhile")
    async with listening(any_broker.url) as ears:
        await until(lambda: ears.payloads() == [b"meanwhile"])


async def test_acknowledgements_go_out_in_the_order_of_delivery(any_broker: RunningBroker) -> None:
    """Acknowledging the last first tells the broker nothing until the first is done, and then all."""
    async with listening(any_broker.url, acknowledge=lambda _: False) as ears:
        await until(lambda: ears.ups == 1)
        await speak(any_broker, b"1", b"2", b"3")
        await until(lambda: len(ears.taken) == 3)
        for message in reversed(ears.taken[1:]):
            ears.session.acknowledge([message])
        assert len(ears.taken[0].connection.unacknowledged) == 3
        ears.session.acknowledge([ears.taken[0]])
        assert ears.session.oldest_unacknowledged() == (0, 0.0)
        await speak(any_broker, b"4")
        await until(lambda: b"4" in ears.payloads())
        assert ears.downs == 0


def test_the_session_runs_on_the_loop_of_the_service(open_mosquitto: Mosquitto) -> None:
    """uvloop, on which the service runs, carries a message as asyncio's own loop does."""

    async def one_message() -> None:
        async with listening(open_mosquitto.url) as ears:
            await until(lambda: ears.ups == 1)
            await speak(open_mosquitto, b"1")
            await until(lambda: ears.payloads() == [b"1"])

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(one_message())


async def test_a_broker_that_is_not_there_yet_is_waited_for(open_mosquitto: Mosquitto) -> None:
    """Without a broker the session waits, and goes on by itself once there is one."""
    open_mosquitto.stop()
    async with listening(open_mosquitto.url) as ears:
        await until(lambda: ears.downs >= 2)
        assert not ears.session.connected
        assert ears.session.publish("threshold/v1/hub-1/receipts", b"{}") is False
        open_mosquitto.start()
        await until(lambda: ears.session.connected)


async def test_a_killed_broker_is_found_again_and_nothing_is_acknowledged_late(
    open_mosquitto: Mosquitto,
) -> None:
    """An acknowledgement for a connection that has ended is withheld, and the message comes again."""
    stale = metric("threshold_mqtt_stale_acks_total")
    async with listening(open_mosquitto.url, acknowledge=lambda _: False) as ears:
        await until(lambda: ears.ups == 1)
        await speak(open_mosquitto, b"held")
        await until(lambda: len(ears.taken) == 1)
        open_mosquitto.restart()
        await until(lambda: ears.ups == 2)
        ears.session.acknowledge([ears.taken[0]])
        assert metric("threshold_mqtt_stale_acks_total") == stale + 1
        await until(lambda: ears.payloads() == [b"held", b"held"])
        open_mosquitto.kill()
        await until(lambda: ears.downs == 2)
        open_mosquitto.start()
        await until(lambda: ears.ups == 3)


async def test_a_message_id_of_an_old_connection_acknowledges_no_new_message(
    open_mosquitto: Mosquitto,
) -> None:
    """After a reconnect the same id may belong to another message, which stays the broker's."""
    held: list[Message] = []
    async with listening(open_mosquitto.url, client_id="first", acknowledge=lambda _: False) as ears:
        await until(lambda: ears.ups == 1)
        await speak(open_mosquitto, b"old")
        await until(lambda: len(ears.taken) == 1)
        held = ears.taken[:]
        ears.session.drop("test")
        await until(lambda: len(ears.taken) == 2)
        assert ears.taken[1].mid == held[0].mid
        ears.session.acknowledge([held[0]])
        assert ears.session.oldest_unacknowledged()[1] > 0.0


async def test_a_refused_account_is_waited_out(mosquitto: Mosquitto) -> None:
    """With a wrong password the session says so, waits, and connects when the account is mended."""
    async with listening(mosquitto.url, client_id=GATEWAY, username=GATEWAY, password="wrong") as ears:
        await until(lambda: ears.downs >= 2)
        assert ears.ups == 0
    async with listening(
        mosquitto.url, client_id=GATEWAY, username=GATEWAY, password=mosquitto.passwords[GATEWAY]
    ) as ears:
        await until(lambda: ears.session.connected)


async def test_a_broker_that_hangs_while_we_connect_is_given_up(
    make_proxy: MakeProxy, open_mosquitto: Mosquitto
) -> None:
    """A broker that takes the connection and says nothing does not hold us for ever."""
    proxy = await make_proxy(open_mosquitto.port)
    proxy.down.blackhole = True
    async with listening(f"mqtt://127.0.0.1:{proxy.port}") as ears:
        await until(lambda: proxy.connections >= 2)
        proxy.down.blackhole = False
        await until(lambda: ears.session.connected)


@pytest.mark.parametrize("paused", [False, True])
async def test_told_to_stop_while_it_connects_it_stops(
    make_proxy: MakeProxy, open_mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch, paused: bool
) -> None:
    """A broker that says nothing is not waited for any more; paused, its answer would not even be heard."""
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT", 600.0)
    monkeypatch.setattr(connection, "KEEPALIVE", 600)
    proxy = await make_proxy(open_mosquitto.port)
    proxy.down.blackhole = True

    def has_paused() -> bool:
        ears.session.pause(paused)
        return ears.session.paused is paused

    async with listening(f"mqtt://127.0.0.1:{proxy.port}") as ears:
        await until(lambda: proxy.connections == 1)
        await until(has_paused)
    assert (ears.ups, ears.downs, proxy.connections) == (0, 1, 1)


async def test_a_reset_line_is_taken_up_again_without_loss(
    make_proxy: MakeProxy, open_mosquitto: Mosquitto
) -> None:
    """Flapping of the line to the broker loses no message."""
    proxy = await make_proxy(open_mosquitto.port)
    said = [str(number).encode() for number in range(200)]
    async with listening(f"mqtt://127.0.0.1:{proxy.port}") as ears:
        await until(lambda: ears.ups == 1)
        speaking = asyncio.create_task(speak(open_mosquitto, *said))
        for flap in range(3):
            await until(lambda flap=flap: len(ears.taken) > 20 * (flap + 1))  # type: ignore[misc]
            proxy.reset()
            await until(lambda flap=flap: ears.ups == flap + 2)  # type: ignore[misc]
        await speaking
        await until(lambda: set(ears.payloads()) == set(said))


async def test_pausing_stops_taking_and_resuming_goes_on(any_broker: RunningBroker) -> None:
    """While paused nothing is taken; afterwards everything is."""
    async with listening(any_broker.url) as ears:
        await until(lambda: ears.ups == 1)
        ears.session.pause(True)
        await speak(any_broker, b"1", b"2")
        assert ears.taken == []
        ears.session.pause(False)
        await until(lambda: ears.payloads() == [b"1", b"2"])


async def test_one_turn_of_the_loop_reads_one_share(
    open_mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the system reports more to read, others have their turn after as many messages as are due."""
    monkeypatch.setattr(connection, "MESSAGES_AT_ONCE", 5)
    loop = asyncio.get_running_loop()
    turn, read, behind = 0, Counter[int](), Counter[bool]()
    all_read = False

    def next_turn() -> None:
        nonlocal turn
        turn += 1
        behind[ears.session.behind()] += 1
        if not all_read:
            loop.call_soon(next_turn)

    def took(_message: Message) -> bool:
        read[turn] += 1
        return True

    async with listening(open_mosquitto.url, acknowledge=took) as ears:
        await until(lambda: ears.ups == 1)
        ears.session.pause(True)
        await speak(open_mosquitto, *(bytes(8_000) for _ in range(100)))  # of which one read takes eight
        next_turn()
        ears.session.pause(False)
        await until(lambda: len(ears.taken) == 100)
        all_read = True
    assert max(read.values()) <= 5
    assert behind[True]


async def test_a_backlog_after_a_long_pause_is_no_dead_connection(
    any_broker: RunningBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker's answer to our ping lies behind all that waited; reading that slowly ends nothing."""
    monkeypatch.setattr(connection, "KEEPALIVE", 4)
    monkeypatch.setattr(connection, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(connection, "MESSAGES_AT_ONCE", 5)

    def slowly(_message: Message) -> bool:
        time.sleep(0.02)
        return True

    async with listening(any_broker.url, acknowledge=slowly) as ears:
        await until(lambda: ears.ups == 1)
        ears.session.pause(True)
        await speak(any_broker, *(b"%d" % number for number in range(150)))
        await asyncio.sleep(5)
        ears.session.pause(False)
        await until(lambda: len(ears.taken) == 150)
        assert ears.downs == 0


async def test_what_we_publish_reaches_the_hub(any_broker: RunningBroker) -> None:
    """A receipt goes out with QoS 1 and is not retained."""
    async with (
        listening(any_broker.url) as ears,
        aiomqtt.Client("127.0.0.1", any_broker.port, identifier="hub-9") as hub,
    ):
        await until(lambda: ears.ups == 1)
        await hub.subscribe("threshold/v1/hub-9/receipts", qos=1)
        assert ears.session.publish("threshold/v1/hub-9/receipts", b'{"stored":["a"]}')
        async with asyncio.timeout(60):
            message = await anext(aiter(hub.messages))
        assert (message.payload, message.qos, message.retain) == (b'{"stored":["a"]}', 1, False)


@pytest.mark.parametrize("retain", [True, False])
async def test_only_what_the_broker_kept_is_marked_retained(any_broker: RunningBroker, retain: bool) -> None:
    """A retained message says so when it comes with the subscription, and is fresh when it comes live."""
    await speak(any_broker, b"kept", retain=retain)
    async with listening(any_broker.url) as ears:
        await until(lambda: ears.ups == 1)
        await speak(any_broker, b"live", topic="threshold/v1/hub-2/events", retain=retain)
        await until(lambda: b"live" in ears.payloads())
        seen = {message.payload: message.retained for message in ears.taken}
        assert seen == ({b"kept": True, b"live": False} if retain else {b"live": False})
