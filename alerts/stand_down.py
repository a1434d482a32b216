"""The cause of an alert is gone: its duties end, messages not yet sent are withdrawn, and exactly those who
were told are told that it is over, with the cause and both times (domain/visits.md §7). The alert stays on
record."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from psycopg.rows import DictRow

from alerts import metrics, store
from alerts.duties import finished
from alerts.escalate import outbox_row
from alerts.letters import facts_of
from alerts.model import DutyState
from alerts.outcomes import STOOD_DOWN
from alerts.reach import Address
from alerts.retry import DeliveryState, Purpose
from alerts.store import History, News, Q, as_rows, duty_from
from alerts.wording import Correction
from db.pool import Connection, execute, fetch_all
from db.wake import DELIVER, wake


async def stand_down(
    conn: Connection, alerts: Sequence[DictRow], why: Mapping[int, Correction], now: datetime
) -> None:
    """Stands down these locked alerts, each for its own cause.

    Those who were told hear of it even when their organisation has closed its duty meanwhile: what they were
    told is no longer so. A message on its way at this moment is waited for before it is taken back.
    """
    if not alerts:
        return
    numbers = [alert["id"] for alert in alerts]
    rows = await fetch_all(conn, Q["duties_of_alert"], alerts=numbers)
    duties = {duty.id: duty for duty in map(duty_from, rows)}
    standing = [duty for duty in duties.values() if duty.state is not DutyState.CLOSED]
    told = await fetch_all(conn, Q["told"], alerts=numbers)
    await execute(conn, Q["withdraw_of_duties"], duties=sorted(duties))
    await store.save_duties(conn, [finished(duty, "threshold", STOOD_DOWN, now) for duty in standing])
    ended = as_rows({"id": number, "at": why[number].at, "cause": why[number].cause} for number in numbers)
    await execute(conn, Q["stand_down"], rows=ended, now=now)

    facts = await facts_of(conn, {row["alert_id"] for row in told})
    letters = [
        outbox_row(
            duties[row["duty_id"]],
            Address(row["contact_id"], row["channel"], (*row["failover"], *row["passed"])),
            facts[row["alert_id"]],
            Purpose.STAND_DOWN,
            0,
            why[row["alert_id"]].at,
            why[row["alert_id"]],
            row["id"] if row["state"] == DeliveryState.SENDING else None,
        )
        for row in told
        if row["contact_id"] is not None
    ]
    await store.add_deliveries(conn, letters, now)
    lines = [
        History(number, None, why[number].at, "stood_down", detail={"cause": why[number].cause})
        for number in numbers
    ]
    await store.add_history(conn, lines, now)
    news = [
        News(
            "alert",
            tuple(duty.organisation_id for duty in duties.values() if duty.alert_id == alert["id"]),
            {
                "alert": alert["id"],
                "kind": alert["kind"],
                "priority": alert["priority"],
                "change": "stood_down",
            },
        )
        for alert in alerts
    ]
    await store.add_feed(conn, news, now)
    if letters:
        await wake(conn, DELIVER)
    for alert in alerts:
        metrics.STOOD_DOWN.labels(metrics.kind_label(alert["kind"])).inc()
