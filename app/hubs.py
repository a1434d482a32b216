"""`threshold hub enrol` and `threshold hub revoke`: a hub's credential at the broker."""

import asyncio
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from psycopg import AsyncConnection

from app.clock import system_clock
from app.errors import Fault
from app.settings import Settings, load_settings
from db.pool import Connection, connection_arguments
from gateway.credentials import can_be_account, new_password, password_hash, with_account, without_account
from ingest import enrolment

cli = typer.Typer(name="hub", help="Credentials of hubs.", no_args_is_help=True)

Hub = Annotated[str, typer.Argument(help="The hub's id in the estate.")]


@cli.callback()
def group() -> None:
    """Credentials of hubs."""


@cli.command()
def enrol(context: typer.Context, hub: Hub) -> None:
    """Prints a new MQTT password for a hub, once; one that it had before ends."""
    settings = load_settings(context.obj)
    password = new_password()
    kept = password_hash(password)
    asyncio.run(_enrol(settings, hub, kept))
    if settings.mqtt.password_file is None:
        typer.echo(
            "no password file is set (THRESHOLD_MQTT__PASSWORD_FILE); the broker's own needs this line:\n"
            f"{hub}:{kept}",
            err=True,
        )
    typer.echo(password)


@cli.command()
def revoke(context: typer.Context, hub: Hub) -> None:
    """Withdraws a hub's MQTT password; the broker cuts it off when it reads its password file again."""
    settings = load_settings(context.obj)
    had = asyncio.run(_revoke(settings, hub))
    typer.echo(f"{hub}: revoked" if had else f"{hub}: had no credential")


async def _enrol(settings: Settings, hub: str, kept: str) -> None:
    if not can_be_account(hub):
        raise Fault(f"hub {hub!r}: an id with : + # / or unprintable characters cannot be an MQTT account")
    conn: Connection
    async with await AsyncConnection.connect(settings.database, **connection_arguments("hub")) as conn:
        try:
            await enrolment.enrol(conn, hub, kept, system_clock())
        except enrolment.NoSuchHub:
            raise Fault(f"hub {hub!r}: the estate has no such hub") from None
        # Inside the transaction: a file that cannot be written leaves the database as it was.
        _edit(settings.mqtt.password_file, lambda lines: with_account(lines, hub, kept))


async def _revoke(settings: Settings, hub: str) -> bool:
    conn: Connection
    async with await AsyncConnection.connect(settings.database, **connection_arguments("hub")) as conn:
        try:
            had = await enrolment.revoke(conn, hub, system_clock())
        except enrolment.NoSuchHub:
            raise Fault(f"hub {hub!r}: the estate has no such hub") from None
        _edit(settings.mqtt.password_file, lambda lines: without_account(lines, hub))
    return had


def _edit(file: Path | None, change: Callable[[str], str]) -> None:
    """Replaces the password file as a whole, so that the broker never reads half of it."""
    if file is None:
        return
    try:
        with _alone(file):
            before = file.read_text() if file.exists() else ""
            _replace(file, change(before))
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"the password file {file} cannot be changed: {error}") from None


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """One command at a time; the lock lies beside the file because the file itself is replaced."""
    with open(file.with_name(f".{file.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(file: Path, text: str) -> None:
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
