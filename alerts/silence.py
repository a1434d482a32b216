"""Looks at the hubs that are due (`alerts.supervision` decides), raises the silent ones, and stands them down
when they are heard again. One silence is one alert: an operator who closed it is not told of it twice."""

from collections.abc import Sequence
from datetime import datetime

from psycopg.rows import DictRow

from alerts import store
from alerts.area_alerts import end_recovered_areas
from alerts.classify import AREA_SILENT, HUB_SILENT, dedupe_key
from alerts.model import Priority
from alerts.stand_down import stand_down
from alerts.store import Q, as_rows
from alerts.supervision import Intake, Silence, Supervised, Watched, intake_state, supervise
from alerts.technical import raise_technical
from alerts.welfare import make_welfare
from alerts.wording import Correction
from db.pool import Connection, execute, fetch_all, fetch_one

Found = tuple[DictRow, Supervised]


async def watch_hubs(conn: Connection, now: datetime, limit: int, factor: float) -> int:
    """One batch of supervision; how many rows it took."""
    taken = await execute(conn, Q["watch_new_hubs"], now=now, limit=limit)
    taken += await _stand_down_heard(conn, now, limit)
    taken += await end_recovered_areas(conn, now)
    rows = await fetch_all(conn, Q["due_hubs"], now=now, limit=limit)
    if not rows:
        return taken
    intake = await _intake(conn, now)
    found = [(row, supervise(_watched(row), intake, now, factor)) for row in rows]
    looks = [{"id": row["id"], "next_check_at": seen.look_at} for row, seen in found]
    await execute(conn, Q["look_at_hubs"], rows=as_rows(looks))
    fresh = [
        (row, seen)
        for row, seen in found
        if seen.silence in (Silence.SILENT, Silence.LONG_SILENT) and not row["raised"]
    ]
    if fresh:
        await _raise(conn, fresh, now)
    long = [(row, seen) for row, seen in found if seen.silence is Silence.LONG_SILENT and row["raised"]]
    if long:
        await _make_welfare(conn, long, now)
    return taken + len(rows)


def _watched(row: DictRow) -> Watched:
    return Watched(row["id"], row["heartbeat_every"], row["last_heard_at"], row["high_risk"])


async def _intake(conn: Connection, now: datetime) -> Intake:
    row = await fetch_one(conn, Q["intake_state"])
    if row is None:
        return Intake(None, "intake has never run")
    return intake_state(**row, now=now)


async def _raise(conn: Connection, silent: Sequence[Found], now: datetime) -> None:
    homes = await store.homes_of(conn, {row["id"] for row, _ in silent})
    rows = []
    for row, seen in silent:
        home = homes[row["id"]]
        rows.append(
            {
                "kind": HUB_SILENT,
                "priority": Priority.WELFARE if seen.silence is Silence.LONG_SILENT else Priority.TECHNICAL,
                "dedupe_key": dedupe_key(row["id"], None, HUB_SILENT),
                "hub_id": row["id"],
                "device": None,
                "scheme": home.scheme,
                "dwelling_id": home.dwelling_id,
                "resident_id": home.residents[0] if len(home.residents) == 1 else None,
                "raised_at": seen.since,
                "last_press_at": None,
                "reason": f"The unit is {seen.reason}",
                "data": {},
                "press_count": 1,
            }
        )
    await raise_technical(conn, rows, homes, now, area=AREA_SILENT)


async def _make_welfare(conn: Connection, long: Sequence[Found], now: datetime) -> None:
    """A silence that has lasted for a day, or where a person at high risk lives, is a matter of welfare."""
    since = {row["id"]: seen for row, seen in long}
    alerts = await fetch_all(conn, Q["open_silences"], hubs=sorted(since))
    found = {alert["id"]: since[alert["hub_id"]] for alert in alerts}
    why = {number: (f"The unit is {seen.reason}", seen.since or now) for number, seen in found.items()}
    await make_welfare(conn, why, now)


async def _stand_down_heard(conn: Connection, now: datetime, limit: int) -> int:
    heard = {
        row["dedupe_key"]: row["heard_at"] for row in await fetch_all(conn, Q["heard_again"], limit=limit)
    }
    if not heard:
        return 0
    alerts = await fetch_all(conn, Q["open_hub_alerts"], keys=sorted(heard))
    why = {
        alert["id"]: Correction("the unit was heard again", heard[alert["dedupe_key"]]) for alert in alerts
    }
    await stand_down(conn, alerts, why, now)
    return len(alerts)
