"""One alert for many units that failed together (`alerts.areas` decides); meanwhile their own are held.

A unit that an area stands for has no alert of its own. When no more than the rule's share is still down, the
area is stood down and the units that are left are raised each for itself. Where a person at risk is behind
one, or it lasts for a day, the area alert is a matter of welfare; if somebody has closed it by then, the unit
is raised for itself. Nothing here touches what a person pressed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import DictRow

from alerts import store
from alerts.areas import TOGETHER, Area, Sizes, Unit, areas, too_many
from alerts.classify import AREA_MAINS, AREA_SILENT, dedupe_key
from alerts.faults import BATTERY_LOOK
from alerts.model import Priority
from alerts.raising import raise_for
from alerts.stand_down import stand_down
from alerts.store import Q, as_rows
from alerts.welfare import make_welfare
from alerts.wording import Correction
from db.pool import Connection, execute, fetch_all
from db.sql import Queries

_Q = Queries("alerts", "areas.sql")

_DOWN = {AREA_SILENT: "silent_hubs", AREA_MAINS: "hubs_without_mains"}
_WORDS = {AREA_SILENT: "have fallen silent", AREA_MAINS: "have no mains supply"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit that is down. `urgent`: in words why it is a matter of welfare; None: it is a technical one."""

    hub_id: str
    since: datetime
    urgent: str | None = None


async def hold_in_areas(
    conn: Connection, kind: str, candidates: Sequence[Candidate], now: datetime
) -> frozenset[str]:
    """Which of these hubs an area stands for, an open one or one that is raised here; the others are for
    themselves. `kind`: AREA_SILENT or AREA_MAINS."""
    if not candidates:
        return frozenset()
    await execute(conn, _Q["lock_areas"])
    wanted = {each.hub_id: each for each in candidates}
    found = await fetch_all(conn, _Q["held_in_areas"], hubs=sorted(wanted), kind=kind)
    # Somebody has closed the area and one of its units has become urgent since: it is for itself.
    forgotten = {row["hub_id"] for row in found if wanted[row["hub_id"]].urgent and not row["is_open"]}
    if forgotten:
        await execute(conn, _Q["release_hubs"], hubs=sorted(forgotten), kind=kind, now=now)
    member_of = {row["hub_id"]: row["alert_id"] for row in found if row["hub_id"] not in forgotten}
    free = [each for each in candidates if each.hub_id not in member_of and each.hub_id not in forgotten]
    member_of |= await _join(conn, kind, free, now)
    urgent = {
        alert: (f"{wanted[hub].urgent}, in a larger outage", now)
        for hub, alert in member_of.items()
        if wanted[hub].urgent
    }
    if urgent:
        technical = await fetch_all(conn, _Q["open_areas"], kind=kind)
        still = {row["id"] for row in technical if row["priority"] == Priority.TECHNICAL}
        await make_welfare(conn, {alert: why for alert, why in urgent.items() if alert in still}, now)
    return frozenset(member_of)


async def _join(conn: Connection, kind: str, free: Sequence[Candidate], now: datetime) -> dict[str, int]:
    """The units that join an open area, or that make a new one with others."""
    if not free:
        return {}
    schemes = {
        row["id"]: row["scheme"]
        for row in await fetch_all(conn, _Q["schemes_of_hubs"], hubs=[each.hub_id for each in free])
    }
    standing = {row["scheme"]: row["id"] for row in await fetch_all(conn, _Q["open_areas"], kind=kind)}
    joined: dict[str, int] = {}
    for each in free:
        alert = standing.get(schemes.get(each.hub_id)) or standing.get(None)
        if alert is not None:
            joined[each.hub_id] = alert
    since = {each.hub_id: each.since for each in free}
    await _hold(conn, {hub: (alert, since[hub]) for hub, alert in joined.items()})
    alone = [each for each in free if each.hub_id not in joined]
    if alone:
        joined |= await _new_areas(conn, kind, alone, schemes, now)
    return joined


