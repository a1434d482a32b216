"""Rows as the API shows them. Every function reads under row security (`db.caller.reading_as`), so what the
caller may not see is not among the rows."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from alerts.ladder import restore
from api import model
from api.masking import without_pins
from api.paging import cut, decode, encode
from api.wording import reason_for_landlord
from db.pool import Connection, fetch_all, fetch_one
from db.sql import Queries

_ALERTS = Queries("api", "alerts.sql")
_VISITS = Queries("api", "visits.sql")

Row = Mapping[str, Any]

OPEN_MOST = 500
"""Open duties on one page: beyond that a list helps nobody, and the number is shown instead."""


# --- alerts ---------------------------------------------------------------------------------------


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
        _ALERTS["list_alerts"],
        state=state,
        kind=kind,
        since=since,
        dwelling=dwelling,
        visit=visit,
        resident=None,
        before_at=before_at,
        before_id=before_id,
        limit=limit + 1,
    )
    page, last = cut(rows, limit)
    return model.AlertPage(
        items=[alert_of(row) for row in page],
        next=encode(last["duty_raised_at"], last["duty_id"]) if last else None,
    )


async def open_alerts(conn: Connection, limit: int = OPEN_MOST) -> list[model.AlertOut]:
    """One's own duties that still need somebody, the most urgent first."""
    return [alert_of(row) for row in await fetch_all(conn, _ALERTS["open_alerts"], limit=limit)]


async def recent_alerts(conn: Connection, resident: str, until: datetime, limit: int) -> list[model.AlertOut]:
    """Alerts about a resident raised up to `until`, the latest first."""
    rows = await fetch_all(conn, _ALERTS["recent_alerts"], resident=resident, until=until, limit=limit)
    return [alert_of(row) for row in rows]


async def find_alert(
    conn: Connection, *, alert: int | None = None, duty: int | None = None
) -> model.AlertOut | None:
    """An alert by its number or by that of one's own duty; None when it is not the caller's to see."""
    row = await fetch_one(conn, _ALERTS["get_alert"], alert=alert, duty=duty)
    return None if row is None else alert_of(row)


async def alert_detail(conn: Connection, alert: int) -> model.AlertDetail | None:
    """An alert with history, deliveries and evidence; None when it is not the caller's to see."""
    row = await fetch_one(conn, _ALERTS["get_alert"], alert=alert, duty=None)
    if row is None:
        return None
    history = await fetch_all(conn, _ALERTS["alert_history"], alert=alert)
    deliveries = await fetch_all(conn, _ALERTS["alert_deliveries"], alert=alert)
    presses = await fetch_all(conn, _ALERTS["alert_presses"], alert=alert)
    return model.AlertDetail(
        **dict(alert_of(row)),
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
    )


def alert_of(row: Row) -> model.AlertOut:
    """An alert as the view `shown_alert` gives it."""
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
        stood_down_at=row["stood_down_at"],
        stand_down_cause=row["stand_down_cause"],
        closed_at=row["closed_at"],
        visit_ref=row["visit_ref"],
        hub=row["hub_id"],
        device=row["device"],
        scheme=row["place_scheme"],
        dwelling=_dwelling(row, row["place_scheme"]) if row["address"] is not None else None,
        resident=(
            model.PersonOut(id=row["resident_id"], name=row["resident_name"])
            if row["resident_name"] is not None
            else None
        ),
        duty=_duty(row),
        others=[_party(party) for party in row["others"]],
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
        organisation=model.OrganisationOut(id=party["organisation"], name=party["name"]),
        role=party["role"],
        state=party["state"],
        since=party["since"],
    )


def _dwelling(row: Row, scheme: str | None) -> model.DwellingOut:
    return model.DwellingOut(
        id=row["dwelling_id"], address=row["address"], scheme=scheme, time_zone=row["time_zone"]
    )


# --- visits ---------------------------------------------------------------------------------------


