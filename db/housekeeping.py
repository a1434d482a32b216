"""What is kept no longer than its time. Retention of events is the database's own affair where it can."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from db import feed
from db.pool import Connection, execute, fetch_one
from db.sql import Queries

_Q = Queries("db")


@dataclass(frozen=True, slots=True)
class Keep:
    """How long each is kept."""

    events: timedelta
    unmatched_door_events: timedelta
    feed: timedelta


@dataclass(frozen=True, slots=True)
class Tidied:
    """Rows that went; for events of a hypertable, chunks."""

    events: int
    private_doors: int
    feed: int
    sessions: int


async def tidy(conn: Connection, keep: Keep, now: datetime) -> Tidied:
    """One round of housekeeping in the caller's transaction (domain/joint_work.md, Sharing)."""
    row = await fetch_one(conn, _Q["retain_events"], keep=keep.events, now=now)
    doors = await execute(conn, _Q["forget_private_doors"], before=now - keep.unmatched_door_events)
    rows = await feed.trim(conn, now - keep.feed)
    sessions = await execute(conn, _Q["forget_sessions"], now=now)
    await execute(conn, _Q["forget_beats"], before=now - timedelta(days=1))
    return Tidied(row["gone"] if row else 0, doors, rows, sessions)
