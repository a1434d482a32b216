"""Which hubs have a credential. Only its hash is kept; the password is shown once, where it is made."""

from datetime import datetime

from db.pool import Connection, fetch_one
from db.sql import Queries

_Q = Queries("ingest")


class NoSuchHub(LookupError):
    """The estate has no hub of that id."""


async def enrol(conn: Connection, hub: str, kept: str, now: datetime) -> None:
    """Keeps the hash of a hub's new password. Raises NoSuchHub."""
    if await fetch_one(conn, _Q["enrol_hub"], hub=hub, hash=kept, now=now) is None:
        raise NoSuchHub(hub)


async def revoke(conn: Connection, hub: str, now: datetime) -> bool:
    """Withdraws a hub's credential; False when it had none. Raises NoSuchHub."""
    row = await fetch_one(conn, _Q["revoke_hub"], hub=hub, now=now)
    if row is None:
        raise NoSuchHub(hub)
    return bool(row["had"])
