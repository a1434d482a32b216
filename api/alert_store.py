"""Alerts as the API shows them. Every function reads under row security (`db.caller.reading_as`), so what the
caller may not see is not among the rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from alerts.ladder import restore
from api import model
from api.links import links_of, units_of
from api.masking import without_pins
from api.paging import cut, decode, encode
from api.wording import reason_for_landlord
from db.pool import Connection, fetch_all, fetch_one
from db.sql import Queries

_Q = Queries("api", "alerts.sql")

Row = Mapping[str, Any]
Parties = Mapping[int, Sequence[model.PartyOut]]

OPEN_MOST = 500
"""Open duties on one page: beyond that a list helps nobody, and the number is shown instead."""


async def list_alerts(
    conn: Connection,
    *,
    state: str | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    dwelling: str | None = None,
    visit: str | None = None,
    cursor: str | None = None,
    limit: int,
) -> model.AlertPage:
    """One's own share of alerts, the latest duty first."""
    before_at, before_id = decode(cursor, datetime, int)
    rows = await fetch_all(
        conn,
        _Q["list_alerts"],
        state=state,
        kind=kind,
        since=since,
        dwelling=dwelling,
        visit=visit,
        before_at=before_at,
        before_id=before_id,
        limit=limit + 1,
    )
    page, last = cut(rows, limit)
    return model.AlertPage(
        items=await _alerts(conn, page),
        next=encode(last["duty_raised_at"], last["duty_id"]) if last else None,
    )


async def open_alerts(conn: Connection, limit: int = OPEN_MOST) -> list[model.AlertOut]:
    """One's own duties that still need somebody, the most urgent first."""
    return await _alerts(conn, await fetch_all(conn, _Q["open_alerts"], limit=limit))


async def recent_alerts(
    conn: Connection, resident: str, dwelling: str, until: datetime, limit: int
) -> list[model.AlertOut]:
    """Alerts about a resident raised up to `until`, the latest first."""
    rows = await fetch_all(
        conn, _Q["recent_alerts"], resident=resident, dwelling=dwelling, until=until, limit=limit
    )
    return await _alerts(conn, rows)


async def find_alert(
    conn: Connection, *, alert: int | None = None, duty: int | None = None
) -> model.AlertOut | None:
    """An alert by its number or by that of one's own duty; None when it is not the caller's to see."""
    if duty is not None:
        rows = await fetch_all(conn, _Q["alert_of_duty"], duty=duty)
    else:
        rows = await fetch_all(conn, _Q["alert"], alert=alert)
    found = await _alerts(conn, rows)
    return found[0] if found else None


async def alert_detail(conn: Connection, alert: int, now: datetime) -> model.AlertDetail | None:
    """An alert with history, deliveries, evidence and whom to approach; None when it is not the caller's."""
    row = await fetch_one(conn, _Q["alert"], alert=alert)
    if row is None:
        return None
    (shown,) = await _alerts(conn, [row])
    history = await fetch_all(conn, _Q["alert_history"], alert=alert)
    deliveries = await fetch_all(conn, _Q["alert_deliveries"], alert=alert)
    presses = await fetch_all(conn, _Q["alert_presses"], alert=alert)
    zone = shown.dwelling.time_zone if shown.dwelling else "UTC"
    return model.AlertDetail(
        **dict(shown),
        data=without_pins(row["data"]),
        history=[model.HistoryOut(**entry) for entry in history],
        deliveries=[model.DeliveryOut(**entry) for entry in deliveries],
        evidence=[
            model.PressOut(
                hub=entry["hub_id"],
                id=entry["event_id"],
                type=entry["type"],
                at=entry["effective_at"],
                received_at=entry["received_at"],
            )
            for entry in presses
        ],
        links=await links_of(conn, alert, shown.scheme, zone, now),
        units=await units_of(conn, alert),
    )


async def _alerts(conn: Connection, rows: Sequence[Row]) -> list[model.AlertOut]:
    parties: dict[int, list[model.PartyOut]] = {}
    for other in await fetch_all(conn, _Q["parties"], alerts=[row["id"] for row in rows]) if rows else []:
        parties.setdefault(other["alert_id"], []).append(_party(other))
    return [_alert(row, parties) for row in rows]


def _alert(row: Row, parties: Parties) -> model.AlertOut:
    return model.AlertOut(
        id=row["id"],
        kind=row["kind"],
        priority=row["priority"],
        reason=row["reason"] or reason_for_landlord(row["kind"]),
        raised_at=row["raised_at"],
        noticed_at=row["noticed_at"],
        raised_late=row["raised_late"],
        press_count=row["press_count"],
        last_press_at=row["last_press_at"],
        is_test=row["is_test"],
        suppressed=row["suppressed"],
        stood_down_at=row["stood_down_at"],
        stand_down_cause=row["stand_down_cause"],
        closed_at=row["closed_at"],
        visit_ref=row["visit_ref"],
        hub=row["hub_id"],
        device=row["device"],
        scheme=row["place_scheme"],
        dwelling=dwelling_of(row, row["place_scheme"]) if row["address"] is not None else None,
        resident=(
            model.PersonOut(id=row["resident_id"], name=row["resident_name"])
            if row["resident_name"] is not None
            else None
        ),
        duty=_duty(row),
        others=list(parties.get(row["id"], ())),
    )


def _duty(row: Row) -> model.DutyOut:
    ladder = restore(row["ladder"], row["ladder_step"])
    rungs = ladder.rungs
    goes_on = row["duty_state"] == "open" and (row["step"] < len(rungs) or ladder.repeat_every is not None)
    return model.DutyOut(
        id=row["duty_id"],
        role=row["duty_role"],
        state=row["duty_state"],
        raised_at=row["duty_raised_at"],
        step=row["step"],
        steps=len(rungs),
        next_audience=rungs[min(row["step"], len(rungs) - 1)].audience if goes_on else None,
        next_step_at=row["next_check_at"],
        claimed_by=row["claimed_by"],
        claimed_at=row["claimed_at"],
        lease_until=row["lease_until"],
        acknowledged_by=row["acknowledged_by"],
        acknowledged_at=row["acknowledged_at"],
        eta=row["eta"],
        closed_by=row["duty_closed_by"],
        closed_at=row["duty_closed_at"],
        outcome=row["outcome"],
    )


def _party(party: Row) -> model.PartyOut:
    return model.PartyOut(
        organisation=model.OrganisationOut(id=party["organisation_id"], name=party["organisation_name"]),
        role=party["role"],
        state=party["state"],
        since=party["since"],
    )


def dwelling_of(row: Row, scheme: str | None) -> model.DwellingOut:
    """Where it is, from a row with a dwelling's columns."""
    return model.DwellingOut(
        id=row["dwelling_id"], address=row["address"], scheme=scheme, time_zone=row["time_zone"]
    )
