"""A real Mosquitto with the production settings of deploy/mosquitto, on a free port of the loopback.

`mosquitto` asks for passwords and holds the rights of deploy/mosquitto/acl; `open_mosquitto` lets anybody
do anything, for tests of something else. Both may be killed and started again, and keep their sessions.
"""

import getpass
import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.support.processes import ServerProcess, accepts, free_port

DEPLOYED = Path(__file__).parents[2] / "deploy" / "mosquitto"
GATEWAY = "threshold-gateway"
MONITOR = "threshold-monitor"


def production_settings(directory: Path, port: int, *, anonymous: bool = False) -> str:
    """deploy/mosquitto/mosquitto.conf with its folders moved to `directory`, and one plain listener."""
    text = (DEPLOYED / "mosquitto.conf").read_text()
    accounts = (DEPLOYED / "files.conf").read_text().replace("/mosquitto/passwords", str(directory))
    accounts = accounts.replace("/mosquitto/config", str(DEPLOYED))
    changes = {
        r"^listener 1883$": f"listener {port} 127.0.0.1",
        r"^persistence_location .*$": f"persistence_location {directory}/data/",
        r"^include_dir .*$": f"user {getpass.getuser()}\n{'' if anonymous else accounts}",
    }
    if anonymous:
        changes |= {
            r"^allow_anonymous false$": "allow_anonymous true",
            r"^use_username_as_clientid true$": "",
        }
    for pattern, replacement in changes.items():
        text, found = re.subn(pattern, replacement, text, flags=re.MULTILINE)
        assert found == 1, f"deploy/mosquitto/mosquitto.conf has {found} lines like {pattern}"
    return text


class Mosquitto:
    """One broker; `port`, `url`, and the accounts it knows in `passwords`."""

    def __init__(self, directory: Path, *, anonymous: bool = False, settings: str = "") -> None:
        self.directory = directory
        self.port = free_port()
        self.passwords: dict[str, str] = {}
        (directory / "data").mkdir(parents=True)
        (directory / "passwords").touch(mode=0o600)
        configuration = directory / "mosquitto.conf"
        configuration.write_text(
            production_settings(directory, self.port, anonymous=anonymous) + "\n" + settings
        )
        program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin")
        if program is None:
            pytest.fail("no mosquitto here: run scripts/provision")
        self._server = ServerProcess([program, "-c", str(configuration)], directory / "mosquitto.log")

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process id, to freeze or kill."""
        return self._server.pid

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self._server.log.read_text(errors="replace")

    def start(self) -> None:
        """Start it, with what it kept; returns once it takes connections."""
        self._server.start(lambda: accepts(self.port))

    def stop(self) -> None:
        """A clean end."""
        self._server.stop()

    def kill(self) -> None:
        """SIGKILL: what was not saved yet is gone."""
        self._server.kill()

    def restart(self) -> None:
        """A clean end and a start."""
        self.stop()
        self.start()

    def signal(self, number: int) -> None:
        """SIGSTOP, SIGCONT, …"""
        self._server.signal(number)

    def enrol(self, names: Iterable[str]) -> dict[str, str]:
        """Make accounts with passwords of their own; returns those, which are also in `passwords`."""
        made = {name: secrets.token_hex(8) for name in names}
        self.passwords |= made
        self._write_passwords()
        return made

    def revoke(self, name: str) -> None:
        """Withdraw an account; the broker cuts its connection off."""
        del self.passwords[name]
        self._write_passwords()

    def _write_passwords(self) -> None:
        file = self.directory / "passwords"
        file.write_text("".join(f"{name}:{password}\n" for name, password in self.passwords.items()))
        if self.passwords:
            subprocess.run(["mosquitto_passwd", "-U", str(file)], check=True, capture_output=True)
        if self._server.running:
            self._server.signal(signal.SIGHUP)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker as in production; the accounts of the gateway and the monitor are made."""
    broker = Mosquitto(tmp_path / "mosquitto")
    broker.enrol([GATEWAY, MONITOR])
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def open_mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """The same broker without accounts and rights: anybody may connect under any client id."""
    broker = Mosquitto(tmp_path / "open-mosquitto", anonymous=True)
    broker.start()
    yield broker
    broker.stop()
