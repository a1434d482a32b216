"""Raises the faults that have lasted (`alerts.faults` judges), as the centre's technical alerts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from psycopg.rows import DictRow

from alerts import metrics, store
from alerts.classify import FAULTS, dedupe_key
from alerts.escalate import new_duty, open_duties
from alerts.faults import Fault, Judgement, judge
from alerts.model import Priority
from alerts.routing import alarm_duties
from alerts.store import History, News, Q, as_rows, fault_from
from db.pool import Connection, execute, fetch_all
from db.wake import LIVE, wake


async def raise_lasting_faults(conn: Connection, now: datetime, limit: int) -> int:
    """Raises what is due, looks again later at what is not; how many rows it took."""
    rows = await fetch_all(conn, Q["due_faults"], now=now, limit=limit)
    if not rows:
        return 0
    lasting: list[tuple[Fault, Judgement]] = []
    after = []
    for row in rows:
        fault = fault_from(row)
        judgement = judge(fault, _share(row["battery"]), now)
        after.append(replace(fault, next_check_at=judgement.look_at))
        if judgement.raise_at is not None:
            lasting.append((fault, judgement))
    await store.save_faults(conn, after)
    if lasting:
        await _raise(conn, lasting, now)
    return len(rows)


def _share(battery: object) -> float | None:
    """The unit's word on its battery, when it is a share of one."""
    if isinstance(battery, bool) or not isinstance(battery, int | float):
        return None
    return float(battery) if 0 <= battery <= 1 else None


async def _raise(conn: Connection, lasting: Sequence[tuple[Fault, Judgement]], now: datetime) -> None:
    homes = await store.homes_of(conn, {fault.hub_id for fault, _ in lasting})
    rows = []
    for fault, judgement in lasting:
        home = homes.get(fault.hub_id)
        rows.append(
            {
                "kind": fault.kind,
                "priority": Priority.TECHNICAL,
                "dedupe_key": dedupe_key(fault.hub_id, fault.device, fault.kind),
                "hub_id": fault.hub_id,
                "device": fault.device or None,
                "scheme": home.scheme if home else None,
                "dwelling_id": home.dwelling_id if home else None,
                "resident_id": home.residents[0] if home and len(home.residents) == 1 else None,
                "raised_at": judgement.raise_at,
                "last_press_at": fault.last_failed_at,
                "reason": f"{FAULTS.get(fault.kind, 'A device reports a fault')}, {judgement.reason}",
                "data": {"failing_since": fault.failing_since},
                "press_count": 1,
            }
        )
    await raise_technical(conn, rows, {hub: home.centres for hub, home in homes.items()}, now)
    evidence = [
        {
            "dedupe_key": dedupe_key(fault.hub_id, fault.device, fault.kind),
            "hub_id": fault.hub_id,
            "event_id": fault.event_id,
            "type": fault.kind,
            "effective_at": fault.failing_since,
            "received_at": fault.received_at,
        }
        for fault, _ in lasting
        if fault.event_id is not None
    ]
    await execute(conn, Q["add_events_by_key"], rows=as_rows(evidence))


async def raise_technical(
    conn: Connection, rows: Sequence[DictRow], centres: dict[str, tuple[str, ...]], now: datetime
) -> None:
    """Raises alerts about units for the centres that run them; one that stands open stays as it is."""
    every_centre = await store.all_centres(conn)
    reasons = {row["dedupe_key"]: (row["reason"], row["hub_id"]) for row in rows}
    duties, lines, news = [], [], []
    for raised in await fetch_all(conn, Q["raise_alerts"], rows=as_rows(rows), now=now):
        if not raised["is_new"]:
            continue
        reason, hub = reasons[raised["dedupe_key"]]
        routing = alarm_duties(Priority(raised["priority"]), centres.get(hub, ()), every_centre)
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
