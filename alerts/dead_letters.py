"""Messages that reached nobody: listed, and sent again once what kept them is mended."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import DictRow

from alerts import store
from alerts.outbox import Q
from alerts.retry import DeliveryState
from alerts.store import History
from db.pool import Connection, execute, fetch_all, fetch_one
from db.wake import DELIVER, wake


@dataclass(frozen=True, slots=True)
class Replayed:
    """Whether a dead message goes out again, and why not."""

    sent_again: bool
    reason: str


async def list_dead(conn: Connection, limit: int, organisation: str | None = None) -> list[DictRow]:
    """Dead messages, newest first, without their words."""
    return await fetch_all(conn, Q["dead_messages"], organisation=organisation, limit=limit)


async def replay(
    conn: Connection, delivery: int, by: str, now: datetime, organisation: str | None = None
) -> Replayed | None:
    """Puts a dead message back into the outbox, by every channel that its contact has had, from the first.

    None: there is none of this number, or it is another organisation's. What nobody waits for any more
    stays dead: a message of an answered duty would send people out for nothing.
    """
    row = await fetch_one(conn, Q["lock_message"], id=delivery)
    if row is None or (organisation is not None and row["organisation_id"] != organisation):
        return None
    if row["state"] != DeliveryState.DEAD:
        return Replayed(False, f"message {delivery} is not dead, it is {row['state']}")
    if row["contact_id"] is None:
        return Replayed(False, f"the contact of message {delivery} is no longer in the estate")
    if not row["wanted"]:
        return Replayed(False, f"the duty of message {delivery} was answered meanwhile")
    await execute(conn, Q["revive"], id=delivery, by=by, now=now)
    detail = {"delivery": delivery, "contact": row["contact_name"], "channel": row["channel"]}
    line = History(row["alert_id"], row["duty_id"], now, "replayed", actor=by, detail=detail)
    await store.add_history(conn, [line], now)
    await wake(conn, DELIVER)
    return Replayed(True, "it is in the outbox again")
