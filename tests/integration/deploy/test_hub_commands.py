"""`threshold hub` against the broker as it is deployed: accounts, certificates, a password without a gap."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest

from app import doctor
from app.authority import Authority
from app.clock import system_clock
from app.errors import Fault
from app.hub_rotation import hand_over
from app.settings import Settings, load_settings
from db.pool import Pool
from gateway.broker import broker_at
from gateway.credentials import verifies
from ingest.worker import IngestWorker
from tests.integration.deploy.container import PASSWORDS, Container, client, sign_in
from tests.integration.ingest.conftest import until
from tests.integration.ingest.world import make_estate, rows
from tests.support.mosquitto import GATEWAY

THRESHOLD = str(Path(sys.executable).with_name("threshold"))


@pytest.fixture
async def estate(pool: Pool) -> Pool:
    """The small estate, committed."""
    async with pool.connection() as conn:
        await make_estate(conn)
    return pool


async def ask(pool: Pool, sql: str) -> list[dict[str, Any]]:
    async with pool.connection() as conn:
        return await rows(conn, sql)


@pytest.fixture
def configured(
    monkeypatch: pytest.MonkeyPatch, database_url: str, container: Container, tmp_path: Path
) -> Settings:
    """The settings of this test's database and broker, in the environment too."""
    for name, value in {
        "DATABASE_URL": database_url,
        "MQTT_URL": container.url,
        "MQTT__ADMIN_USERNAME": "threshold-admin",
        "MQTT__ADMIN_PASSWORD": PASSWORDS["THRESHOLD_ADMIN_PASSWORD"],
        "MQTT__HUB_CA": str(tmp_path / "authority"),
        "MQTT__HUB_TRUST": str(container.root / "trust"),
    }.items():
        monkeypatch.setenv(f"THRESHOLD_{name}", value)
    return load_settings()


