"""deploy/mosquitto/start.sh, the first process of the broker's container: accounts, TLS, refusals."""

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import psutil
import pytest

from app.authority import Authority, Issued
from gateway import dynsec
from gateway.topics import Topics
from ingest.enrolment import Withdrawn
from tests.integration.deploy.container import PASSWORDS, Container, client, sign_in
from tests.integration.ingest.conftest import until
from tests.support.mosquitto import GATEWAY, MONITOR
from tests.support.processes import ServerFailed, accepts

NOW = datetime.now(UTC)
REFUSALS = Topics().refusals


async def test_the_accounts_of_the_service_are_made_anew_at_each_start(container: Container) -> None:
    """The gateway and the monitor get in with the passwords of the environment and with no others; enrolled
    homes stay; of no password more than a hash is kept; and only the administrator may change accounts.
    """
    with container.running():
        await sign_in(container.port, GATEWAY, "gateway-word")
        await sign_in(container.port, MONITOR, "monitor-word")
        with pytest.raises(aiomqtt.MqttError, match="Not authorized"):
            await sign_in(container.port, GATEWAY, "monitor-word")
        await container.enrol("hub-1", "hub-word")
        wrong = container.account("threshold-admin", "wrong")
        with pytest.raises(dynsec.BrokerRefused, match="lets the administrator's account not in"):
            await dynsec.ask(wrong, dynsec.revoking("hub-1"))
        other = container.account(MONITOR, "monitor-word")
        with pytest.raises(dynsec.BrokerRefused, match="no administrator"):
            await dynsec.ask(other, dynsec.revoking("hub-1"))
    with container.running(THRESHOLD_GATEWAY_PASSWORD='an"other\\'):
        await sign_in(container.port, GATEWAY, 'an"other\\')
        await sign_in(container.port, "hub-1", "hub-word")
        with pytest.raises(aiomqtt.MqttError, match="Not authorized"):
            await sign_in(container.port, GATEWAY, "gateway-word")
    assert "-word" not in container.store.read_text()


TOOLS = ("mosquitto_pub", "mosquitto_sub", "mosquitto_ctrl")
RECORDER = """#!/bin/sh
printf '%s\\n' "$0 $*" >>{log}
exec {tool} "$@"
"""


async def test_no_password_is_on_a_command_line(container: Container, tmp_path: Path) -> None:
    """Not for a moment, at the first start or while refusals are told: each call of a real tool is recorded
    and the processes are looked at. The files that hold them are the owner's alone, and end with the broker.
    """
    log, record = tmp_path / "calls", tmp_path / "bin"
    record.mkdir()
    for tool in TOOLS:
        (record / tool).write_text(RECORDER.format(log=log, tool=shutil.which(tool)))
        (record / tool).chmod(0o755)
    secrets = container.root / "secrets"
    words = (*PASSWORDS.values(), "a word with blanks")
    with container.running(
        PATH=f"{record}:{os.environ['PATH']}:/usr/sbin", THRESHOLD_MONITOR_PASSWORD=words[-1]
    ) as first:
        async with client(container.port, GATEWAY, "gateway-word") as gateway:
            await gateway.subscribe(REFUSALS, 1)
            await sign_in(container.port, MONITOR, words[-1])
            async with client(container.port, MONITOR, words[-1]) as monitor:
                await monitor.publish("threshold/v1/hub-1/events", b"{}", qos=1)
                told = await asyncio.wait_for(anext(aiter(gateway.messages)), 15)
        assert bytes(told.payload) == b"publish\tthreshold-monitor\tthreshold/v1/hub-1/events"
        running = [psutil.Process(first.pid), *psutil.Process(first.pid).children(recursive=True)]
        lines = [" ".join(process.cmdline()) for process in running]
        kept = [path for path in secrets.rglob("*") if path.is_file()]
        assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
        assert {path.stat().st_mode & 0o777 for path in (secrets, *secrets.iterdir())} == {0o700}
    assert any("mosquitto_pub -q 1 -l" in line for line in lines), "whoever tells refusals was not seen"
    calls = log.read_text().splitlines()
    assert {Path(call.split()[0]).name for call in calls} == {"mosquitto_pub", "mosquitto_ctrl"}
    for word in words:
        assert [line for line in lines + calls if word in line] == []
    assert not secrets.exists()


