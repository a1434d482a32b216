"""Loads what messages about alerts are written from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import DictRow

from alerts.classify import AREA_MAINS, AREA_SILENT
from alerts.model import DutyState, Role
from alerts.store import Q
from alerts.wording import Facts, Party, Place, VisitFacts
from db.pool import Connection, fetch_all


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """The facts of an alert, and what only we need to know of it."""

    facts: Facts
    monitoring_centre: str | None

    @property
    def organisations(self) -> tuple[str, ...]:
        """Everybody with a duty in it."""
        return tuple(party.organisation_id for party in self.facts.parties)


async def facts_of(conn: Connection, alerts: Iterable[int]) -> dict[int, AlertFacts]:
    """The facts of each alert, as they stand in this transaction."""
    wanted = sorted(set(alerts))
    if not wanted:
        return {}
    rows = await fetch_all(conn, Q["alert_facts"], alerts=wanted)
    visits = sorted({row["visit_ref"] for row in rows if row["visit_ref"]})
    seen: dict[str, list[tuple[str, datetime]]] = {}
    if visits:
        for row in await fetch_all(conn, Q["carers_seen"], visits=visits):
            seen.setdefault(row["visit_ref"], []).append((row["name"], row["at"]))
    return {row["id"]: _facts(row, seen.get(row["visit_ref"], [])) for row in rows}


def _facts(row: DictRow, seen: list[tuple[str, datetime]]) -> AlertFacts:
    data = row["data"]
    visit = None
    if row["visit_ref"] is not None:
        planned = row["planned_start"] or datetime.fromisoformat(data["visit_start"])
        visit = VisitFacts(row["visit_ref"], planned, tuple(row["carers"] or ()), tuple(seen))
    elsewhere = "several places" if row["kind"] in (AREA_MAINS, AREA_SILENT) else "Threshold"
    unit = f"unit {row['hub_id']}" if row["hub_id"] else elsewhere
    place = row["address"] or row["scheme"] or unit
    return AlertFacts(
        Facts(
            alert_id=row["id"],
            kind=row["kind"],
            priority=row["priority"],
            raised_at=row["raised_at"],
            place=Place(place, row["time_zone"] or "UTC"),
            parties=tuple(_party(party) for party in row["parties"] or ()),
            tier=data.get("tier"),
            visit=visit,
            hub_id=row["hub_id"],
            presses=row["press_count"],
            is_test=row["is_test"],
            raised_late=row["raised_late"],
        ),
        data.get("monitoring_centre"),
    )


def _party(row: dict[str, str | None]) -> Party:
    answered = row["answered_at"]
    return Party(
        str(row["organisation_id"]),
        str(row["name"]),
        Role(str(row["role"])),
        DutyState(str(row["state"])),
        datetime.fromisoformat(answered) if answered else None,
    )
