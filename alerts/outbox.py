"""The outbox as workers use it: lease, let go, record. The worker opens a transaction for each."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import DictRow

from alerts import metrics, store
from alerts.bundles import Due, bundles
from alerts.retry import Delivered, DeliveryState, Next, Outcome, Permanent, Retryable
from alerts.store import History, Q, as_rows
from db.pool import Connection, execute, fetch_all

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
    await execute(conn, Q["lease_deliveries"], rows=as_rows(leases), until=until)
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
        delivered = following.state is DeliveryState.DELIVERED
        written = await execute(
            conn,
            Q["record_attempt"],
            id=row["id"],
            lease=leased.lease,
            state=following.state,
            next_attempt_at=following.attempt_at,
            delivered_at=now if delivered else None,
            maybe=isinstance(outcome, Retryable) and outcome.maybe,
            provider_ref=outcome.ref if isinstance(outcome, Delivered) else None,
            last_error=None if delivered else following.reason[:500],
            attempts=row["attempts"] if result.attempted else row["attempts"] - 1,
        )
        if not written:
            metrics.FENCED.labels(channel).inc()
            continue
        if isinstance(outcome, Permanent) and outcome.disable:
            await execute(
                conn,
                Q["disable_webhook"],
                contact=row["contact_id"],
                url=row["webhook_url"],
                reason=outcome.why,
                now=now,
            )
        lines += _history(channel, result, now)
        if delivered:
            waited = max(0.0, (now - row["created_at"]).total_seconds())
            metrics.HANDOVER_SECONDS.labels(channel, row["priority"]).observe(waited)
    await store.add_history(conn, lines, now)


_HAPPENINGS: Mapping[DeliveryState, str] = {
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.DEAD: "undelivered",
}


def _history(channel: str, result: Result, now: datetime) -> list[History]:
    row = result.row
    what = _HAPPENINGS.get(result.following.state)
    if what is None:
        return []
    detail = {
        "delivery": row["id"],
        "contact": row["contact_name"],
        "channel": channel,
        "purpose": row["purpose"],
        "attempts": row["attempts"],
    }
    if what == "undelivered":
        detail["reason"] = result.following.reason
    return [History(row["alert_id"], row["duty_id"], now, what, detail=detail)]
