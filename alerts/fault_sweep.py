"""Raises the faults that have lasted (`alerts.faults` judges), as the centre's technical alerts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from psycopg.rows import DictRow

from alerts import store
from alerts.area_alerts import Candidate, hold_in_areas
from alerts.classify import AREA_MAINS, FAULTS, dedupe_key
from alerts.faults import BATTERY_LOOK, DELAY, MAINS_FAILED, Fault, Judgement, judge
from alerts.model import Priority
from alerts.store import Q, as_rows, fault_from
from alerts.suppression import held
from alerts.technical import raise_technical
from alerts.windows import windows_of
from db.pool import Connection, execute, fetch_all


async def raise_lasting_faults(conn: Connection, now: datetime, limit: int) -> int:
    """Raises what is due, looks again later at what is not; how many rows it took."""
    rows = await fetch_all(conn, Q["due_faults"], now=now, limit=limit)
    if not rows:
        return 0
    judged = [(fault := fault_from(row), judge(fault, _share(row["battery"]), now)) for row in rows]
    together = await _without_mains(conn, rows, judged, now)
    lasting = [
        (fault, said)
        for fault, said in judged
        if said.raise_at is not None and not (fault.kind == MAINS_FAILED and fault.hub_id in together)
    ]
    held_back = await _raise(conn, lasting, now) if lasting else frozenset[str]()
    # What is held back is looked at again: it may last longer than what holds it.
    held_back |= {
        _key(fault)
        for fault, _ in judged
        if fault.kind == MAINS_FAILED and fault.failing and fault.hub_id in together
    }
    looks = {
        _key(fault): said.look_at or (now + BATTERY_LOOK if _key(fault) in held_back else None)
        for fault, said in judged
    }
    await store.save_faults(conn, [replace(fault, next_check_at=looks[_key(fault)]) for fault, _ in judged])
    return len(rows)


async def _without_mains(
    conn: Connection, rows: Sequence[DictRow], judged: Sequence[tuple[Fault, Judgement]], now: datetime
) -> frozenset[str]:
    """Hubs whose mains failed with that of many others: one alert stands for them, full batteries or not."""
    batteries = {row["hub_id"]: _share(row["battery"]) for row in rows}
    lasting = [
        Candidate(
            fault.hub_id,
            fault.failing_since,
            said.reason if said.raise_at is not None and batteries[fault.hub_id] is not None else None,
        )
        for fault, said in judged
        if fault.kind == MAINS_FAILED
        and fault.failing_since is not None
        and fault.received_at is not None
        and fault.received_at + DELAY <= now
    ]
    if not lasting:
        return frozenset()
    windows = await windows_of(conn, [each.hub_id for each in lasting], now, now)
    wanted = [
        each
        for each in lasting
        if held(MAINS_FAILED, Priority.TECHNICAL, now, windows.get(each.hub_id, ())).window is None
    ]
    return await hold_in_areas(conn, AREA_MAINS, wanted, now)


def _key(fault: Fault) -> str:
    return dedupe_key(fault.hub_id, fault.device, fault.kind)


def _share(battery: object) -> float | None:
    """The unit's word on its battery, when it is a share of one."""
    if isinstance(battery, bool) or not isinstance(battery, int | float):
        return None
    return float(battery) if 0 <= battery <= 1 else None


async def _raise(
    conn: Connection, lasting: Sequence[tuple[Fault, Judgement]], now: datetime
) -> frozenset[str]:
    """Raises them, and answers with the keys of those that are held back."""
    homes = await store.homes_of(conn, {fault.hub_id for fault, _ in lasting})
    rows = []
    for fault, judgement in lasting:
        home = homes.get(fault.hub_id)
        rows.append(
            {
                "kind": fault.kind,
                "priority": Priority.TECHNICAL,
                "dedupe_key": _key(fault),
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
    held_back = await raise_technical(conn, rows, homes, now)
    evidence = [
        {
            "dedupe_key": _key(fault),
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
    return held_back