def test_a_missing_password_is_one_line(container: Container) -> None:
    """Without the gateway's password nothing starts, and the log says which is missing."""
    with (
        pytest.raises(ServerFailed, match="no password is set for threshold-gateway"),
        container.running(THRESHOLD_GATEWAY_PASSWORD=""),
    ):
        pass


async def test_what_a_hub_may_not_is_refused_and_told(container: Container) -> None:
    """Through the plugin a hub speaks and hears of itself alone. Each foreign topic, `#`, `$SYS` and a will
    for another home is refused, and the gateway is told of it by name. Who is taken away is cut off.
    """
    with container.running() as first:
        assert not accepts(container.tls_port)
        assert "homes outside this network cannot connect" in first.log.read_text()
        await container.enrol("hub-1", "word")
        async with client(container.port, GATEWAY, "gateway-word") as gateway:
            await gateway.subscribe(
                [("threshold/v1/+/events", 1), ("threshold/v1/+/status", 1), (REFUSALS, 1)]
            )
            async with client(container.port, "hub-1", "word", identifier=GATEWAY) as hub:
                for topic in ("threshold/v1/hub-2/events", "threshold/v1/hub-1/receipts"):
                    await hub.publish(topic, b"{}", qos=1)
                for wish in ("#", "$SYS/#", "threshold/v1/+/events"):
                    with pytest.raises(aiomqtt.MqttError, match="Not authorized"):
                        await refused_subscription(hub, wish)
                await hub.subscribe("threshold/v1/hub-1/commands", 1)
                await gateway.publish("threshold/v1/hub-1/commands", b"{}", qos=1)
                await asyncio.wait_for(anext(aiter(hub.messages)), 10)
            with pytest.raises(aiomqtt.MqttError):
                await die_with_will(container.port, "threshold/v1/hub-2/status")
            told = await told_until_will(gateway)
        with pytest.raises(aiomqtt.MqttError):
            await listen_while_revoked(container)
        with pytest.raises(aiomqtt.MqttError, match="Not authorized"):
            await sign_in(container.port, "hub-1", "word")
        await dynsec.ask(container.administrator, dynsec.revoking("hub-1"))  # twice is once
    assert told == [
        "publish\thub-1\tthreshold/v1/hub-2/events",
        "publish\thub-1\tthreshold/v1/hub-1/receipts",
        "subscribe\thub-1\t#",
        "subscribe\thub-1\t$SYS/#",
        "subscribe\thub-1\tthreshold/v1/+/events",
        "will\thub-1\tthreshold/v1/hub-2/status",
    ]


async def told_until_will(gateway: aiomqtt.Client) -> list[str]:
    """What the gateway is told of refusals, up to that of a will; nothing else may come through."""
    told: list[str] = []
    async with asyncio.timeout(60):
        async for message in gateway.messages:
            assert message.topic.value == REFUSALS, "a foreign message came through"
            told.append(bytes(message.payload).decode())
            if told[-1].startswith("will"):
                break
    return told


async def listen_while_revoked(container: Container) -> None:
    """Listen as hub-1 while its account is taken away; raises what ends the connection."""
    async with client(container.port, "hub-1", "word") as hub:
        await dynsec.ask(container.administrator, dynsec.revoking("hub-1"))
        await asyncio.wait_for(anext(aiter(hub.messages)), 10)


async def refused_subscription(hub: aiomqtt.Client, wish: str) -> None:
    """Subscribe, and raise what the broker answers: aiomqtt hands a refusal back as a code."""
    for code in await hub.subscribe(wish, 1):
        if getattr(code, "value", code) >= 0x80:
            raise aiomqtt.MqttError(str(code))


async def die_with_will(port: int, topic: str) -> None:
    """Connect as hub-1 with a last will, and go away without a word."""
    async with client(port, "hub-1", "word", will=aiomqtt.Will(topic, b"{}", 1)) as hub:
        sock = hub._client.socket()
        assert isinstance(sock, socket.socket)
        sock.shutdown(socket.SHUT_RDWR)
        await hub.publish("threshold/v1/hub-1/events", b"{}", qos=1, timeout=60)


