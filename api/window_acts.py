"""Windows of tests and suppression: listed, opened and ended under the caller's own rights.

The API and the console act through these functions alone, so both refuse alike: 404 for a place that the
caller may not see, 403 for what they see and may not do, 409 and 422 in one sentence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from alerts import errors, service
from alerts.suppression import Why
from alerts.windows import Opening, Place
from api import home_store
from api.auth import Services, actor, require
from api.hubs import MAY
from api.paging import Page, cut, decode, encode
from api.problem import Problem, invalid, not_found
from db.caller import Caller, reading_as
from db.pool import Connection, fetch_all, fetch_one
from db.sql import Queries

_Q = Queries("api", "windows.sql")

Sort = Literal["hub", "dwelling", "resident", "scheme"]


class SuppressionOut(BaseModel):
    """A window of tests or suppression."""

    id: int
    reason: str = Field(description="test, installer_test, scheme_works, away or hospital")
    hub: str | None
    dwelling: str | None
    scheme: str | None
    time_zone: str | None = Field(description="of the place; null where nobody lives")
    from_at: datetime = Field(serialization_alias="from")
    until_at: datetime = Field(serialization_alias="until", description="it ends by itself then")
    note: str | None
    opened_by: str
    opened_at: datetime
    ended_by: str | None = Field(description="who ended it sooner than was said")


class SuppressionPage(Page):
    """Windows, the last to begin first."""

    items: list[SuppressionOut]


@dataclass(frozen=True, slots=True)
class Found:
    """A place that the caller sees, and the zone in which people there live."""

    place: Place
    time_zone: str


async def list_windows(
    here: Services, caller: Caller, *, ended: bool = False, limit: int, cursor: str | None = None
) -> SuppressionPage:
    """The windows that last or are to come; with `ended` all. Raises a 422 Problem for a bad cursor."""
    before_at, before_id = decode(cursor, datetime, int)
    async with reading_as(here.pool, caller) as conn:
        rows = await fetch_all(
            conn,
            _Q["list_windows"],
            lasts_after=None if ended else here.clock(),
            window=None,
            before_at=before_at,
            before_id=before_id,
            limit=limit + 1,
        )
    page, last = cut(rows, limit)
    return SuppressionPage(
        items=[_shown(row) for row in page], next=encode(last["from_at"], last["id"]) if last else None
    )


async def find_place(here: Services, caller: Caller, sort: Sort, name: str, what: str) -> Found:
    """Where `what` is to be done. Raises a 404 Problem for a place, and a 403 one for a role, that is not."""
    async with reading_as(here.pool, caller) as conn:
        found = await _place(conn, sort, name)
    if found is None:
        raise not_found("there is no such place, or it is not yours to see")
    require(caller, MAY, what)
    return found


async def open_window(here: Services, caller: Caller, asked: Opening) -> SuppressionOut:
    """Opens a window at a place that `find_place` found. Raises a 409 or a 422 Problem."""
    if asked.why is Why.TEST and asked.place.hub_id is None:
        raise invalid("body.hub", "a test is of one unit")
    if asked.why in (Why.AWAY, Why.HOSPITAL) and asked.place.dwelling_id is None:
        raise invalid("body.dwelling", f"'{asked.why}' is of a resident or a dwelling")
    try:
        async with here.pool.connection() as conn:
            number = await service.open_window(conn, asked, actor(caller), here.clock())
    except errors.NotAlone as refused:
        raise Problem(409, str(refused)) from None
    except errors.WindowRefused as refused:
        raise invalid("body.until", str(refused)) from None
    return await _window(here, caller, number)


async def end_window(here: Services, caller: Caller, window: int) -> SuppressionOut:
    """From now on everything is raised again. Raises a 409 Problem when the window is over already."""
    await _window(here, caller, window)
    require(caller, MAY, "ending a window")
    try:
        async with here.pool.connection() as conn:
            await service.end_window(conn, window, actor(caller), here.clock())
    except errors.WindowOver as refused:
        raise Problem(409, str(refused)) from None
    return await _window(here, caller, window)


async def _window(here: Services, caller: Caller, number: int) -> SuppressionOut:
    async with reading_as(here.pool, caller) as conn:
        row = await fetch_one(
            conn,
            _Q["list_windows"],
            lasts_after=None,
            window=number,
            before_at=None,
            before_id=None,
            limit=1,
        )
    if row is None:
        raise not_found("there is no such window, or it is not yours to see")
    return _shown(row)


async def _place(conn: Connection, sort: Sort, name: str) -> Found | None:
    """The place of that name, seen under the caller's own rights; a resident's is their dwelling."""
    if sort == "hub":
        row = await fetch_one(conn, _Q["place_of_hub"], place=name)
        return Found(Place(hub_id=name), row["time_zone"] or "UTC") if row else None
    if sort == "scheme":
        row = await fetch_one(conn, _Q["place_of_scheme"], place=name)
        return Found(Place(scheme=name), row["time_zone"]) if row else None
    home: str | None = name
    if sort == "resident":
        resident = await home_store.find_resident(conn, name)
        home = resident[1] if resident else None
    dwelling = await home_store.find_dwelling(conn, home) if home is not None else None
    return Found(Place(dwelling_id=dwelling.id), dwelling.time_zone) if dwelling else None


def _shown(row: Mapping[str, Any]) -> SuppressionOut:
    return SuppressionOut(
        id=row["id"],
        reason=row["reason"],
        hub=row["hub_id"],
        dwelling=row["dwelling_id"],
        scheme=row["scheme"],
        time_zone=row["time_zone"],
        from_at=row["from_at"],
        until_at=row["until_at"],
        note=row["note"],
        opened_by=row["created_by"],
        opened_at=row["created_at"],
        ended_by=row["ended_by"],
    )
