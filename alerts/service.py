"""What other packages call (docs/seams.md): each in the caller's transaction, given `now`."""

from datetime import datetime

from alerts.actions import acknowledge, add_note, claim, claim_next, close, release, renew_claim
from alerts.model import VisitAlert
from alerts.outcomes import outcomes_for, words_for
from alerts.signals import handle_signals, handle_unreadable
from alerts.visits import StandDown, raise_visit_alerts, stand_down_visit_alerts
from alerts.windows import end_window, open_window
from db.pool import Connection

__all__ = [
    "StandDown",
    "acknowledge",
    "add_note",
    "claim",
    "claim_next",
    "close",
    "end_window",
    "handle_signals",
    "handle_unreadable",
    "open_window",
    "outcomes_for",
    "raise_visit_alert",
    "raise_visit_alerts",
    "release",
    "renew_claim",
    "stand_down_visit_alert",
    "stand_down_visit_alerts",
    "words_for",
]


async def raise_visit_alert(conn: Connection, alert: VisitAlert, now: datetime) -> int | None:
    """The number of the alert that was raised; None when it was raised before."""
    return (await raise_visit_alerts(conn, [alert], now))[0]


async def stand_down_visit_alert(
    conn: Connection, visit_ref: str, kind: str, raised_at: datetime, at: datetime, cause: str, now: datetime
) -> None:
    """Stands a visit's alert down. `at`: when the deciding evidence was received. Twice is once."""
    await stand_down_visit_alerts(conn, [StandDown(visit_ref, kind, raised_at, at, cause)], now)
