"""Rejected things tried again, through the same transaction as everything that arrives.

They keep the time at which they were received. What was refused because the broker had kept it stays
refused unless a person names it: a retained alarm may be years old.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.pool import Connection
from gateway.codec import Reason
from gateway.topics import Topics
from ingest import adapted, store
from ingest.model import Arrival, Recorded, read
from ingest.service import record

MOST = 200
"""Rows in one round."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a rejected row. `recorded` is what its hubs may be told once it commits."""

    row_id: int
    recorded: Recorded
    taken_in: bool


async def replay_next(
    conn: Connection, topics: Topics, now: datetime, *, ids: Sequence[int] | None, after: int = 0
) -> Replayed | None:
    """Tries the next rejected row past `after` again, of those named or with None of all that are open.

    In the caller's transaction, which is to be this row's own: it locks what a batch locks, in the order of a
    batch, and with the locks of a row before it that order would be broken. None: there is no further row.
    """
    row = await store.claim_rejected(conn, ids, after)
    if row is None:
        return None
    bridges = await adapted.load(conn)
    kept_by_broker = row.reason == Reason.RETAINED and ids is None
    recorded = await record(conn, _read(row, kept_by_broker, topics, bridges), now)
    outcome = _outcome(row, recorded)
    await store.mark_replayed(conn, [outcome], now)
    return Replayed(row.id, recorded, outcome.taken_in)


def _read(
    row: store.RejectedRow, kept_by_broker: bool, topics: Topics, bridges: adapted.Bridges
) -> list[Arrival]:
    bridge = bridges.at(row.topic)
    if bridge is None:
        return [
            read(row.topic, row.payload, retained=kept_by_broker, received_at=row.received_at, topics=topics)
        ]
    found = adapted.read(bridge, row.topic, row.payload, retained=False, received_at=row.received_at)
    return [] if found is None else [found]


def _outcome(row: store.RejectedRow, result: Recorded) -> store.Outcome:
    """A row is settled when nothing of it was refused for the same reason again."""
    if row.reason in result.rejected:
        return store.Outcome(row.id, False, f"rejected again: {row.reason}")
    if result.rejected:
        return store.Outcome(row.id, True, f"now rejected otherwise: {', '.join(sorted(result.rejected))}")
    if result.stored:
        return store.Outcome(row.id, True, "stored")
    return store.Outcome(row.id, True, "had been stored already" if result.repeated else "taken in")
