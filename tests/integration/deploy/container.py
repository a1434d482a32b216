"""The broker's container as far as it can be had without one: start.sh, its folders, and its listeners."""

import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiomqtt

from gateway import dynsec
from gateway.broker import Broker, broker_at
from gateway.topics import Topics
from tests.support.mosquitto import DEPLOYED
from tests.support.processes import ServerProcess, accepts, free_port

ADMIN = "threshold-admin"
PASSWORDS = {
    "THRESHOLD_GATEWAY_PASSWORD": "gateway-word",
    "THRESHOLD_MONITOR_PASSWORD": "monitor-word",
    "THRESHOLD_ADMIN_PASSWORD": "admin-word",
}


class Container:
    """The folders of the container, somewhere else, and its first process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port, self.tls_port, self.certificate_port = free_port(), free_port(), free_port()
        self.store = root / "data" / "dynamic-security.json"
        (root / "certs").mkdir(parents=True)
        (root / "trust").mkdir()
        shutil.copytree(DEPLOYED, root / "config")
        for file in (root / "config").glob("*.conf"):
            text = file.read_text().replace("/mosquitto/", f"{root}/")
            text = text.replace("/usr/lib/mosquitto_dynamic_security.so", str(plugin()))
            text = text.replace("listener 1883", f"listener {self.port} 127.0.0.1")
            text = text.replace("listener 8883", f"listener {self.tls_port} 127.0.0.1")
            text = text.replace("listener 8884", f"listener {self.certificate_port} 127.0.0.1")
            file.write_text(f"user {_me()}\n{text}" if file.name == "mosquitto.conf" else text)

    @property
    def url(self) -> str:
        """Where the services of the same network connect."""
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def administrator(self) -> Broker:
        """The broker as its administrator meets it."""
        return self.account(ADMIN, PASSWORDS["THRESHOLD_ADMIN_PASSWORD"])

    def account(self, name: str, password: str) -> Broker:
        """The broker under an account."""
        return broker_at(self.url, client_id=name, username=name, password=password)

    async def enrol(self, name: str, password: str) -> None:
        """Make an account, as the service does."""
        await dynsec.ask(self.administrator, dynsec.enrolling(name, password, Topics()))

    def certify(self, certificate: Path) -> None:
        """Make a certificate that only its holder trusts, and its key."""
        request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=broker"]
        request += ["-addext", "subjectAltName=IP:127.0.0.1"]
        files = ["-keyout", str(certificate.with_suffix(".key")), "-out", str(certificate)]
        subprocess.run(["openssl", *request, *files], check=True, capture_output=True)

    @contextmanager
    def running(self, **environment: str) -> Iterator[ServerProcess]:
        """Run start.sh until the block ends."""
        told = {"MOSQUITTO_ROOT": str(self.root), "MOSQUITTO_USER": _me(), "MOSQUITTO_PORT": str(self.port)}
        told |= {**PASSWORDS, **environment}
        settings = [f"{name}={value}" for name, value in told.items()]
        path = f"PATH={os.environ['PATH']}:/usr/local/sbin:/usr/sbin"
        first = ServerProcess(
            ["env", path, *settings, "sh", str(self.root / "config" / "start.sh")], self.root / "log"
        )
        first.log.unlink(missing_ok=True)
        first.start(lambda: "the service's accounts are made" in first.tail())
        try:
            yield first
        finally:
            first.stop()
            assert not accepts(self.port), "the broker outlived its container"


def plugin() -> Path:
    """Debian keeps the plugin in a folder named for the processor."""
    return next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))


def _me() -> str:
    return subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()


def client(
    port: int, name: str | None, password: str | None, *, tls: ssl.SSLContext | None = None, **more: Any
) -> aiomqtt.Client:
    """A client under its own account, MQTT 5, so that refusals have a reason code."""
    settings: dict[str, Any] = {"identifier": name, "protocol": aiomqtt.ProtocolVersion.V5} | more
    return aiomqtt.Client("127.0.0.1", port, username=name, password=password, tls_context=tls, **settings)


async def sign_in(port: int, name: str, password: str, tls: ssl.SSLContext | None = None) -> None:
    """Connect and leave; raises MqttError when refused."""
    async with client(port, name, password, tls=tls):
        pass
