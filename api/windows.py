"""`/api/v1/suppressions` and test windows of hubs: times in which alarms tell nobody, or are marked as tests.

Times are RFC 3339, or wall times of the place (`from_local`, `until_local`), because that is how works, tests
and absences are agreed. Every window ends by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from alerts import errors, service
from alerts.suppression import Why
from alerts.windows import Place
from api import home_store, problem
from api.auth import Here, Services, SignedIn, actor, require
from api.hubs import MAY, MAY_SEE, HubId
from api.inputs import Identifier, Moment, Text
from api.paging import After, Limit, Page, cut, decode, encode
from care.notation import parse_day, parse_wall
from care.walltime import resolve
from db.caller import Caller, reading_as
from db.pool import Connection, fetch_all, fetch_one
from db.sql import Queries

router = APIRouter(tags=["suppressions"])
_Q = Queries("api", "windows.sql")
_REFUSALS = problem.described(401, 403, 404, 409, 422, 503)


def _wall(value: str) -> str:
    parse_day(value[:10])
    parse_wall(value[11:])
    return value


Wall = Annotated[str, StringConstraints(pattern=r"^.{10}T.{5}$"), AfterValidator(_wall)]


class SuppressionIn(BaseModel):
    """What is held back where, from when until when. Name one place, and each end once."""

    reason: Literal["installer_test", "scheme_works", "away", "hospital"]
    hub: Identifier | None = None
    dwelling: Identifier | None = None
    resident: Identifier | None = Field(None, description="their dwelling is meant")
    scheme: Identifier | None = None
    from_at: Moment | None = Field(None, alias="from", description="left out: from now on")
    until_at: Moment | None = Field(None, alias="until")
    from_local: Wall | None = Field(None, description="the same in the place's own wall time")
    until_local: Wall | None = None
    note: Text | None = None


class TestWindowIn(BaseModel):
    """An engineer is about to try this unit."""

    minutes: int = Field(60, ge=1, le=480)
    note: Text | None = None


class SuppressionOut(BaseModel):
    """A window of tests or suppression."""

    id: int
    reason: str = Field(description="test, installer_test, scheme_works, away or hospital")
    hub: str | None
    dwelling: str | None
    scheme: str | None
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
class _Found:
    place: Place
    time_zone: str


@router.get("/suppressions", summary="Windows of tests and suppression", responses=_REFUSALS)
async def list_suppressions(
    here: Here, caller: SignedIn, ended: bool = False, limit: Limit = 50, cursor: After = None
) -> SuppressionPage:
    """Operators, engineers and administrators: those that last or are to come; with `ended` all."""
    require(caller, MAY_SEE, "reading suppressions")
    before_at, before_id = decode(cursor, datetime, int)
    ends_after = here.clock() - (timedelta(days=3650) if ended else timedelta(0))
    async with reading_as(here.pool, caller) as conn:
        rows = await fetch_all(
            conn,
            _Q["list_windows"],
            ends_after=ends_after,
            before_at=before_at,
            before_id=before_id,
            limit=limit + 1,
        )
    page, last = cut(rows, limit)
    return SuppressionPage(
        items=[_shown(row) for row in page], next=encode(last["from_at"], last["id"]) if last else None
    )


@router.post("/suppressions", status_code=201, summary="Hold alarms back", responses=_REFUSALS)
async def suppress(here: Here, caller: SignedIn, body: SuppressionIn) -> SuppressionOut:
    """Operators and engineers. Held back is still recorded; no press, fall or fire is ever held back."""
    async with reading_as(here.pool, caller) as conn:
        found = await _place(conn, body)
    require(caller, MAY, "holding alarms back")
    if body.reason in ("away", "hospital") and found.place.dwelling_id is None:
        raise problem.invalid("body.dwelling", f"'{body.reason}' is of a resident or a dwelling")
    now = here.clock()
    begins = _end("from", body.from_at, body.from_local, found.time_zone) or now
    ends = _end("until", body.until_at, body.until_local, found.time_zone)
    if ends is None:
        raise problem.invalid("body.until", "say when it ends, as 'until' or as 'until_local'")
    return await _open(here, caller, Why(body.reason), found.place, (begins, ends), body.note)


@router.post("/hubs/{hub}/test-window", status_code=201, summary="Open a test window", responses=_REFUSALS)
async def open_test_window(
    here: Here, caller: SignedIn, hub: HubId, body: TestWindowIn | None = None
) -> SuppressionOut:
    """Operators and engineers: what is pressed within it is marked as a test, and still shown."""
    async with reading_as(here.pool, caller) as conn:
        if await fetch_one(conn, _Q["place_of_hub"], place=hub) is None:
            raise problem.not_found("there is no such hub, or it is not yours to see")
    require(caller, MAY, "opening a test window")
    said, now = body or TestWindowIn(minutes=60), here.clock()
    span = (now, now + timedelta(minutes=said.minutes))
    return await _open(here, caller, Why.TEST, Place(hub_id=hub), span, said.note)


@router.post("/suppressions/{suppression}/end", summary="End a window", responses=_REFUSALS)
async def end_suppression(
    here: Here, caller: SignedIn, suppression: Annotated[int, Path(ge=1, lt=2**63)]
) -> SuppressionOut:
    """Operators and engineers: from now on everything is raised again. 409 when it is over already."""
    await _window(here, caller, suppression)
    require(caller, MAY, "ending a window")
    try:
        async with here.pool.connection() as conn:
            await service.end_window(conn, suppression, actor(caller), here.clock())
    except errors.WindowOver as refused:
        raise problem.Problem(409, str(refused)) from None
    return await _window(here, caller, suppression)


async def _open(
    here: Services, caller: Caller, why: Why, place: Place, span: tuple[datetime, datetime], note: str | None
) -> SuppressionOut:
    try:
        async with here.pool.connection() as conn:
            number = await service.open_window(conn, actor(caller), why, place, *span, note, here.clock())
    except errors.NotAlone as refused:
        raise problem.Problem(409, str(refused)) from None
    except errors.WindowRefused as refused:
        raise problem.invalid("body.until", str(refused)) from None
    return await _window(here, caller, number)


async def _window(here: Services, caller: Caller, number: int) -> SuppressionOut:
    async with reading_as(here.pool, caller) as conn:
        row = await fetch_one(conn, _Q["window"], window=number)
    if row is None:
        raise problem.not_found("there is no such window, or it is not yours to see")
    return _shown(row)


async def _place(conn: Connection, body: SuppressionIn) -> _Found:
    """The one place that is named, seen under the caller's own rights."""
    named = [body.hub, body.dwelling, body.resident, body.scheme]
    if sum(name is not None for name in named) != 1:
        raise problem.invalid("body", "name one place: a hub, a dwelling, a resident or a scheme")
    if body.hub is not None:
        row = await fetch_one(conn, _Q["place_of_hub"], place=body.hub)
        found = Place(hub_id=body.hub)
    elif body.scheme is not None:
        row = await fetch_one(conn, _Q["place_of_scheme"], place=body.scheme)
        found = Place(scheme=body.scheme)
    else:
        home = body.dwelling
        if body.resident is not None:
            resident = await home_store.find_resident(conn, body.resident)
            home = resident[1] if resident else None
        dwelling = await home_store.find_dwelling(conn, home) if home is not None else None
        row = {"time_zone": dwelling.time_zone} if dwelling else None
        found = Place(dwelling_id=home)
    if row is None:
        raise problem.not_found("there is no such place, or it is not yours to see")
    return _Found(found, row["time_zone"] or "UTC")


def _end(field: str, moment: datetime | None, wall: str | None, time_zone: str) -> datetime | None:
    """One end of a window, as it was said; None: it was not."""
    if wall is None:
        return moment
    if moment is not None:
        raise problem.invalid(f"body.{field}_local", f"stands beside '{field}'; say it once")
    return resolve(parse_day(wall[:10]), parse_wall(wall[11:]), time_zone)[0]


def _shown(row: Mapping[str, Any]) -> SuppressionOut:
    return SuppressionOut(
        id=row["id"],
        reason=row["reason"],
        hub=row["hub_id"],
        dwelling=row["dwelling_id"],
        scheme=row["scheme"],
        from_at=row["from_at"],
        until_at=row["until_at"],
        note=row["note"],
        opened_by=row["created_by"],
        opened_at=row["created_at"],
        ended_by=row["ended_by"],
    )
