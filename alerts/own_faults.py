"""What the service finds wrong with itself is an alert of every monitoring centre, and ends when it is
mended."""

from datetime import datetime

from alerts.classify import OWN_FAULT, dedupe_key
from alerts.model import Priority
from alerts.signals import handle_own_fault
from alerts.stand_down import stand_down
from alerts.store import Q
from alerts.wording import Correction
from db.pool import Connection, fetch_all


async def found(conn: Connection, what: str, reason: str, now: datetime, *, deaf: bool = False) -> None:
    """Raises it, once while it lasts. `deaf`: people may be calling and not heard, so somebody is told
    soon."""
    priority = Priority.WELFARE if deaf else Priority.TECHNICAL
    if not await fetch_all(conn, Q["open_hub_alerts"], keys=[_key(what)]):
        await handle_own_fault(conn, what, reason, priority, now)


async def mended(conn: Connection, what: str, cause: str, now: datetime) -> None:
    """Stands it down, if it stood open; those who were told hear of it."""
    alerts = await fetch_all(conn, Q["open_hub_alerts"], keys=[_key(what)])
    await stand_down(conn, alerts, {row["id"]: Correction(cause, now) for row in alerts}, now)


def _key(what: str) -> str:
    return dedupe_key("", what, OWN_FAULT)
