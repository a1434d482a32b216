"""Who is the active intake, and what it says of its own ears: typed functions over ingest/queries.sql."""

from dataclasses import dataclass
from datetime import datetime

from db.pool import Connection, execute, fetch_one
from db.sql import Queries

_Q = Queries("ingest")


async def take_lease(conn: Connection, name: str) -> bool:
    """Whether this connection now has the lock of that name; it keeps it until it closes."""
    row = await fetch_one(conn, _Q["take_lease"], name=name)
    return row is not None and bool(row["taken"])


async def end_holder(conn: Connection, name: str, *, frozen_for: str | None) -> None:
    """Ends the connection that has the lock; given `frozen_for`, only one that is silent so long amid a COPY.

    `frozen_for` is in PostgreSQL's notation of intervals.
    """
    await execute(conn, _Q["end_holder"], name=name, at_once=frozen_for is None, after=frozen_for or "0")


async def end_when_frozen(conn: Connection, after: str) -> None:
    """Has the database close the connection of a holder who is silent so long; PostgreSQL's notation."""
    await execute(conn, _Q["end_when_frozen"], timeout=after)


async def end_transaction_when_frozen(conn: Connection, after: str) -> None:
    """Has the database undo, and its locks free, what somebody began and was silent in so long."""
    await execute(conn, _Q["end_transaction_when_frozen"], timeout=after)


@dataclass(frozen=True, slots=True)
class IntakeState:
    """What intake says of itself; times that it does not know are None."""

    holder: str | None
    beat_at: datetime | None
    connected_at: datetime | None
    caught_up_at: datetime | None
    lag_seconds: float | None


async def intake_state(conn: Connection) -> IntakeState | None:
    """What intake last said of itself; None when there never was one."""
    row = await fetch_one(conn, _Q["intake_state"])
    return None if row is None else IntakeState(**row)


async def write_intake(conn: Connection, state: IntakeState) -> None:
    """Intake says how it stands; without a `beat_at` the last one stays."""
    await execute(
        conn,
        _Q["write_intake"],
        holder=state.holder,
        beat_at=state.beat_at,
        connected_at=state.connected_at,
        caught_up_at=state.caught_up_at,
        lag_seconds=state.lag_seconds,
    )


async def open_gap(conn: Connection, began_at: datetime) -> None:
    """From then on we could not listen; an open gap goes on instead."""
    await execute(conn, _Q["open_gap"], began_at=began_at)


async def close_gaps(conn: Connection, ended_at: datetime) -> None:
    """We have heard all that waited for us."""
    await execute(conn, _Q["close_gaps"], ended_at=ended_at)
