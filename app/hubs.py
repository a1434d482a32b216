"""`threshold hub …`: what a hub signs in with at the broker. Made here, shown once, kept as hashes."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from psycopg import AsyncConnection

from app import hub_accounts
from app.authority import CERTIFICATE, Authority, Issued, write_secret
from app.clock import system_clock
from app.errors import Fault
from app.hub_rotation import hand_over
from app.settings import Settings, load_settings
from db.pool import Connection, connection_arguments
from gateway.credentials import OWN_ACCOUNTS, can_be_account, new_password, password_hash
from ingest import enrolment

cli = typer.Typer(name="hub", help="Credentials of hubs.", no_args_is_help=True)

Hub = Annotated[str, typer.Argument(help="The hub's id in the estate.")]
CERTIFICATE_DAYS = 825
"""A little over two years: a visit by an engineer comes sooner."""


@cli.callback()
def group() -> None:
    """Credentials of hubs."""


@cli.command()
def enrol(
    context: typer.Context,
    hub: Hub,
    certificate: Annotated[
        Path | None, typer.Option(help="Make a client certificate instead, and write it into this folder.")
    ] = None,
    csr: Annotated[
        Path | None, typer.Option(help="The hub's own signing request; its key never leaves the hub.")
    ] = None,
    days: Annotated[
        int, typer.Option(help="How long the certificate lasts.", min=1, max=3650)
    ] = CERTIFICATE_DAYS,
) -> None:
    """Prints a new MQTT password for a hub, once; one that it had before ends."""
    settings = load_settings(context.obj)
    if csr is not None and certificate is None:
        raise Fault("--csr needs --certificate, the folder for what is signed")
    if certificate is not None:
        request = None if csr is None else _read(csr)
        issued = asyncio.run(_certify(settings, hub, certificate, request, timedelta(days=days)))
        typer.echo(f"{hub}: certificate until {issued.expires_at:%Y-%m-%d} in {certificate}")
        return
    password = new_password()
    kept = password_hash(password)
    asyncio.run(_enrol(settings, hub, password, kept))
    if settings.mqtt.password_file is None and settings.mqtt.admin_username is None:
        typer.echo(
            "neither the broker's administrator (THRESHOLD_MQTT__ADMIN_USERNAME) nor a password file\n"
            "(THRESHOLD_MQTT__PASSWORD_FILE) is set; the broker's own file needs this line:\n"
            f"{hub}:{kept}",
            err=True,
        )
    typer.echo(password)


@cli.command()
def rotate(
    context: typer.Context,
    hub: Hub,
    wait: Annotated[int, typer.Option(help="Seconds to wait for the hub's answer.", min=1)] = 60,
) -> None:
    """Gives a connected hub a new password without a gap: it has it before the old one ends."""
    settings = load_settings(context.obj)
    asyncio.run(_rotate(settings, hub, timedelta(seconds=wait)))
    typer.echo(f"{hub}: has a new password")


@cli.command()
def revoke(context: typer.Context, hub: Hub) -> None:
    """Withdraws a hub's password and certificates; the broker cuts it off."""
    settings = load_settings(context.obj)
    had = asyncio.run(_revoke(settings, hub))
    typer.echo(f"{hub}: revoked" if had else f"{hub}: had no credential")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Fault(f"{file}: {(error.strerror or 'cannot be read').lower()}") from None


def _check(hub: str) -> None:
    if not can_be_account(hub):
        if hub in OWN_ACCOUNTS:
            raise Fault(f"hub {hub!r}: that is an account of our own at the broker")
        raise Fault(f"hub {hub!r}: an id with : + # / or unprintable characters cannot be an MQTT account")


def _no_such_hub(hub: str) -> Fault:
    return Fault(f"hub {hub!r}: the estate has no such hub")


async def _enrol(settings: Settings, hub: str, password: str, kept: str) -> None:
    _check(hub)
    conn: Connection
    async with await AsyncConnection.connect(settings.database, **connection_arguments("hub")) as conn:
        try:
            await enrolment.enrol(conn, hub, kept, system_clock())
            base = await enrolment.bridge_of(conn, hub)
        except enrolment.NoSuchHub:
            raise _no_such_hub(hub) from None
        # Inside the transaction: a broker that cannot be changed leaves the database as it was.
        await hub_accounts.give_password(settings, hub, password, kept, base)


async def _certify(
    settings: Settings, hub: str, folder: Path, request: bytes | None, lasts: timedelta
) -> Issued:
    _check(hub)
    now = system_clock()
    authority = _authority(settings)
    issued = authority.issue(hub, lasts, now, request)
    conn: Connection
    async with await AsyncConnection.connect(settings.database, **connection_arguments("hub")) as conn:
        try:
            await enrolment.certify(conn, hub, issued.serial, issued.expires_at, now)
            base = await enrolment.bridge_of(conn, hub)
        except enrolment.NoSuchHub:
            raise _no_such_hub(hub) from None
        authority.tell(_trust(settings), await enrolment.withdrawn(conn, now), now)
        _write(folder, hub, issued, authority)
        await hub_accounts.admit_certificate(settings, hub, base)
    return issued


def _write(folder: Path, hub: str, issued: Issued, authority: Authority) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if issued.key is not None:
            write_secret(folder / f"{hub}.key", issued.key)
        (folder / f"{hub}.crt").write_text(issued.certificate)
        (folder / CERTIFICATE).write_bytes((authority.folder / CERTIFICATE).read_bytes())
    except OSError as error:
        raise Fault(f"the certificate cannot be written into {folder}: {error}") from None


async def _rotate(settings: Settings, hub: str, wait: timedelta) -> None:
    _check(hub)
    password = new_password()
    conn: Connection
    async with await AsyncConnection.connect(
        settings.database, autocommit=True, **connection_arguments("hub")
    ) as conn:
        try:
            await enrolment.bridge_of(conn, hub)
        except enrolment.NoSuchHub:
            raise _no_such_hub(hub) from None
        await hand_over(settings, conn, hub, password, wait)
        async with conn.transaction():
            await enrolment.enrol(conn, hub, password_hash(password), system_clock())
            await hub_accounts.replace_password(settings, hub, password)


async def _revoke(settings: Settings, hub: str) -> bool:
    now = system_clock()
    conn: Connection
    async with await AsyncConnection.connect(settings.database, **connection_arguments("hub")) as conn:
        try:
            had = await enrolment.revoke(conn, hub, now)
        except enrolment.NoSuchHub:
            raise _no_such_hub(hub) from None
        if settings.mqtt.hub_ca is not None:
            _authority(settings).tell(_trust(settings), await enrolment.withdrawn(conn, now), now)
        await hub_accounts.take_away(settings, hub)
    return had


def _authority(settings: Settings) -> Authority:
    if settings.mqtt.hub_ca is None:
        raise Fault("no authority for hubs' certificates is set: THRESHOLD_MQTT__HUB_CA names its folder")
    return Authority(settings.mqtt.hub_ca, system_clock())


def _trust(settings: Settings) -> Path:
    folder = settings.mqtt.hub_trust or settings.mqtt.hub_ca
    assert folder is not None
    return folder