async def _new_areas(
    conn: Connection, kind: str, alone: Sequence[Candidate], schemes: Mapping[str, str | None], now: datetime
) -> dict[str, int]:
    earliest = min(each.since for each in alone) - TOGETHER
    rows = {row["id"]: row for row in await fetch_all(conn, _Q[_DOWN[kind]], since=earliest)}
    units = {each.hub_id: Unit(each.hub_id, schemes.get(each.hub_id), each.since) for each in alone} | {
        hub: Unit(hub, row["scheme"], row["since"]) for hub, row in rows.items()
    }
    raised = areas(list(units.values()), await _sizes(conn))
    held: dict[str, int] = {}
    for area in raised:
        alert = await _raise(conn, kind, area, now)
        await _hold(conn, {unit.hub_id: (alert, unit.since) for unit in area.units})
        held |= dict.fromkeys((unit.hub_id for unit in area.units), alert)
        taken_over = [rows[unit.hub_id] for unit in area.units if unit.hub_id in rows]
        await _take_over(conn, kind, taken_over, area, now)
    asked = {each.hub_id for each in alone}
    return {hub: alert for hub, alert in held.items() if hub in asked}


async def _sizes(conn: Connection) -> Sizes:
    rows = await fetch_all(conn, _Q["hubs_in_service"])
    of_scheme = {row["scheme"]: row["hubs"] for row in rows if row["scheme"] is not None}
    return Sizes(of_scheme, sum(row["hubs"] for row in rows))


async def _raise(conn: Connection, kind: str, area: Area, now: datetime) -> int:
    homes = await store.homes_of(conn, [unit.hub_id for unit in area.units])
    key = dedupe_key("", area.scheme, kind)
    row = {
        "kind": kind,
        "priority": Priority.TECHNICAL,
        "dedupe_key": key,
        "hub_id": None,
        "device": None,
        "scheme": area.scheme,
        "dwelling_id": None,
        "resident_id": None,
        "raised_at": area.since,
        "last_press_at": None,
        "reason": f"{area.reason} {_WORDS[kind]}",
        "data": {"units": len(area.units)},
        "press_count": 1,
    }
    centres = dict.fromkeys(centre for home in homes.values() for centre in home.centres)
    return (await raise_for(conn, [row], {key: tuple(centres)}, now))[key]


async def _hold(conn: Connection, units: Mapping[str, tuple[int, datetime]]) -> None:
    rows = [{"alert_id": alert, "hub_id": hub, "since": since} for hub, (alert, since) in units.items()]
    if rows:
        await execute(conn, _Q["hold_in_area"], rows=as_rows(rows))


async def _take_over(
    conn: Connection, kind: str, units: Sequence[DictRow], area: Area, now: datetime
) -> None:
    """Those that were raised each for itself before there were enough of them: one alert is enough."""
    keys = sorted(row["dedupe_key"] for row in units if row["dedupe_key"] is not None)
    alerts = await fetch_all(conn, Q["open_hub_alerts"], keys=keys) if keys else []
    cause = f"one of many, and answered as one: {area.reason} {_WORDS[kind]}"
    await stand_down(conn, alerts, {alert["id"]: Correction(cause, now) for alert in alerts}, now)
    if kind == AREA_MAINS and alerts:
        # In case the area recovers and they do not. Intake locks faults before alerts: none is waited for.
        hubs = sorted(alert["hub_id"] for alert in alerts)
        await execute(conn, _Q["look_at_mains_again"], hubs=hubs, at=now + BATTERY_LOOK)


async def end_recovered_areas(conn: Connection, now: datetime) -> int:
    """Follows the units of areas that are well again; how many.

    An area with no more than the rule's share left is over, and what is left of it is for itself.
    """
    recovered = await fetch_all(conn, _Q["recovered_hubs"], now=now)
    if not recovered:
        return 0
    await execute(conn, _Q["lock_areas"])
    sizes = await _sizes(conn)
    numbers = sorted({row["alert_id"] for row in recovered})
    rows = await fetch_all(conn, _Q["areas_left"], alerts=numbers)
    over = [row for row in rows if not too_many(row["remaining"], row["scheme"], sizes)]
    left = await fetch_all(conn, _Q["release_area"], alerts=[row["id"] for row in over], now=now)
    await execute(conn, _Q["look_at_mains_left"], hubs=[row["hub_id"] for row in left], at=now)
    standing = [row for row in over if row["closed_at"] is None]
    why = {
        row["id"]: Correction(f"{row['remaining']} of {row['units']} units are still down", now)
        for row in standing
    }
    await stand_down(conn, standing, why, now)
    return len(recovered)
