"""The service's own home: a unit and an organisation by which it presses, and is told, every minute.

A press goes the way of a pendant's: event, alert of priority 1, duty, ladder, live stream, outbox, worker. It
belongs to an organisation of ours that has no people in it, so no person's queue or telephone hears of it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.channels.contract import Channel, Outgoing
from alerts.classify import MONITOR_HUB, TEST_PRESS, dedupe_key
from alerts.retry import Delivered, Outcome
from db.pool import Connection, execute, fetch_one
from db.sql import Queries

Q = Queries("alerts", "monitor.sql")

MONITOR: str = MONITOR_HUB
"""The id of the unit, of its account at the broker, and of the organisation."""
SINK = "threshold:monitor"
"""The address of the test contact where no other is set."""
KEPT = timedelta(hours=1)
"""How long the alerts of presses are kept: they are nobody's record."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a press has come: when it was stored, raised, and handed to the test contact."""

    stored_at: datetime | None = None
    raised_at: datetime | None = None
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MonitorSink:
    """A webhook channel whose messages to SINK arrive here, and all others where they are meant to."""

    webhooks: Channel

    async def send(self, message: Outgoing, now: datetime) -> Outcome:
        """Hands the message over, or takes it."""
        if message.webhook_url == SINK:
            return Delivered("the test contact")
        return await self.webhooks.send(message, now)


async def furnish(conn: Connection, url: str | None, secret: str | None) -> None:
    """Makes the unit, the organisation and the test contact, or brings the contact up to date."""
    await execute(conn, Q["furnish"], id=MONITOR, url=url or SINK, secret=secret)


async def begin(conn: Connection, press: str, every: timedelta, now: datetime) -> bool:
    """Takes the turn to press; False when another copy pressed within the period."""
    await execute(conn, Q["one_presser"])
    row = await fetch_one(conn, Q["begin_press"], id=press, now=now, since=now - every * 0.9)
    return row is not None


async def progress(conn: Connection, press: str) -> Progress:
    """How far this press has come."""
    key = dedupe_key(MONITOR, press, TEST_PRESS)
    row = await fetch_one(conn, Q["press_progress"], id=MONITOR, press=press, key=key)
    return Progress() if row is None else Progress(row["stored_at"], row["raised_at"], row["told_at"])


async def finish(
    conn: Connection, press: str, seconds: float | None, fault: str | None, now: datetime
) -> None:
    """Keeps what became of a press, ends its duty, and forgets presses of long ago."""
    await execute(conn, Q["finish_press"], id=press, seconds=seconds, fault=fault, now=now)
    await execute(conn, Q["close_presses"], id=MONITOR, now=now)
    await execute(conn, Q["forget_press_alerts"], id=MONITOR, before=now - KEPT)
    await execute(conn, Q["forget_presses"], before=now - timedelta(days=7))
