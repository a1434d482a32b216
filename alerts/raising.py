"""Raises alerts that are about units and places, for the centres that answer for them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from alerts import metrics, store
from alerts.escalate import new_duty, open_duties
from alerts.model import Priority
from alerts.routing import alarm_duties
from alerts.store import History, News, Q, as_rows
from db.pool import Connection, fetch_all


async def raise_for(
    conn: Connection, rows: Sequence[Mapping[str, Any]], centres: Mapping[str, tuple[str, ...]], now: datetime
) -> dict[str, int]:
    """Raises what nothing holds back, for the `centres` of each key; answers with alerts' numbers by key."""
    every_centre = await store.all_centres(conn)
    reasons = {row["dedupe_key"]: row["reason"] for row in rows}
    found = await fetch_all(conn, Q["raise_alerts"], rows=as_rows(rows), now=now)
    duties, lines, news = [], [], []
    for raised in found:
        if not raised["is_new"]:
            continue
        key = raised["dedupe_key"]
        routing = alarm_duties(Priority(raised["priority"]), centres.get(key, ()), every_centre)
        duties += [new_duty(raised["id"], owed, raised["raised_at"]) for owed in routing.duties]
        detail = {"reason": reasons[key], "missing": list(routing.missing)}
        lines.append(History(raised["id"], None, raised["raised_at"], "raised", detail=detail))
        payload = {"alert": raised["id"], "kind": raised["kind"], "priority": raised["priority"]}
        parties = tuple(owed.organisation_id for owed in routing.duties)
        news.append(News("alert", parties, {**payload, "change": "raised"}))
        metrics.RAISED.labels(metrics.kind_label(raised["kind"])).inc()
        if not routing.duties:
            metrics.UNOWNED.labels(metrics.kind_label(raised["kind"])).inc()
    await store.add_history(conn, lines, now)
    await store.add_feed(conn, news, now)
    if duties:
        await open_duties(conn, duties, now)
    return {raised["dedupe_key"]: raised["id"] for raised in found}
