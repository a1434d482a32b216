"""Whom to approach about an alert today, and which units an area alert stands for; under row security."""

from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from alerts.links import link_from_json, link_on
from db.pool import Connection, fetch_all
from db.sql import Queries

_Q = Queries("api", "links.sql")


class LinkOut(BaseModel):
    """Another organisation's link person for the scheme of an alert, as of today."""

    organisation: str
    organisation_name: str
    name: str
    phone: str | None
    email: str | None
    is_deputy: bool
    reason: str


class AreaUnitOut(BaseModel):
    """A unit that an area alert stands for."""

    hub: str
    dwelling: str | None
    address: str | None
    since: datetime
    over_at: datetime | None = Field(description="it recovered then, or has an alert of its own since")


async def links_of(
    conn: Connection, alert: int, scheme: str | None, time_zone: str, now: datetime
) -> list[LinkOut]:
    """The link persons of the other parties; to an operator, of everybody who has one for the scheme."""
    if scheme is None:
        return []
    day = now.astimezone(ZoneInfo(time_zone)).date()
    found = []
    for row in await fetch_all(conn, _Q["links_of_alert"], alert=alert, scheme=scheme):
        link = link_on(link_from_json(scheme, row["person"], row["deputy"], row["away"]), day)
        found.append(
            LinkOut(
                organisation=row["organisation_id"],
                organisation_name=row["organisation_name"],
                name=link.person.name,
                phone=link.person.phone,
                email=link.person.email,
                is_deputy=link.is_deputy,
                reason=link.reason,
            )
        )
    return found


async def units_of(conn: Connection, alert: int) -> list[AreaUnitOut]:
    """The caller's own units behind an area alert; none for any other alert."""
    return [AreaUnitOut(**row) for row in await fetch_all(conn, _Q["units_of_alert"], alert=alert)]
