"""The broker that `threshold run --embedded` brings along keeps what the gateway and the homes rely on."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiomqtt
import psutil
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from app.embedded import EmbeddedBroker, EmbeddedError
from tests.support.processes import accepts, free_port

PROJECT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Side:
    """The broker's listener for one version of MQTT."""

    port: int
    version: aiomqtt.ProtocolVersion

    @asynccontextmanager
    async def client(self, name: str, *, lasting: bool = False, **more: Any) -> AsyncIterator[aiomqtt.Client]:
        """A connected client; `lasting` keeps its session while it is away."""
        settings: dict[str, Any] = {"identifier": name, "protocol": self.version} | more
        if self.version is aiomqtt.ProtocolVersion.V5:
            settings["clean_start"] = not lasting
            settings["properties"] = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            settings["properties"].SessionExpiryInterval = 3600 if lasting else 0
        else:
            settings["clean_session"] = not lasting
        async with aiomqtt.Client("127.0.0.1", self.port, **settings) as client:
            yield client


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    """One broker with both listeners."""
    with EmbeddedBroker(free_port(), tmp_path_factory.mktemp("broker"), port_v5=free_port()) as started:
        yield started


@pytest.fixture(params=[aiomqtt.ProtocolVersion.V311, aiomqtt.ProtocolVersion.V5], ids=["v3.1.1", "v5"])
def side(broker: EmbeddedBroker, request: pytest.FixtureRequest) -> Side:
    """Each version of MQTT in turn."""
    if request.param is aiomqtt.ProtocolVersion.V311:
        return Side(broker.port, request.param)
    assert broker.port_v5 is not None
    return Side(broker.port_v5, request.param)


async def next_payload(client: aiomqtt.Client) -> bytes:
    """The next message's payload."""
    async with asyncio.timeout(60):
        message = await anext(client.messages)
    assert isinstance(message.payload, bytes)
    return message.payload


async def test_an_absent_readers_messages_wait(side: Side) -> None:
    """What is published while a lasting session is away arrives when it is back, in order."""
    async with side.client("reader", lasting=True) as reader:
        await reader.subscribe("absent/+/events", 1)
    async with side.client("hub") as hub:
        for number in range(20):
            await hub.publish("absent/hub/events", f"{number}", qos=1)
    async with side.client("reader", lasting=True) as reader:
        assert [await next_payload(reader) for _ in range(20)] == [f"{n}".encode() for n in range(20)]


async def test_what_was_not_acknowledged_is_sent_again(side: Side) -> None:
    """After a reconnect exactly the messages without an acknowledgement come again."""
    async with side.client("careful", lasting=True) as reader:
        reader._client.manual_ack_set(True)
        await reader.subscribe("again/+/events", 1)
        async with side.client("hub") as hub:
            for number in range(5):
                await hub.publish("again/hub/events", f"{number}", qos=1)
        received = [await anext(reader.messages) for _ in range(5)]
        for message in received[:2]:
            reader._client.ack(message.mid, message.qos)
    async with side.client("careful", lasting=True) as reader:
        assert [await next_payload(reader) for _ in range(3)] == [b"2", b"3", b"4"]


async def test_a_home_that_dies_leaves_its_will(side: Side) -> None:
    """The last will of a broken connection is published, and retained for whoever asks later."""
    async with side.client("watcher") as watcher:
        await watcher.subscribe("will/+/status", 1)
        will = aiomqtt.Will("will/hub/status", b'{"online": false}', qos=1, retain=True)
        program = (
            "import sys, paho.mqtt.client as mqtt\n"
            "client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, 'mortal', protocol=int(sys.argv[2]))\n"
            "client.will_set(sys.argv[3], sys.argv[4], 1, True)\n"
            "client.on_connect = lambda *_: print('connected', flush=True)\n"
            "client.connect('127.0.0.1', int(sys.argv[1])); client.loop_forever()\n"
        )
        assert isinstance(will.payload, bytes)
        arguments = [str(side.port), str(side.version.value), will.topic, will.payload.decode()]
        hub = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, *arguments, stdout=subprocess.PIPE
        )
        assert hub.stdout is not None
        await hub.stdout.readline()
        hub.kill()
        await hub.wait()
        assert await next_payload(watcher) == will.payload
    async with side.client("latecomer") as latecomer:
        await latecomer.subscribe("will/+/status", 1)
        async with asyncio.timeout(60):
            message = await anext(latecomer.messages)
        assert (message.payload, message.retain) == (will.payload, True)


async def test_an_array_of_500_large_events_passes(side: Side) -> None:
    """A message of 16,000,000 bytes arrives whole."""
    async with side.client("reader") as reader, side.client("hub") as hub:
        await reader.subscribe("large/+/events", 1)
        await hub.publish("large/hub/events", b"x" * 16_000_000, qos=1)
        assert len(await next_payload(reader)) == 16_000_000


def test_a_busy_port_is_one_line(tmp_path: Path) -> None:
    """Starting on a port that somebody has says so, names it, and starts nothing."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(EmbeddedError, match=f"^port {port} on 127.0.0.1 is in use"):
            EmbeddedBroker(port, tmp_path).start()


def test_it_listens_on_the_loopback_only(broker: EmbeddedBroker) -> None:
    """No other address of this machine is open."""
    children = psutil.Process().children(recursive=True)
    sockets = [found for child in children for found in child.net_connections(kind="inet")]
    listening = {found.laddr for found in sockets if found.status == psutil.CONN_LISTEN}
    assert {("127.0.0.1", broker.port), ("127.0.0.1", broker.port_v5)} <= listening
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_it_ends_with_the_program_that_started_it(tmp_path: Path) -> None:
    """A program that is killed leaves no broker behind."""
    port = free_port()
    program = (
        "import sys; from pathlib import Path; from app.embedded import EmbeddedBroker\n"
        "EmbeddedBroker(int(sys.argv[1]), Path(sys.argv[2])).start()\n"
        "print('started', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(port), str(tmp_path)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        (broker,) = psutil.Process(owner.pid).children()
        assert accepts(port)
        owner.kill()
        owner.wait()
        broker.wait(20)