async def list_visits(
    conn: Connection,
    *,
    on: date | None = None,
    state: str | None = None,
    package: str | None = None,
    cursor: str | None = None,
    limit: int,
) -> model.VisitPage:
    """Visits in order of their planned start."""
    after_at, after_ref = decode(cursor, datetime, str)
    rows = await fetch_all(
        conn,
        _VISITS["list_visits"],
        date=on,
        state=state,
        package=package,
        after_at=after_at,
        after_ref=after_ref,
        limit=limit + 1,
    )
    page, last = cut(rows, limit)
    return model.VisitPage(
        items=[visit_of(row) for row in page],
        next=encode(last["start_at"], last["ref"]) if last else None,
    )


async def recent_visits(conn: Connection, resident: str, until: datetime, limit: int) -> list[model.VisitOut]:
    """A resident's visits that began up to `until`, the latest first."""
    rows = await fetch_all(conn, _VISITS["recent_visits"], resident=resident, until=until, limit=limit)
    return [visit_of(row) for row in rows]


async def visits_between(
    conn: Connection, since: datetime, until: datetime, limit: int
) -> list[model.VisitOut]:
    """Visits that start in [since, until), the earliest first."""
    rows = await fetch_all(conn, _VISITS["visits_between"], since=since, until=until, limit=limit)
    return [visit_of(row) for row in rows]


async def find_visit(conn: Connection, ref: str) -> model.VisitOut | None:
    """A visit; None when it is not the caller's to see."""
    row = await fetch_one(conn, _VISITS["get_visit"], ref=ref)
    return None if row is None else visit_of(row)


async def visit_detail(conn: Connection, ref: str) -> model.VisitDetail | None:
    """A visit with evidence, versions of its verdict, adjustments and alerts; None when not to be seen."""
    visit = await find_visit(conn, ref)
    if visit is None:
        return None
    verdicts = await fetch_all(conn, _VISITS["visit_verdicts"], ref=ref)
    evidence = await fetch_all(conn, _VISITS["visit_evidence"], ref=ref)
    adjustments = await fetch_all(conn, _VISITS["visit_adjustments"], ref=ref)
    alerts = await list_alerts(conn, visit=ref, limit=50)
    return model.VisitDetail(
        **dict(visit),
        verdicts=[model.VerdictOut(**{**row, "carers": row["carers_came"]}) for row in verdicts],
        evidence=[_evidence(row) for row in evidence],
        adjustments=[
            model.AdjustmentOut(**{**row, "by": row["by_name"], "organisation": row["organisation_name"]})
            for row in adjustments
        ],
        alerts=alerts.items,
    )


def visit_of(row: Row) -> model.VisitOut:
    """A visit as the view `shown_visit` gives it."""
    return model.VisitOut(
        ref=row["ref"],
        package=row["package_id"],
        resident=model.PersonOut(id=row["resident_id"], name=row["resident_name"]),
        dwelling=_dwelling(row, row["scheme"]),
        provider=model.OrganisationOut(id=row["provider_id"], name=row["provider_name"]),
        tier=row["tier"],
        service_date=row["service_date"],
        start=row["start_at"],
        end=row["end_at"],
        carers_required=row["carers_required"],
        carers=row["carers_planned"],
        plan=row["plan"],
        state=row["state"],
        attendance=row["attendance"],
        timeliness=row["timeliness"],
        duration=row["duration"],
        verification=row["verification"],
        arrived_at=row["arrived_at"],
        departed_at=row["departed_at"],
        carers_seen=row["carers_came"],
        reason=row["reason"],
        version=row["version"],
    )


def _evidence(row: Row) -> model.EvidenceOut:
    return model.EvidenceOut(
        hub=row["hub_id"],
        id=row["event_id"],
        type=row["type"],
        strength=row["strength"],
        carer=(
            model.PersonOut(id=row["carer_id"], name=row["carer_name"] or row["carer_id"])
            if row["carer_id"] is not None
            else None
        ),
        at=row["effective_at"],
        received_at=row["received_at"],
    )
