"""A technical matter becomes one of welfare: somebody may need help whom we can no longer hear."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from alerts import store
from alerts.escalate import climb
from alerts.ladder import alarm_ladder
from alerts.model import Duty, DutyState, Priority
from alerts.store import History, Q, as_rows, duty_from
from db.pool import Connection, execute, fetch_all


async def make_welfare(conn: Connection, why: Mapping[int, tuple[str, datetime]], now: datetime) -> None:
    """Raises the priority of these locked alerts, each for its reason as of a moment.

    Their duties begin anew, on the ladder of welfare.
    """
    if not why:
        return
    reasons = [{"id": number, "reason": reason} for number, (reason, _) in why.items()]
    await execute(conn, Q["escalate_alerts"], rows=as_rows(reasons))
    rows = await fetch_all(conn, Q["duties_of_alert"], alerts=sorted(why))
    duties = [
        _as_welfare(duty, why[duty.alert_id][1])
        for duty in map(duty_from, rows)
        if duty.state is not DutyState.CLOSED
    ]
    lines = [
        History(number, None, at, "escalated", detail={"reason": reason})
        for number, (reason, at) in why.items()
    ]
    await store.add_history(conn, lines, now)
    await climb(conn, duties, now)


def _as_welfare(duty: Duty, at: datetime) -> Duty:
    """The duty on the ladder of welfare, from its first step; an answer to the fault counts no more."""
    return replace(
        duty,
        priority=Priority.WELFARE,
        ladder=alarm_ladder(Priority.WELFARE).name,
        state=DutyState.OPEN,
        step=0,
        stepped_at=None,
        step_from=at,
        eta=None,
    )
