"""The auditor: proves that every open duty has a future check, and every message somebody to carry it.

What has not is repaired first and reported then: a duty that nothing would look at again is the worst thing
that can happen here, and the second worst is to find it and wait for a person.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from alerts import metrics
from alerts.monitor import Q
from db.pool import Connection, execute, fetch_all, fetch_one
from db.wake import ALERTS, DELIVER, wake

log = structlog.get_logger(__name__)

MOST = 500
"""Duties that are repaired in one round."""
LEFT_BEHIND = timedelta(minutes=1)
"""A duty that has been due for longer is waiting for a sweep that does not come."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found: duties and messages that it repaired, duties that the sweep leaves behind,
    alerts without a duty."""

    unwatched: int = 0
    stranded: int = 0
    left_behind: int = 0
    ownerless: int = 0

    @property
    def fault(self) -> str | None:
        """What is wrong, in one sentence for people; None: all is well."""
        found = [
            f"{number} {what}"
            for number, what in (
                (self.unwatched, "open duties had no further check and were given one"),
                (self.stranded, "messages had no further attempt and were given one"),
                (self.left_behind, "duties have been due for more than a minute"),
                (self.ownerless, "open alerts have nobody to answer them"),
            )
            if number
        ]
        return "; ".join(found) or None


async def audit(conn: Connection, now: datetime) -> Audited:
    """One audit in the caller's transaction: looks, repairs what it can, and says what it found."""
    duties = await fetch_all(conn, Q["unwatched_duties"], limit=MOST)
    if duties:
        await execute(conn, Q["watch_duties"], ids=[row["id"] for row in duties], now=now)
        await wake(conn, ALERTS)
    messages = await fetch_all(conn, Q["stranded_messages"], now=now)
    if messages:
        await wake(conn, DELIVER)
    behind = await fetch_one(conn, Q["duties_left_behind"], before=now - LEFT_BEHIND)
    ownerless = await fetch_one(conn, Q["ownerless_alerts"], since=now - timedelta(days=1))
    found = Audited(
        len(duties),
        len(messages),
        behind["duties"] if behind else 0,
        ownerless["alerts"] if ownerless else 0,
    )
    metrics.AUDIT_REPAIRED.labels("duty").inc(found.unwatched)
    metrics.AUDIT_REPAIRED.labels("delivery").inc(found.stranded)
    metrics.LEFT_BEHIND.set(found.left_behind)
    metrics.OWNERLESS.set(found.ownerless)
    if found.fault:
        log.error(
            "the audit found what must not be",
            fault=found.fault,
            duties=[row["id"] for row in duties],
            deliveries=[row["id"] for row in messages],
        )
    return found
