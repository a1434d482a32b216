"""Alerts of visits: raised and stood down as care decides (domain/visits.md §7), many in a few statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts import metrics, store
from alerts.escalate import new_duty, open_duties
from alerts.model import Priority, VisitAlert, visit_key
from alerts.routing import visit_duties
from alerts.stand_down import stand_down
from alerts.store import History, News, Q, as_rows
from alerts.wording import Correction
from db.pool import Connection, fetch_all


@dataclass(frozen=True, slots=True)
class StandDown:
    """What care takes back: the alert by what it was raised with. `at`: receipt of the deciding evidence."""

    visit_ref: str
    kind: str
    raised_at: datetime
    at: datetime
    cause: str

    @property
    def dedupe_key(self) -> str:
        """The key under which the alert was raised."""
        return visit_key(self.visit_ref, self.kind, self.raised_at)


async def raise_visit_alerts(
    conn: Connection, alerts: Sequence[VisitAlert], now: datetime
) -> list[int | None]:
    """Raises each alert with the duties of its kind, and takes the steps that are due by `now`.

    Answers with the alerts' numbers in order; None for one that was raised before, open or closed since.
    """
    if not alerts:
        return []
    wanted = {alert.dedupe_key: alert for alert in alerts}
    rows = [_row(key, alert) for key, alert in wanted.items()]
    raised = await fetch_all(conn, Q["raise_visit_alerts"], rows=as_rows(rows), now=now)
    duties, lines, news = [], [], []
    for row in raised:
        alert = wanted[row["dedupe_key"]]
        routing = visit_duties(alert)
        duties += [new_duty(row["id"], owed, alert.raised_at) for owed in routing.duties]
        detail = {"reason": alert.reason, "missing": list(routing.missing)}
        lines.append(History(row["id"], None, alert.raised_at, "raised", detail=detail))
        parties = tuple(owed.organisation_id for owed in routing.duties)
        payload = {"alert": row["id"], "kind": alert.kind, "priority": row["priority"], "change": "raised"}
        news.append(News("alert", parties, payload))
        metrics.RAISED.labels(metrics.kind_label(alert.kind)).inc()
        if not routing.duties:
            metrics.UNOWNED.labels(metrics.kind_label(alert.kind)).inc()
    await store.add_history(conn, lines, now)
    await store.add_feed(conn, news, now)
    if duties:
        await open_duties(conn, duties, now)
    numbers: dict[str, int] = {row["dedupe_key"]: row["id"] for row in raised}
    return [numbers.get(alert.dedupe_key) for alert in alerts]


async def stand_down_visit_alerts(conn: Connection, ended: Sequence[StandDown], now: datetime) -> None:
    """Stands down the alerts that are not stood down yet; what was never raised, or twice, is nothing."""
    if not ended:
        return
    by_key = {item.dedupe_key: item for item in ended}
    alerts = await fetch_all(conn, Q["open_visit_alerts"], keys=sorted(by_key))
    why = {
        alert["id"]: Correction(by_key[alert["dedupe_key"]].cause, by_key[alert["dedupe_key"]].at)
        for alert in alerts
    }
    await stand_down(conn, alerts, why, now)


def _row(key: str, alert: VisitAlert) -> dict[str, Any]:
    return {
        "kind": alert.kind,
        "priority": Priority.WELFARE,
        "dedupe_key": key,
        "visit_ref": alert.visit_ref,
        "dwelling_id": alert.dwelling_id,
        "resident_id": alert.resident_id,
        "raised_at": alert.raised_at,
        "raised_late": alert.raised_late,
        "reason": alert.reason,
        "data": {
            "tier": alert.tier,
            "visit_start": alert.visit_start,
            "provider": alert.provider_id,
            "monitoring_centre": alert.monitoring_centre_id,
        },
    }
