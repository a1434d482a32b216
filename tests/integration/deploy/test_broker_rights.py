"""Who may do what on the broker as it is deployed: deploy/mosquitto, run from Debian's package."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt
import psutil
import pytest

from tests.support.mosquitto import GATEWAY, MONITOR, Mosquitto

ROOT = "threshold/v1"
FIRST_ONLY = 3
"""paho's default for clean_start, which MQTT 3.1.1 requires it to be left at."""


@pytest.fixture
def broker(mosquitto: Mosquitto) -> Mosquitto:
    """The deployed broker with two enrolled homes."""
    mosquitto.enrol(["hub-1", "hub-2"])
    mosquitto.restart()
    return mosquitto


@asynccontextmanager
async def signed_in(broker: Mosquitto, name: str, **more: object) -> AsyncIterator[aiomqtt.Client]:
    """A client under its own account, MQTT 5, so that refusals have a reason code."""
    settings = {"identifier": name, "protocol": aiomqtt.ProtocolVersion.V5, "clean_start": True} | more
    async with aiomqtt.Client(
        "127.0.0.1",
        broker.port,
        username=name,
        password=broker.passwords.get(name, "wrong"),
        **settings,  # type: ignore[arg-type]
    ) as client:
        yield client


async def heard(client: aiomqtt.Client, until: str) -> list[str]:
    """The topics of the messages that arrive, up to and without the one on `until`."""
    topics: list[str] = []
    async with asyncio.timeout(60):
        async for message in client.messages:
            if message.topic.value == until:
                break
            topics.append(message.topic.value)
    return topics


async def test_a_home_and_the_gateway_hear_each_other(broker: Mosquitto) -> None:
    """A hub's events and status reach the gateway; its receipts and commands reach the hub."""
    async with signed_in(broker, GATEWAY) as gateway, signed_in(broker, "hub-1") as hub:
        await gateway.subscribe([(f"{ROOT}/+/events", 1), (f"{ROOT}/+/status", 1)])
        await hub.subscribe([(f"{ROOT}/hub-1/receipts", 1), (f"{ROOT}/hub-1/commands", 1)])
        await hub.publish(f"{ROOT}/hub-1/events", b"{}", qos=1)
        await hub.publish(f"{ROOT}/hub-1/status", b"{}", qos=1, retain=True)
        assert await heard(gateway, f"{ROOT}/hub-1/status") == [f"{ROOT}/hub-1/events"]
        await gateway.publish(f"{ROOT}/hub-1/receipts", b"{}", qos=1)
        await gateway.publish(f"{ROOT}/hub-1/commands", b"{}", qos=1)
        assert await heard(hub, f"{ROOT}/hub-1/commands") == [f"{ROOT}/hub-1/receipts"]


@pytest.mark.parametrize(
    "topic",
    [
        f"{ROOT}/hub-2/events",
        f"{ROOT}/hub-2/status",
        f"{ROOT}/hub-1/receipts",
        f"{ROOT}/hub-2/commands",
        f"{ROOT}/hub-1/events/more",
        "zigbee2mqtt/elsewhere",
        "$SYS/broker/uptime",
    ],
)
async def test_a_home_speaks_for_itself_only(broker: Mosquitto, topic: str) -> None:
    """What a hub publishes on a topic that is not its own reaches nobody."""
    async with signed_in(broker, GATEWAY) as gateway, signed_in(broker, "hub-1") as hub:
        await gateway.subscribe([(f"{ROOT}/#", 1), ("zigbee2mqtt/#", 1)])
        with pytest.raises(aiomqtt.MqttCodeError, match="Not authorized"):
            await publish_or_raise(hub, topic)
        await hub.publish(f"{ROOT}/hub-1/events", b"{}", qos=1)
        assert await heard(gateway, f"{ROOT}/hub-1/events") == []


async def publish_or_raise(client: aiomqtt.Client, topic: str) -> None:
    """Publish, and raise what the broker answers: aiomqtt keeps a refusal to itself."""
    reasons: asyncio.Queue[object] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    paho = client._client
    usual = paho.on_publish

    def on_publish(*arguments: object) -> None:
        loop.call_soon_threadsafe(reasons.put_nowait, arguments[3])
        if usual is not None:
            usual(*arguments)  # type: ignore[arg-type]

    paho.on_publish = on_publish
    await client.publish(topic, b"{}", qos=1)
    reason = await asyncio.wait_for(reasons.get(), 10)
    if getattr(reason, "is_failure", False):
        raise aiomqtt.MqttCodeError(reason, str(reason))  # type: ignore[arg-type]


@pytest.mark.parametrize("wish", ["#", "$SYS/#", f"{ROOT}/#", f"{ROOT}/hub-2/receipts", f"{ROOT}/+/events"])
async def test_a_home_hears_of_itself_only(broker: Mosquitto, wish: str) -> None:
    """Whatever a hub subscribes to, it gets its own receipts and commands and nothing else."""
    async with signed_in(broker, GATEWAY) as gateway, signed_in(broker, "hub-1") as hub:
        await hub.subscribe([(wish, 1), (f"{ROOT}/hub-1/commands", 1)])
        await gateway.publish(f"{ROOT}/hub-2/receipts", b"{}", qos=1)
        await gateway.publish(f"{ROOT}/hub-2/commands", b"{}", qos=1)
        async with signed_in(broker, "hub-2") as other:
            await other.publish(f"{ROOT}/hub-2/events", b"{}", qos=1)
            await other.publish(f"{ROOT}/hub-2/status", b"{}", qos=1, retain=True)
        await gateway.publish(f"{ROOT}/hub-1/commands", b"{}", qos=1)
        assert await heard(hub, f"{ROOT}/hub-1/commands") == []


