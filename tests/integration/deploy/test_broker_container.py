"""deploy/mosquitto/start.sh, which runs the broker in its container: accounts, TLS, reading files again."""

import asyncio
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiomqtt
import pytest

from tests.support.mosquitto import DEPLOYED, GATEWAY, MONITOR
from tests.support.processes import ServerFailed, ServerProcess, accepts, free_port

PASSWORDS = {"THRESHOLD_GATEWAY_PASSWORD": "gateway-word", "THRESHOLD_MONITOR_PASSWORD": "monitor-word"}


class Container:
    """The folders of the container, somewhere else, and its first process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port, self.tls_port = free_port(), free_port()
        self.passwords = root / "passwords" / "passwords"
        (root / "certs").mkdir(parents=True)
        shutil.copytree(DEPLOYED, root / "config")
        for name, extra in (("mosquitto.conf", f"user {_me()}\n"), ("tls.conf", "")):
            file = root / "config" / name
            text = file.read_text().replace("/mosquitto/", f"{root}/")
            text = text.replace("listener 1883", f"listener {self.port} 127.0.0.1")
            text = text.replace("listener 8883", f"listener {self.tls_port} 127.0.0.1")
            file.write_text(extra + text)

    def enrol(self, name: str, password: str) -> None:
        """Write an account into the password file, as the service does."""
        subprocess.run(["mosquitto_passwd", "-b", str(self.passwords), name, password], check=True)

    def certify(self, certificate: Path) -> None:
        """Make a certificate that only its holder trusts, and its key."""
        request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=broker"]
        request += ["-addext", "subjectAltName=IP:127.0.0.1"]
        files = ["-keyout", str(certificate.with_suffix(".key")), "-out", str(certificate)]
        subprocess.run(["openssl", *request, *files], check=True, capture_output=True)

    @contextmanager
    def running(self, **environment: str) -> Iterator[ServerProcess]:
        """Run start.sh until the block ends."""
        told = {"MOSQUITTO_ROOT": str(self.root), "MOSQUITTO_USER": _me(), **PASSWORDS, **environment}
        settings = [f"{name}={value}" for name, value in told.items()]
        path = f"PATH={os.environ['PATH']}:/usr/local/sbin:/usr/sbin"
        first = ServerProcess(
            ["env", path, *settings, "sh", str(self.root / "config" / "start.sh")], self.root / "log"
        )
        first.start(lambda: accepts(self.port))
        try:
            yield first
        finally:
            first.stop()
            assert not accepts(self.port), "the broker outlived its container"


def _me() -> str:
    return subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def container(tmp_path: Path) -> Container:
    """A container that was never started."""
    return Container(tmp_path / "mosquitto")


async def sign_in(port: int, name: str, password: str, tls: ssl.SSLContext | None = None) -> None:
    """Connect and leave; raises MqttError when refused."""
    async with aiomqtt.Client(
        "127.0.0.1", port, identifier=name, username=name, password=password, tls_context=tls
    ):
        pass


async def test_the_accounts_of_the_service_are_made(container: Container) -> None:
    """The gateway and the monitor get in with the passwords of the environment, and with no others."""
    with container.running():
        await sign_in(container.port, GATEWAY, "gateway-word")
        await sign_in(container.port, MONITOR, "monitor-word")
        with pytest.raises(aiomqtt.MqttError, match="Not authorized"):
            await sign_in(container.port, GATEWAY, "monitor-word")
    assert container.passwords.stat().st_mode & 0o777 == 0o600


async def test_a_new_password_holds_from_the_next_start(container: Container) -> None:
    """Changing the environment changes the account, and enrolled homes stay."""
    with container.running():
        container.enrol("hub-1", "word")
    with container.running(THRESHOLD_GATEWAY_PASSWORD="another"):
        await sign_in(container.port, GATEWAY, "another")
        await sign_in(container.port, "hub-1", "word")
        with pytest.raises(aiomqtt.MqttError, match="Not authorized"):
            await sign_in(container.port, GATEWAY, "gateway-word")


async def test_a_home_gets_in_as_soon_as_it_is_enrolled(container: Container) -> None:
    """A change of the password file is read while the broker runs."""
    with container.running() as first:
        container.enrol("hub-1", "word")
        await _until_signed_in(container.port, "hub-1", "word")
        assert first.running


async def _until_signed_in(port: int, name: str, password: str) -> None:
    async with asyncio.timeout(15):
        while True:
            try:
                return await sign_in(port, name, password)
            except aiomqtt.MqttError:
                await asyncio.sleep(0.2)


def test_a_missing_password_is_one_line(container: Container) -> None:
    """Without the gateway's password nothing starts, and the log says which is missing."""
    with (
        pytest.raises(ServerFailed, match="no password is set for threshold-gateway"),
        container.running(THRESHOLD_GATEWAY_PASSWORD=""),
    ):
        pass


async def test_homes_connect_with_tls(container: Container) -> None:
    """With a certificate the TLS listener is open, holds the same rights, and shows that certificate."""
    certificate = container.root / "certs" / "server.crt"
    container.certify(certificate)
    with container.running():
        trusting = ssl.create_default_context(cafile=str(certificate))
        await sign_in(container.tls_port, GATEWAY, "gateway-word", trusting)
        with pytest.raises(aiomqtt.MqttError, match="Not authorized"):
            await sign_in(container.tls_port, GATEWAY, "wrong", trusting)
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection("127.0.0.1", container.tls_port, ssl=ssl.create_default_context())


async def test_without_a_certificate_it_says_so(container: Container) -> None:
    """No certificate: the service's listener is open, TLS is not, and the log tells what that means."""
    with container.running() as first:
        assert not accepts(container.tls_port)
        assert "homes outside this network cannot connect" in first.tail()
