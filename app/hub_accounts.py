"""Hubs' accounts at the broker: through Mosquitto's dynamic security plugin, or in a password file."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from app.brokers import administrator
from app.errors import Fault
from app.settings import Settings
from gateway import dynsec
from gateway.broker import BrokerFault
from gateway.credentials import with_account, without_account
from gateway.topics import Topics


async def give_password(settings: Settings, hub: str, password: str, kept: str, base: str | None) -> None:
    """A new account; one that the hub had before ends. Raises Fault."""
    if settings.mqtt.admin_username is not None:
        await _ask(settings, dynsec.enrolling(hub, password, _topics(settings), base))
    else:
        _edit(settings.mqtt.password_file, lambda lines: with_account(lines, hub, kept))


async def replace_password(settings: Settings, hub: str, password: str) -> None:
    """Another password for an account of the plugin. Raises Fault."""
    await _ask(settings, dynsec.replacing(hub, password))


async def admit_certificate(settings: Settings, hub: str, base: str | None) -> None:
    """Rights for a hub that will show a certificate; a password that it has goes on. Raises Fault.

    A broker with files of passwords and rights needs nothing: its rights are patterns.
    """
    if settings.mqtt.admin_username is not None:
        await _ask(settings, dynsec.certifying(hub, _topics(settings), base))


async def take_away(settings: Settings, hub: str) -> None:
    """The account ends. Raises Fault."""
    if settings.mqtt.admin_username is not None:
        await _ask(settings, dynsec.revoking(hub))
    else:
        _edit(settings.mqtt.password_file, lambda lines: without_account(lines, hub))


async def say(settings: Settings, topic: str, payload: bytes) -> None:
    """Says one thing to a hub as the broker's administrator. Raises Fault."""
    try:
        await dynsec.publish(administrator(settings), topic, payload)
    except (dynsec.BrokerRefused, BrokerFault) as refused:
        raise Fault(str(refused)) from None


def replace_file(file: Path, text: str) -> None:
    """Replaces a file as a whole, so that the broker never reads half of it; its owner and mode stay."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w") as new:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
            if file.exists():  # the broker reads it under a user or group of its own
                before = file.stat()
                os.fchmod(new.fileno(), before.st_mode & 0o777)
                if os.geteuid() == 0 or before.st_gid in os.getgroups():
                    os.fchown(new.fileno(), before.st_uid if os.geteuid() == 0 else -1, before.st_gid)
        os.replace(name, file)
    except OSError:
        os.unlink(name)
        raise


async def _ask(settings: Settings, orders: Sequence[dynsec.Order]) -> None:
    try:
        await dynsec.ask(administrator(settings), orders)
    except (dynsec.BrokerRefused, BrokerFault) as refused:
        raise Fault(str(refused)) from None


def _topics(settings: Settings) -> Topics:
    return Topics(settings.mqtt.root)


def _edit(file: Path | None, change: Callable[[str], str]) -> None:
    if file is None:
        return
    try:
        with _alone(file):
            before = file.read_text() if file.exists() else ""
            replace_file(file, change(before))
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"the password file {file} cannot be changed: {error}") from None


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """One command at a time; the lock lies beside the file because the file itself is replaced."""
    with open(file.with_name(f".{file.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