async def test_homes_connect_with_tls_and_with_certificates(container: Container, tmp_path: Path) -> None:
    """The TLS listener shows its certificate and holds the same rights. On the other one a hub's certificate
    is its name and password in one, until it is taken back; another of the same hub goes on.
    """
    server = container.root / "certs" / "server.crt"
    container.certify(server)
    authority = Authority(tmp_path / "authority", NOW)
    trust = container.root / "trust"
    authority.tell(trust, [], NOW)
    first, second = (
        showing(tmp_path / name, server, authority.issue("hub-1", timedelta(days=30), NOW)) for name in "ab"
    )
    trusting = ssl.create_default_context(cafile=str(server))
    with container.running() as broker:
        await sign_in(container.tls_port, GATEWAY, "gateway-word", trusting)
        with pytest.raises(aiomqtt.MqttError, match="Not authorized"):
            await sign_in(container.tls_port, GATEWAY, "wrong", trusting)
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection("127.0.0.1", container.tls_port, ssl=ssl.create_default_context())
        await dynsec.ask(container.administrator, dynsec.certifying("hub-1", Topics()))
        port = container.certificate_port
        async with client(port, None, None, tls=first.context, identifier="whoever") as hub:
            await hub.subscribe("threshold/v1/hub-1/commands", 1)
            async with client(container.port, GATEWAY, "gateway-word") as gateway:
                await gateway.publish("threshold/v1/hub-1/commands", b"{}", qos=1)
            await asyncio.wait_for(anext(aiter(hub.messages)), 10)
        assert not await gets_in(port, trusting)
        assert await gets_in(port, second.context)
        authority.tell(trust, [Withdrawn(first.serial, NOW)], NOW)
        await until(lambda: _refused(port, first.context))
        assert await gets_in(port, second.context)
        assert broker.running


async def _refused(port: int, context: ssl.SSLContext) -> bool:
    return not await gets_in(port, context)


@dataclass
class Shown:
    """What a hub connects with, and what its certificate is known by."""

    context: ssl.SSLContext
    serial: int


def showing(folder: Path, server: Path, issued: Issued) -> Shown:
    """A hub that trusts the server and shows what was issued to it."""
    folder.mkdir()
    (folder / "hub.crt").write_text(issued.certificate)
    (folder / "hub.key").write_text(issued.key or "")
    context = ssl.create_default_context(cafile=str(server))
    context.load_cert_chain(folder / "hub.crt", folder / "hub.key")
    return Shown(context, issued.serial)


async def gets_in(port: int, context: ssl.SSLContext) -> bool:
    """Whether the broker says yes to a CONNECT without a name; a library would wait where no word comes."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03who")
        answer = await asyncio.wait_for(reader.read(4), 10)
        writer.transport.abort()
    except (ssl.SSLError, ConnectionError):
        return False
    return answer == b"\x20\x02\x00\x00"


def test_openssl_agrees_with_what_is_issued(tmp_path: Path) -> None:
    """A signing request of a hub's own key is signed for that hub, whatever name stands in it."""
    key, request = tmp_path / "own.key", tmp_path / "own.csr"
    made = ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    made += ["-subj", "/CN=somebody-else", "-keyout", str(key), "-out", str(request)]
    subprocess.run(made, check=True, capture_output=True)
    authority = Authority(tmp_path / "authority", NOW)
    issued = authority.issue("hub-7", timedelta(days=30), NOW, request.read_bytes())
    assert issued.key is None
    (tmp_path / "hub.crt").write_text(issued.certificate)
    verify = ["openssl", "verify", "-purpose", "sslclient", "-CAfile", str(tmp_path / "authority" / "ca.crt")]
    said = subprocess.run([*verify, str(tmp_path / "hub.crt")], capture_output=True, text=True, check=True)
    assert said.stdout.endswith("OK\n")
    shown = ["openssl", "x509", "-noout", "-subject", "-in", str(tmp_path / "hub.crt")]
    assert "hub-7" in subprocess.run(shown, capture_output=True, text=True, check=True).stdout
    assert (tmp_path / "authority" / "ca.key").stat().st_mode & 0o777 == 0o600
