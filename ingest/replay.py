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
from ingest.service import hubs_of, record

MOST = 200
"""Rows in one transaction."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of some rejected rows. `last_id` is where the next round goes on; None: that was all."""

    recorded: tuple[Recorded, ...]
    taken_in: int
    refused: int
    last_id: int | None


async def replay(
    conn: Connection, topics: Topics, now: datetime, *, ids: Sequence[int] | None, after: int = 0
) -> Replayed:
    """Tries up to 200 rejected rows again: those named, or with None all that are still open.

    Takes the caller's transaction. Each row says afterwards what became of it.
    """
    rows = await store.claim_rejected(conn, ids, after, MOST)
    bridges = await adapted.load(conn)
    outcomes: list[store.Outcome] = []
    recorded: list[Recorded] = []
    said = [_read(row, row.reason == Reason.RETAINED and ids is None, topics, bridges) for row in rows]
    # All at once, in their order: row by row we could hold one for which somebody waits who has the next.
    await store.lock_hubs(conn, hubs_of([arrival for arrivals in said for arrival in arrivals]))
    for row, arrivals in zip(rows, said, strict=True):
        result = await record(conn, arrivals, now)
        recorded.append(result)
        outcomes.append(_outcome(row, result))
    if outcomes:
        await store.mark_replayed(conn, outcomes, now)
    taken_in = sum(outcome.taken_in for outcome in outcomes)
    last = rows[-1].id if len(rows) == MOST else None
    return Replayed(tuple(recorded), taken_in, len(outcomes) - taken_in, last)


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
