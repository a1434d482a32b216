"""What became of messages that a provider took: its word arrives by itself, or is asked for.

A message that has not arrived goes on to the contact's next channel at once; so does one of which no word
comes in time.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from psycopg.rows import DictRow

from alerts import metrics, store
from alerts.channels.contract import Channel, Confirms
from alerts.outbox import Q, happened, standing, tried
from alerts.retry import Delivered, DeliveryState, Undelivered, after_word
from db.pool import Connection, Pool, execute, fetch_all, fetch_one
from db.wake import DELIVER, wake

log = structlog.get_logger(__name__)

AT_ONCE = 16
"""Messages that are looked at in one round."""
LOOKING = timedelta(seconds=60)
"""A worker that looks has so long; then another may."""

Word = Delivered | Undelivered


async def due_for_a_word(pool: Pool, now: datetime) -> list[DictRow]:
    """Messages whose provider is to be asked now, by us for a minute."""
    async with pool.connection() as conn, conn.transaction():
        due = await fetch_all(conn, Q["due_for_a_word"], now=now, limit=AT_ONCE)
        if due:
            await execute(conn, Q["look_later"], ids=[row["id"] for row in due], until=now + LOOKING)
    return due


async def ask(
    pool: Pool, channel: Channel | None, row: DictRow, clock: Callable[[], datetime], jitter: float
) -> None:
    """Asks the provider of one message what became of it, and takes its word, or that it has none."""
    word = await channel.look(row["provider_ref"]) if isinstance(channel, Confirms) else None
    async with pool.connection() as conn, conn.transaction():
        await hear(conn, [row["channel"]], row["provider_ref"], word, clock(), jitter)


async def hear(
    conn: Connection, channels: Sequence[str], ref: str, word: Word | None, now: datetime, jitter: float = 0.5
) -> int:
    """Takes a provider's word for its message `ref` of one of these channels; of how many messages it speaks.

    A word that comes after the message has gone on another way still counts when it is good: they were told.
    """
    rows = await fetch_all(conn, Q["sent_messages"], channels=list(channels), ref=ref)
    if word is not None:
        arrived = isinstance(word, Delivered)
        await execute(
            conn,
            Q["keep_word"],
            channels=list(channels),
            ref=ref,
            word="delivered" if arrived else "undelivered",
            why=None if isinstance(word, Delivered) else word.why[:500],
            now=now,
        )
    lines = []
    for row in rows:
        standing_now = row["state"] == DeliveryState.SENT and row["provider_ref"] == ref
        overtaken = row["state"] == DeliveryState.PENDING and isinstance(word, Delivered)
        if not standing_now and not overtaken:
            continue
        following = after_word(word, row["sent_at"], tried(row, wanted=row["wanted"]), jitter=jitter, now=now)
        maybe = following.way is not None and word is None
        await execute(conn, Q["record_word"], id=row["id"], maybe=maybe, **standing(row, following, now))
        lines += happened(row, following, now)
        if following.state is not DeliveryState.SENT:
            metrics.WORDS.labels(row["channel"], _label(word)).inc()
    await store.add_history(conn, lines, now)
    if rows:
        await wake(conn, DELIVER)
    return len(rows)


async def hear_by_key(
    conn: Connection, channels: Sequence[str], key: str, ref: str, word: Word | None, now: datetime
) -> int:
    """The same, where the provider names our key too: its answer to us may have been lost."""
    row = await fetch_one(conn, Q["message_of_key"], channels=list(channels), key=key)
    if row is not None and await execute(conn, Q["take_for_sent"], id=row["id"], ref=ref, now=now):
        await execute(conn, Q["hand_over"], channel=channels[0], ref=ref, delivery=row["id"], now=now)
        log.info("a provider has a message whose answer was lost", delivery=row["id"])
    return await hear(conn, channels, ref, word, now)


def _label(word: Word | None) -> str:
    match word:
        case Delivered():
            return "delivered"
        case Undelivered():
            return "undelivered"
        case None:
            return "none"
