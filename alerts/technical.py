"""Alerts about units: faults that last, hubs that are silent. Raised here, or held back by a window."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from alerts import metrics, store
from alerts.escalate import new_duty, open_duties
from alerts.model import Priority
from alerts.routing import alarm_duties
from alerts.store import History, HubHome, News, Q, as_rows
from alerts.suppression import held
from alerts.windows import record_suppressed, windows_of
from db.pool import Connection, fetch_all
from db.wake import LIVE, wake


async def raise_technical(
    conn: Connection, rows: Sequence[Mapping[str, Any]], homes: Mapping[str, HubHome], now: datetime
) -> frozenset[str]:
    """Raises alerts about units for the centres that run them; one that stands open stays as it is.

    What a window of suppression holds back is recorded instead. Answers with the keys of these: what they are
    about may last longer than the window, and is then raised as of the window's end.
    """
    rows, held_back = await _not_held_back(conn, rows, homes, now)
    if rows:
        await _raise(conn, rows, homes, now)
    return held_back


async def _not_held_back(
    conn: Connection, rows: Sequence[Mapping[str, Any]], homes: Mapping[str, HubHome], now: datetime
) -> tuple[Sequence[Mapping[str, Any]], frozenset[str]]:
    windows = await windows_of(conn, homes, min(row["raised_at"] for row in rows), now)
    if not windows:
        return rows, frozenset()
    free, kept = [], []
    for row in rows:
        hold = held(row["kind"], row["priority"], row["raised_at"], windows.get(row["hub_id"], ()))
        if hold.until > now:
            # Looked at again and again while it lasts: that is no press.
            kept.append(({**row, "press_count": 0}, hold))
        else:
            free.append({**row, "raised_at": hold.until})
    await record_suppressed(conn, kept, homes, now)
    return free, frozenset(row["dedupe_key"] for row, _ in kept)


async def _raise(
    conn: Connection, rows: Sequence[Mapping[str, Any]], homes: Mapping[str, HubHome], now: datetime
) -> None:
    every_centre = await store.all_centres(conn)
    reasons = {row["dedupe_key"]: (row["reason"], row["hub_id"]) for row in rows}
    duties, lines, news = [], [], []
    for raised in await fetch_all(conn, Q["raise_alerts"], rows=as_rows(rows), now=now):
        if not raised["is_new"]:
            continue
        reason, hub = reasons[raised["dedupe_key"]]
        home = homes.get(hub)
        routing = alarm_duties(Priority(raised["priority"]), home.centres if home else (), every_centre)
        duties += [new_duty(raised["id"], owed, raised["raised_at"]) for owed in routing.duties]
        detail = {"reason": reason, "missing": list(routing.missing)}
        lines.append(History(raised["id"], None, raised["raised_at"], "raised", detail=detail))
        payload = {"alert": raised["id"], "kind": raised["kind"], "priority": raised["priority"]}
        parties = tuple(owed.organisation_id for owed in routing.duties)
        news.append(News("alert", parties, {**payload, "change": "raised"}))
        metrics.RAISED.labels(metrics.kind_label(raised["kind"])).inc()
        if not routing.duties:
            metrics.UNOWNED.labels(metrics.kind_label(raised["kind"])).inc()
    await store.add_history(conn, lines, now)
    await store.add_feed(conn, news, now)
    if news:
        await wake(conn, LIVE)
    if duties:
        await open_duties(conn, duties, now)
