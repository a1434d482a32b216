"""The outbox as workers use it: lease, let go, record. The worker opens a transaction for each."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from psycopg.rows import DictRow

from alerts import metrics, store
from alerts.bundles import Due, bundles
from alerts.retry import Delivered, DeliveryState, Next, Outcome, Permanent, Retryable, Sent, Tried
from alerts.store import History, as_rows
from db.pool import Connection, execute, fetch_all
from db.sql import Queries

Q = Queries("alerts", "outbox.sql")
log = structlog.get_logger(__name__)

MOST_AT_ONCE = 500
"""Messages that are looked at in one lease."""


@dataclass(frozen=True, slots=True)
class Leased:
    """One bundle in hand. `key` is the same when the bundle goes out again after a lost attempt."""

    lease: str
    key: str
    rows: tuple[DictRow, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one leased message."""

    row: DictRow
    following: Next
    outcome: Outcome | None = None

    @property
    def attempted(self) -> bool:
        """It was tried; else it was only looked at, and that counts as no attempt."""
        return self.outcome is not None


async def lease(
    conn: Connection, channel: str, hands: int, until: datetime, now: datetime, between: timedelta
) -> list[Leased]:
    """Leases up to `hands` bundles of due messages; `between` is how long a contact is left in peace."""
    urgent = await fetch_all(conn, Q["due_urgent"], channel=channel, now=now, limit=hands)
    rows = urgent
    if len(urgent) < hands:
        receivers = await fetch_all(
            conn,
            Q["due_receivers"],
            channel=channel,
            now=now,
            written_since=now - between,
            limit=hands - len(urgent),
        )
        if receivers:
            contacts = [receiver["id"] for receiver in receivers]
            rows = urgent + await fetch_all(
                conn, Q["due_of_receivers"], contacts=contacts, channel=channel, now=now, limit=MOST_AT_ONCE
            )
    if not rows:
        return []
    wanted = [
        (uuid.uuid4().hex, bundle)
        for bundle in bundles(Due(row["id"], row["contact_id"], row["priority"], _lost(row)) for row in rows)
    ]
    leases = [{"id": number, "lease": token} for token, bundle in wanted for number in bundle.ids]
    await execute(conn, Q["lease_deliveries"], rows=as_rows(leases), until=until, now=now)
    numbers = [row["id"] for row in leases]
    full = {row["id"]: row for row in await fetch_all(conn, Q["leased_deliveries"], ids=numbers)}
    return [_in_hand(token, [full[number] for number in bundle.ids]) for token, bundle in wanted]


def _lost(row: DictRow) -> str | None:
    return row["leased_by"] if row["state"] == DeliveryState.SENDING else None


def _in_hand(token: str, rows: Sequence[DictRow]) -> Leased:
    # Made from what is in it, so that the same bundle has the same key whoever sends it.
    keys = "|".join(row["idempotency_key"] for row in rows)
    key = rows[0]["idempotency_key"] if len(rows) == 1 else f"list_{uuid.uuid5(uuid.NAMESPACE_OID, keys).hex}"
    return Leased(token, key, tuple(rows))


async def let_go(conn: Connection, leased: Leased, rows: Sequence[DictRow]) -> None:
    """Gives back what was not begun."""
    await execute(conn, Q["let_go"], ids=[row["id"] for row in rows], lease=leased.lease)


async def wanted(conn: Connection, rows: Sequence[DictRow]) -> set[int]:
    """Which of these are still asked for by their duties."""
    ids = [row["id"] for row in rows]
    return {row["id"] for row in await fetch_all(conn, Q["still_wanted"], ids=ids)}


async def record(
    conn: Connection, channel: str, leased: Leased, results: Sequence[Result], now: datetime
) -> None:
    """Writes what became of each message, unless its lease has passed to another."""
    lines = []
    for result in results:
        row, following, outcome = result.row, result.following, result.outcome
        taken = outcome if isinstance(outcome, Delivered | Sent) else None
        attempts = row["attempts"] if result.attempted else row["attempts"] - 1
        written = await execute(
            conn,
            Q["record_attempt"],
            id=row["id"],
            lease=leased.lease,
            maybe=isinstance(outcome, Retryable) and outcome.maybe,
            provider_ref=taken.ref if taken else None,
            sent_at=now if isinstance(outcome, Sent) else None,
            attempts=0 if following.way else attempts,
            **standing(row, following, now),
        )
        if not written:
            metrics.FENCED.labels(channel).inc()
            continue
        if isinstance(outcome, Permanent) and outcome.disable:
            # Not by name: the log is read by more people than the estate.
            log.warning("a webhook is gone and was disabled", organisation=row["organisation_id"])
            await execute(
                conn,
                Q["disable_webhook"],
                contact=row["contact_id"],
                url=row["webhook_url"],
                reason=outcome.why,
                now=now,
            )
        if isinstance(outcome, Sent):
            await execute(conn, Q["hand_over"], channel=channel, ref=outcome.ref, delivery=row["id"], now=now)
        lines += happened(row, following, now)
        if taken is not None:
            waited = max(0.0, (now - row["created_at"]).total_seconds())
            metrics.HANDOVER_SECONDS.labels(channel, row["priority"]).observe(waited)
    await store.add_history(conn, lines, now)


def tried(row: DictRow, *, wanted: bool) -> Tried:
    """How a message stands with its present channel."""
    way = (row["channel"], *row["failover"])
    return Tried(row["attempts"], row["channel_since"], way, row["priority"], wanted)


def standing(row: DictRow, following: Next, now: datetime) -> dict[str, object]:
    """The columns of a message that every decision about it writes."""
    way = following.way or (row["channel"], *row["failover"])
    given_up = [] if row["channel"] in way else [row["channel"]]
    delivered = following.state is DeliveryState.DELIVERED
    return {
        "state": following.state,
        "next_attempt_at": following.attempt_at,
        "channel": way[0],
        "failover": list(way[1:]),
        "passed": row["passed"] + given_up,
        "moved": following.way is not None,
        "delivered_at": now if delivered else None,
        "last_error": None if delivered else following.reason[:500],
    }


_HAPPENINGS: Mapping[DeliveryState, str] = {
    DeliveryState.SENT: "sent",
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.DEAD: "undelivered",
}


def happened(row: DictRow, following: Next, now: datetime) -> list[History]:
    """What the history of its duty says of it; nothing of tries that lead to further ones."""
    what = "failed_over" if following.way else _HAPPENINGS.get(following.state)
    if what is None or what == row["state"]:
        return []
    channel = row["channel"]
    detail = {
        "delivery": row["id"],
        "contact": row["contact_name"],
        "channel": channel,
        "purpose": row["purpose"],
        "attempts": row["attempts"],
    }
    if what in ("undelivered", "failed_over"):
        detail["reason"] = following.reason
    if following.way:
        detail["to"] = following.way[0]
    return [History(row["alert_id"], row["duty_id"], now, what, detail=detail)]
