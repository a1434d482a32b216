"""Windows of tests and suppression: opened, ended, asked for, and what they hold back kept on record."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts import metrics, store
from alerts.duties import finished
from alerts.errors import NotAlone, WindowOver, WindowTooLong
from alerts.escalate import new_duty
from alerts.model import Actor, Priority, Signal
from alerts.outcomes import SUPPRESSED
from alerts.routing import alarm_duties
from alerts.store import History, HubHome, News, as_rows
from alerts.suppression import AWAY_AT_THE_UNIT, LONGEST, Hold, Why, Window
from db.pool import Connection, execute, fetch_all, fetch_one
from db.sql import Queries

_Q = Queries("alerts", "windows.sql")

AWAY, HOME = "resident.away", "resident.home"
OVERTAKEN = timedelta(hours=1)
"""How far back a homecoming is looked for that overtook its departure: a connection's worth of disorder."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a window holds: one of the three."""

    hub_id: str | None = None
    dwelling_id: str | None = None
    scheme: str | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """A window that somebody asks for. Times are aware; it ends by itself at `until_at`."""

    why: Why
    place: Place
    from_at: datetime
    until_at: datetime
    note: str | None = None


async def open_window(conn: Connection, asked: Opening, actor: Actor, now: datetime) -> int:
    """Opens a window and returns its number.

    Raises WindowOver when it ends before it begins or is over, WindowTooLong, and NotAlone when somebody is
    to be away from a home in which others live: what they do there must still be heard.
    """
    if asked.until_at <= max(asked.from_at, now):
        raise WindowOver(asked.until_at)
    if asked.until_at - asked.from_at > LONGEST[asked.why]:
        raise WindowTooLong(LONGEST[asked.why])
    if asked.why in (Why.AWAY, Why.HOSPITAL):
        people = await fetch_all(conn, _Q["people_of_dwelling"], dwelling=asked.place.dwelling_id)
        if len(people) != 1:
            raise NotAlone(len(people))
    return await _open(conn, asked, actor, now)


async def _open(conn: Connection, asked: Opening, actor: Actor, now: datetime) -> int:
    row = await fetch_one(
        conn,
        _Q["open_window"],
        organisation=actor.organisation_id,
        reason=asked.why,
        hub=asked.place.hub_id,
        dwelling=asked.place.dwelling_id,
        scheme=asked.place.scheme,
        from_at=asked.from_at,
        until_at=asked.until_at,
        note=asked.note,
        now=now,
        by=actor.name,
    )
    if row is None:
        raise LookupError("a window was inserted and has no number")
    return int(row["id"])


async def end_window(conn: Connection, window_id: int, actor: Actor, now: datetime) -> None:
    """Ends a window sooner. Raises WindowOver when it is over already."""
    if await fetch_one(conn, _Q["end_window"], id=window_id, now=now, by=actor.name) is None:
        raise WindowOver(None)


async def windows_of(
    conn: Connection, hubs: Iterable[str], since: datetime, until: datetime
) -> dict[str, list[Window]]:
    """The windows that touch a span, for each hub that has any."""
    found: dict[str, list[Window]] = {}
    if not (wanted := sorted(set(hubs))):
        return found
    rows = await fetch_all(conn, _Q["windows_of_hubs"], hubs=wanted, since=since, until=until)
    for row in rows:
        window = Window(row["id"], Why(row["reason"]), row["from_at"], row["until_at"])
        found.setdefault(row["hub"], []).append(window)
    return found


async def record_suppressed(
    conn: Connection,
    held: Sequence[tuple[Mapping[str, Any], Hold]],
    homes: Mapping[str, HubHome],
    now: datetime,
) -> list[dict[str, Any]]:
    """Keeps what is held back: an alert for each, over at once, on the list of those who would have had it.

    `held` are rows as `raise_alerts` takes them. What the same window held back before is counted there.
    Answers with each alert's `id`, `dedupe_key` and `suppressed_by`.
    """
    rows = {
        (row["dedupe_key"], hold.window.id): {
            **row,
            "suppressed_by": hold.window.id,
            "suppressed": hold.window.words,
        }
        for row, hold in held
        if hold.window is not None
    }
    if not rows:
        return []
    folded = await fetch_all(conn, _Q["fold_suppressed"], rows=as_rows(rows.values()))
    known = {_place(row) for row in folded}
    fresh = {key: row for key, row in rows.items() if key not in known}
    if not fresh:
        return folded
    made = await fetch_all(conn, _Q["record_suppressed"], rows=as_rows(fresh.values()), now=now)
    await _close_at_once(conn, made, fresh, homes, now)
    return [*folded, *made]


def _place(alert: Mapping[str, Any]) -> tuple[str, int]:
    return alert["dedupe_key"], alert["suppressed_by"]


async def _close_at_once(
    conn: Connection,
    made: Sequence[Mapping[str, Any]],
    rows: Mapping[tuple[str, int], Mapping[str, Any]],
    homes: Mapping[str, HubHome],
    now: datetime,
) -> None:
    every_centre = await store.all_centres(conn)
    duties, lines, news = [], [], []
    for alert in made:
        row = rows[_place(alert)]
        home = homes.get(row["hub_id"])
        routing = alarm_duties(Priority(alert["priority"]), home.centres if home else (), every_centre)
        duties += [new_duty(alert["id"], owed, alert["raised_at"]) for owed in routing.duties]
        detail = {"reason": row["reason"], "suppressed": row["suppressed"]}
        lines.append(History(alert["id"], None, alert["raised_at"], "suppressed", detail=detail))
        payload = {"alert": alert["id"], "kind": alert["kind"], "priority": alert["priority"]}
        parties = tuple(owed.organisation_id for owed in routing.duties)
        news.append(News("alert", parties, {**payload, "change": "suppressed"}))
        metrics.SUPPRESSED.labels(metrics.kind_label(alert["kind"])).inc()
    opened = await store.open_duties(conn, duties)
    await store.save_duties(conn, [finished(duty, "threshold", SUPPRESSED, now) for duty in opened])
    await store.add_history(conn, lines, now)
    await store.add_feed(conn, news, now)


async def follow_residents(conn: Connection, signals: Sequence[Signal], now: datetime) -> None:
    """Away and home, as the unit's switch says it; in either order of arrival the end is the same."""
    homes = await store.homes_of(conn, {signal.hub_id for signal in signals})
    known = [(signal, home) for signal in signals if (home := homes.get(signal.hub_id)) and home.dwelling_id]
    back = [
        {"dwelling": home.dwelling_id, "at": signal.effective_at, "by": f"unit {signal.hub_id}"}
        for signal, home in known
        if signal.type == HOME
    ]
    for signal, home in known:
        if signal.type == AWAY and len(home.residents) == 1 and home.centres:
            back += await _leaves(conn, signal, home, now)
    if back:
        await execute(conn, _Q["end_absences"], rows=as_rows(back))


async def _leaves(conn: Connection, signal: Signal, home: HubHome, now: datetime) -> list[dict[str, Any]]:
    """Opens the window of somebody who left, and answers with their homecoming, if it has overtaken this."""
    at = signal.effective_at
    unit = Actor(f"unit {signal.hub_id}", home.centres[0])
    left = Opening(Why.AWAY, Place(dwelling_id=home.dwelling_id), at, at + AWAY_AT_THE_UNIT)
    await _open(conn, left, unit, now)
    rows = await fetch_all(conn, _Q["recent_homecomings"], hubs=[signal.hub_id], since=now - OVERTAKEN, at=at)
    return [{"dwelling": home.dwelling_id, "at": row["at"], "by": unit.name} for row in rows]