@pytest.mark.parametrize("name", ["hub-1", "hub-9", GATEWAY])
async def test_a_wrong_password_is_refused(broker: Mosquitto, name: str) -> None:
    """Neither a hub, nor an unknown name, nor the gateway gets in with a wrong password."""
    broker.passwords[name] = "wrong"
    with pytest.raises(aiomqtt.MqttError, match="Not authorized"):
        async with signed_in(broker, name):
            pass


async def test_nobody_gets_in_without_a_name(broker: Mosquitto) -> None:
    """A connection without an account is refused."""
    with pytest.raises(aiomqtt.MqttError, match="Not authorized"):
        async with aiomqtt.Client("127.0.0.1", broker.port, identifier="hub-1"):
            pass


async def test_the_gateways_queue_cannot_be_taken(broker: Mosquitto) -> None:
    """A hub that connects under the gateway's client id wipes nothing: what came meanwhile still arrives."""
    lasting = {"protocol": aiomqtt.ProtocolVersion.V311, "clean_session": False, "clean_start": FIRST_ONLY}
    async with signed_in(broker, GATEWAY, **lasting) as gateway:
        await gateway.subscribe(f"{ROOT}/+/events", 1)
    async with signed_in(broker, "hub-2") as hub:
        await hub.publish(f"{ROOT}/hub-2/events", b"first", qos=1)
    async with signed_in(broker, "hub-1", identifier=GATEWAY) as thief:
        await thief.publish(f"{ROOT}/hub-1/events", b"second", qos=1)
    async with signed_in(broker, GATEWAY, **lasting) as gateway:
        assert await heard(gateway, f"{ROOT}/hub-1/events") == [f"{ROOT}/hub-2/events"]


async def test_a_home_cannot_throw_the_gateway_out(broker: Mosquitto) -> None:
    """A hub that connects under the gateway's client id leaves the gateway's connection standing."""
    async with signed_in(broker, GATEWAY) as gateway:
        await gateway.subscribe(f"{ROOT}/+/events", 1)
        async with signed_in(broker, "hub-1", identifier=GATEWAY) as thief:
            await thief.publish(f"{ROOT}/hub-1/events", b"{}", qos=1)
        assert await heard(gateway, f"{ROOT}/hub-1/events") == []


async def test_a_will_on_a_foreign_topic_is_not_published(broker: Mosquitto) -> None:
    """A hub that dies with a last will for another home says nothing about that home."""
    async with signed_in(broker, GATEWAY) as gateway:
        await gateway.subscribe(f"{ROOT}/#", 1)
        await connect_and_die(broker, "hub-1", f"{ROOT}/hub-2/status")
        await connect_and_die(broker, "hub-2", f"{ROOT}/hub-2/status")
        async with signed_in(broker, "hub-2") as other:
            await other.publish(f"{ROOT}/hub-2/events", b"{}", qos=1)
        assert await heard(gateway, f"{ROOT}/hub-2/events") == [f"{ROOT}/hub-2/status"]


async def connect_and_die(broker: Mosquitto, name: str, will: str) -> None:
    """CONNECT with a last will, byte by byte, then a reset: what no client library offers."""

    def text(value: str) -> bytes:
        return len(value.encode()).to_bytes(2, "big") + value.encode()

    flags = 0b1100_1110  # user name, password, will at QoS 1, clean session
    body = text("MQTT") + bytes([4, flags, 0, 60]) + text(name) + text(will) + text('{"online": false}')
    body += text(name) + text(broker.passwords[name])
    reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
    writer.write(bytes([0x10, len(body)]) + body)
    await reader.read(4)
    writer.transport.abort()


async def test_only_the_configured_listener_is_open(broker: Mosquitto) -> None:
    """No setting opens a second, unguarded port behind our back."""
    sockets = psutil.Process(broker.pid).net_connections(kind="tcp")
    assert {socket.laddr for socket in sockets if socket.status == psutil.CONN_LISTEN} == {
        ("127.0.0.1", broker.port)
    }


async def test_a_revoked_home_is_cut_off(broker: Mosquitto) -> None:
    """Revoking an account ends the connection that is open under it, and others stay."""
    async with signed_in(broker, "hub-2") as other:
        await other.subscribe(f"{ROOT}/hub-2/commands", 1)
        with pytest.raises(aiomqtt.MqttError):
            await connect_and_be_revoked(broker, "hub-1")
        async with signed_in(broker, GATEWAY) as gateway:
            await gateway.publish(f"{ROOT}/hub-2/commands", b"{}", qos=1)
        assert await heard(other, f"{ROOT}/hub-2/commands") == []


async def connect_and_be_revoked(broker: Mosquitto, name: str) -> None:
    """Listen under an account while it is withdrawn; raises what ends the connection."""
    async with signed_in(broker, name) as hub:
        broker.revoke(name)
        await heard(hub, "nothing will come")


async def test_the_monitor_sees_the_broker_and_no_home(broker: Mosquitto) -> None:
    """The health check's account reads $SYS and nothing of any home."""
    async with signed_in(broker, MONITOR) as monitor:
        await monitor.subscribe([("#", 1), ("$SYS/broker/uptime", 1)])
        async with signed_in(broker, "hub-1") as hub:
            await hub.publish(f"{ROOT}/hub-1/events", b"{}", qos=1)
        assert await heard(monitor, "$SYS/broker/uptime") == []