async def threshold(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs the command line as a person does."""
    return await asyncio.to_thread(
        subprocess.run, [THRESHOLD, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@asynccontextmanager
async def intake(estate: Pool, database_url: str, container: Container) -> AsyncIterator[None]:
    """An intake under the gateway's own account, listening when the block begins: a hub here speaks once."""
    stop = asyncio.Event()
    broker = broker_at(container.url, client_id=GATEWAY, username=GATEWAY, password="gateway-word")
    worker = IngestWorker(database_url, broker, system_clock, instance="one")
    running = asyncio.create_task(worker.run(stop))
    try:
        await until(lambda: ask(estate, "SELECT FROM intake WHERE connected_at IS NOT NULL"))
        yield
    finally:
        stop.set()
        await asyncio.wait_for(running, 30)


class Obedient:
    """A hub that keeps a new password beside the old one, and says so; `deaf` ones refuse the command."""

    def __init__(self, container: Container, password: str, *, deaf: bool = False) -> None:
        self.container = container
        self.passwords = [password]
        self.deaf = deaf
        self.connections = 0

    async def live(self) -> None:
        """Signs in with the newest password that works, and again whenever it is cut off."""
        while True:
            for password in reversed(self.passwords):
                try:
                    async with client(self.container.port, "hub-12", password) as hub:
                        self.passwords = [password]
                        await self._obey(hub)
                except aiomqtt.MqttError:
                    await asyncio.sleep(0.05)

    async def _obey(self, hub: aiomqtt.Client) -> None:
        await hub.subscribe("threshold/v1/hub-12/commands", 1)
        self.connections += 1
        async for message in hub.messages:
            command = msgspec.json.decode(message.payload)
            done = command["type"] == "credential.replace" and not self.deaf
            if done:
                self.passwords.append(command["data"]["password"])
            answer = {
                "id": f"answer-{command['id']}",
                "type": "command.done" if done else "command.refused",
                "at": system_clock().isoformat(),
                "data": {"command_id": command["id"]},
            }
            await hub.publish("threshold/v1/hub-12/events", msgspec.json.encode(answer), qos=1)


async def test_a_hub_has_its_new_password_before_the_old_one_ends(
    estate: Pool, database_url: str, container: Container, configured: Settings
) -> None:
    """Enrolled through the plugin and rotated over its own connection; a hub that does not know the command
    keeps what it has; and what a hub tried that is not its own is on its record.
    """
    with container.running():
        enrolled = await threshold("hub", "enrol", "hub-12")
        assert (enrolled.returncode, enrolled.stderr) == (0, "")
        password = enrolled.stdout.strip()
        async with intake(estate, database_url, container):
            flat = Obedient(container, password, deaf=True)
            living = asyncio.create_task(flat.live())
            await until(lambda: flat.connections == 1)
            async with estate.connection() as conn:
                await conn.set_autocommit(True)
                with pytest.raises(Fault, match="'hub-12' keeps its password: it refused the new one"):
                    await hand_over(configured, conn, "hub-12", "never", timedelta(seconds=20))
                await conn.set_autocommit(False)
            flat.deaf = False
            rotated = await threshold("hub", "rotate", "hub-12", "--wait", "30")
            assert (rotated.stdout, rotated.stderr) == ("hub-12: has a new password\n", "")
            await until(lambda: flat.connections == 2)
            living.cancel()
            (fresh,) = flat.passwords
            assert fresh != password
            async with client(container.port, "hub-12", fresh) as hub:
                await hub.publish("threshold/v1/hub-14/events", b"{}", qos=1)
            trespass = "SELECT hub_id, data FROM event WHERE type = 'technical.trespass'"
            await until(lambda: ask(estate, trespass))
            (told,) = await ask(estate, trespass)
        with pytest.raises(aiomqtt.MqttError, match="Not authorized"):
            await sign_in(container.port, "hub-12", password)
        kept = (await ask(estate, "SELECT credential_hash AS kept FROM hub WHERE id = 'hub-12'"))[0]["kept"]
        assert verifies(fresh, kept)
    assert told == {"hub_id": "hub-12", "data": {"tried": "publish", "topic": "threshold/v1/hub-14/events"}}
    commands = await ask(estate, "SELECT type, state, data FROM command ORDER BY issued_at")
    assert [tuple(row.values()) for row in commands] == [
        ("credential.replace", "refused", {}),
        ("credential.replace", "done", {}),
    ]


async def test_a_certificate_is_written_once_and_withdrawn_for_good(
    estate: Pool, container: Container, configured: Settings, tmp_path: Path
) -> None:
    """The key goes into a file for the hub alone, its end is told by the doctor, and revoking lists it and
    takes the account away.
    """
    with container.running():
        folder = tmp_path / "for the hub"
        made = await threshold("hub", "enrol", "hub-12", "--certificate", str(folder), "--days", "20")
        assert (made.returncode, made.stderr) == (0, "")
        assert (folder / "hub-12.key").stat().st_mode & 0o777 == 0o600
        trusted, revoked = ((container.root / "trust" / name) for name in ("ca.crt", "crl.pem"))
        assert (folder / "ca.crt").read_text() == trusted.read_text()
        faults = [fault async for fault in doctor.faults(configured, system_clock)]
        assert [
            fault for fault in faults if fault.startswith("certificates: the last one of hub hub-12 ends")
        ]
        before = revoked.read_text()
        assert (await threshold("hub", "revoke", "hub-12")).stdout == "hub-12: revoked\n"
        assert revoked.read_text() != before
    assert "hub-12" not in container.store.read_text()


def test_what_cannot_be_signed_is_one_clear_line(tmp_path: Path) -> None:
    """A request that is none, and a folder that cannot be used, are told without a traceback."""
    authority = Authority(tmp_path / "authority", system_clock())
    with pytest.raises(Fault, match="not a PEM request that its own key has signed"):
        authority.issue("hub-12", timedelta(days=1), system_clock(), b"rubbish")
    (tmp_path / "authority" / "ca.key").write_text("rubbish")
    with pytest.raises(Fault, match="cannot be used"):
        Authority(tmp_path / "authority", system_clock())
