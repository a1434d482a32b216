"""Which hubs have a credential. Only hashes and serial numbers are kept; what a hub signs in with is shown
once, where it is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.pool import Connection, execute, fetch_all, fetch_one
from db.sql import Queries
from gateway.model import Command

_Q = Queries("ingest")
_OWN = Queries("ingest", "enrolment.sql")


class NoSuchHub(LookupError):
    """The estate has no hub of that id."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A certificate that is no longer to be trusted."""

    serial: int
    revoked_at: datetime


async def enrol(conn: Connection, hub: str, kept: str, now: datetime) -> None:
    """Keeps the hash of a hub's new password. Raises NoSuchHub."""
    if await fetch_one(conn, _Q["enrol_hub"], hub=hub, hash=kept, now=now) is None:
        raise NoSuchHub(hub)


async def certify(conn: Connection, hub: str, serial: int, expires_at: datetime, now: datetime) -> None:
    """Keeps what a hub's new certificate is known by; earlier ones go on. Raises NoSuchHub."""
    if await fetch_one(conn, _OWN["mark_enrolled"], hub=hub, now=now) is None:
        raise NoSuchHub(hub)
    await execute(conn, _OWN["keep_certificate"], serial=str(serial), hub=hub, now=now, expires_at=expires_at)


async def revoke(conn: Connection, hub: str, now: datetime) -> bool:
    """Withdraws a hub's password and its certificates; False when it had neither. Raises NoSuchHub."""
    row = await fetch_one(conn, _Q["revoke_hub"], hub=hub, now=now)
    if row is None:
        raise NoSuchHub(hub)
    certificates = await execute(conn, _OWN["withdraw_certificates"], hub=hub, now=now)
    return bool(row["had"]) or certificates > 0


async def withdrawn(conn: Connection, now: datetime) -> Sequence[Withdrawn]:
    """Certificates that were withdrawn before their time, oldest first."""
    rows = await fetch_all(conn, _OWN["withdrawn_certificates"], now=now)
    return [Withdrawn(int(row["serial"]), row["revoked_at"]) for row in rows]


async def ending(conn: Connection, before: datetime) -> list[tuple[str, datetime]]:
    """Hubs whose last certificate ends before then, the soonest first."""
    return [
        (row["hub_id"], row["expires_at"])
        for row in await fetch_all(conn, _OWN["certificates_ending"], before=before)
    ]


async def bridge_of(conn: Connection, hub: str) -> str | None:
    """The base topic of a hub that is a bridge of another maker. Raises NoSuchHub."""
    row = await fetch_one(conn, _OWN["bridge_of"], hub=hub)
    if row is None:
        raise NoSuchHub(hub)
    base: str | None = row["base"]
    return base


async def begin_rotation(conn: Connection, hub: str, command: Command) -> None:
    """Records a command that hands a hub its new password, without the password."""
    await execute(
        conn,
        _OWN["begin_rotation"],
        id=command.id,
        hub=hub,
        type=command.type,
        now=command.issued_at,
        expires=command.expires_at,
    )


async def answer_to(conn: Connection, command: str) -> tuple[str, str | None]:
    """The state of a command and the hub's reason for it."""
    row = await fetch_one(conn, _OWN["answer_to"], id=command)
    return ("unknown", None) if row is None else (row["state"], row["reason"])
