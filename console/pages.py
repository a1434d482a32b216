"""The pages: the board, an alert, a visit, a resident, the homes, and in a demonstration the letters."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Protocol

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from alerts.model import Role as Party
from alerts.service import outcomes_for
from api import alert_store, home_store, timeline, visit_store, watching
from api.auth import Here, Services
from api.hubs import MAY_SEE
from api.inputs import Identifier
from api.model import AlertOut
from api.problem import Problem, not_found
from api.tokens import Role
from care.reasons import CANCEL, SUSPEND, VERIFY
from care.walltime import FIRST_DATE, LAST_DATE
from console import board, lanes, sign_in, windows
from console.actions import router as actions
from console.guard import Page, Show, Signed, Visitor
from console.inputs import Number
from console.render import assets, page
from db.caller import reading_as

LANES_ON_BOARD: Final = 40
"""Residents on the main page; those that need a look come first, and the day's page has them all."""
LANES_ON_PAGE: Final = 150
RECORD_PAGE: Final = 40
SEES_VISITS: Final = frozenset({Role.OPERATOR, Role.CARE_MANAGER, Role.ADMINISTRATOR})
_YEAR: Final = 31_536_000


class Letter(Protocol):
    """A caught letter of a demonstration."""

    @property
    def at(self) -> datetime:
        """When it came."""

    @property
    def to(self) -> str:
        """To whom."""

    @property
    def subject(self) -> str:
        """Its subject."""

    @property
    def body(self) -> str:
        """Its words."""


Letters = Callable[[], Sequence[Letter]]
Cursor = Annotated[str | None, Query(max_length=400)]


def build(*, secure_cookies: bool = True, letters: Letters | None = None) -> APIRouter:
    """The console's routes. `letters` reads caught mail, newest first, and shows it to everyone signed in:
    for demonstrations alone."""

    def show(template: str, signed: Visitor, here: Services, **values: Any) -> HTMLResponse:
        return HTMLResponse(
            page(
                template,
                signed=signed,
                caller=signed.caller,
                now=here.clock(),
                sees_visits=signed.caller.role in SEES_VISITS,
                sees_homes=signed.caller.role in MAY_SEE,
                has_letters=letters is not None,
                **values,
            )
        )

    router = APIRouter(route_class=Page, include_in_schema=False)
    router.include_router(sign_in.build(secure_cookies=secure_cookies))
    router.include_router(actions)
    for part in (_board, _alert_pages, _visit_pages, _home_pages, windows.build):
        router.include_router(part(show))
    if letters is not None:
        router.include_router(_letter_page(show, letters))
    router.add_api_route("/static/{name:path}", static, methods=["GET"])
    return router


def _board(show: Show) -> APIRouter:
    router = APIRouter(route_class=Page)

    @router.get("/")
    async def main(here: Here, signed: Signed) -> Response:
        """What needs somebody now, and the day's visits."""
        alerts = await _alerts(here, signed)
        visits = await _visits(here, signed, LANES_ON_BOARD)
        return show("board.html", signed, here, at="board", **alerts, **visits)

    @router.get("/board/alerts")
    async def alerts_of_board(here: Here, signed: Signed) -> Response:
        """The list alone, for a refresh."""
        return show("_alerts.html", signed, here, **await _alerts(here, signed))

    @router.get("/board/visits")
    async def visits_of_board(here: Here, signed: Signed) -> Response:
        """The day's visits alone, for a refresh."""
        return show("_visits.html", signed, here, whole=False, **await _visits(here, signed, LANES_ON_BOARD))

    return router


def _alert_pages(show: Show) -> APIRouter:
    router = APIRouter(route_class=Page)

    @router.get("/alerts")
    async def record(
        here: Here,
        signed: Signed,
        state: Annotated[Literal["open", "acknowledged", "closed"] | None, Query()] = None,
        cursor: Cursor = None,
    ) -> Response:
        """Every alert that the organisation had a duty in, newest first."""
        async with reading_as(here.pool, signed.caller) as conn:
            found = await alert_store.list_alerts(conn, state=state, cursor=cursor, limit=RECORD_PAGE)
        return show("record.html", signed, here, at="record", page=found, state=state)

    @router.get("/alerts/{alert}")
    async def one_alert(here: Here, signed: Signed, alert: Number) -> Response:
        """One alert with its history, deliveries and evidence."""
        return show("alert.html", signed, here, at="alert", **await _alert(here, signed, alert))

    @router.get("/alerts/{alert}/body")
    async def body_of_alert(here: Here, signed: Signed, alert: Number) -> Response:
        """The same without its frame, for a refresh."""
        return show("_alert.html", signed, here, **await _alert(here, signed, alert))

    return router


def _visit_pages(show: Show) -> APIRouter:
    router = APIRouter(route_class=Page)

    @router.get("/visits")
    async def day_of_visits(
        here: Here,
        signed: Signed,
        on: Annotated[date | None, Query(alias="date", ge=FIRST_DATE, le=LAST_DATE)] = None,
        number: Annotated[int, Query(alias="page", ge=1, le=10_000)] = 1,
    ) -> Response:
        """A service day, page by page of its residents."""
        if signed.caller.role not in SEES_VISITS:
            raise Problem(403, "Visits are shown to the care provider and the monitoring centre.")
        values = await _visits(here, signed, LANES_ON_PAGE, on, number)
        return show("visits.html", signed, here, at="visits", whole=True, **values)

    @router.get("/visits/{ref:path}")
    async def one_visit(here: Here, signed: Signed, ref: Annotated[Identifier, Path()]) -> Response:
        """A visit with its evidence and every version of its verdict."""
        async with reading_as(here.pool, signed.caller) as conn:
            visit = await visit_store.visit_detail(conn, ref)
        if visit is None:
            raise not_found("There is no such visit, or it is not yours to see.")
        values = {"visit": visit, "verify_reasons": VERIFY, "cancel_reasons": CANCEL}
        return show("visit.html", signed, here, at="visits", **values)

    @router.get("/residents/{resident}")
    async def one_resident(
        here: Here, signed: Signed, resident: Annotated[Identifier, Path()], cursor: Cursor = None
    ) -> Response:
        """A resident's record, newest first."""
        async with reading_as(here.pool, signed.caller) as conn:
            found = await home_store.find_resident(conn, resident)
            if found is None:
                raise not_found("There is no such resident, or they are not yours to see.")
            person, dwelling = found
            record = await timeline.page(conn, person, dwelling, here.clock(), cursor, RECORD_PAGE)
            values = {
                "record": record,
                "home": await home_store.find_dwelling(conn, dwelling),
                "suspensions": await visit_store.suspensions(conn, resident, here.clock()),
                "suspend_reasons": SUSPEND,
            }
        return show("resident.html", signed, here, at="visits", **values)

    return router


def _home_pages(show: Show) -> APIRouter:
    router = APIRouter(route_class=Page)

    @router.get("/homes")
    async def homes(here: Here, signed: Signed, cursor: Cursor = None) -> Response:
        """The units in homes: heard or not."""
        if signed.caller.role not in MAY_SEE:
            raise Problem(403, "The units are looked after by the monitoring centre and its engineers.")
        async with reading_as(here.pool, signed.caller) as conn:
            found = await home_store.list_hubs(conn, cursor=cursor, limit=RECORD_PAGE)
        press = await watching.last_press(here.pool)
        return show("homes.html", signed, here, at="homes", page=found, press=press)

    @router.get("/homes/{hub}")
    async def one_home(here: Here, signed: Signed, hub: Annotated[Identifier, Path()]) -> Response:
        """One unit with its devices, gaps and commands."""
        async with reading_as(here.pool, signed.caller) as conn:
            found = await home_store.hub_detail(conn, hub)
        if found is None:
            raise not_found("There is no such unit, or it is not yours to see.")
        return show("home.html", signed, here, at="homes", hub=found)

    return router


def _letter_page(show: Show, letters: Letters) -> APIRouter:
    router = APIRouter(route_class=Page)

    @router.get("/letters")
    async def all_letters(here: Here, signed: Signed) -> Response:
        """Mail that the demonstration caught."""
        caught = await asyncio.to_thread(letters)
        return show("letters.html", signed, here, at="letters", letters=caught)

    return router


async def static(request: Request, name: str, v: str = "") -> Response:
    """Styles and scripts; an address with the file's mark may be kept for ever."""
    found = assets().get(name)
    if found is None:
        raise not_found("There is no such file.")
    keep = f"public, max-age={_YEAR}, immutable" if v == found.mark else "no-cache"
    headers = {"Cache-Control": keep, "ETag": f'"{found.mark}"'}
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)


async def _alerts(here: Services, signed: Visitor) -> dict[str, Any]:
    async with reading_as(here.pool, signed.caller) as conn:
        alerts = await alert_store.open_alerts(conn)
    now = here.clock()
    return {
        "groups": board.groups(alerts, signed.caller, now),
        "total": len(alerts),
        "waiting": sum(alert.duty.state == "open" for alert in alerts),
        "capped": len(alerts) == alert_store.OPEN_MOST,
        "etas": board.ETA_CHOICES,
        "outcomes": outcomes(alerts[0]) if alerts else {},
    }


async def _visits(
    here: Services, signed: Visitor, most: int, on: date | None = None, number: int = 1
) -> dict[str, Any]:
    if signed.caller.role not in SEES_VISITS:
        return {"day": None, "counts": {}, "on": None, "hidden": 0, "number": 1}
    now = here.clock()
    async with reading_as(here.pool, signed.caller) as conn:
        # Where it is past four in the morning it is the next service day already.
        zones = await visit_store.time_zones(conn) or ["UTC"]
        dates = {zone: on or lanes.service_date(now, zone) for zone in zones}
        hours = {zone: lanes.service_day(day, zone) for zone, day in dates.items()}
        skip = (number - 1) * most
        found = await visit_store.visits_of_day(conn, hours, first=lanes.ATTENTION, limit=most, skip=skip)
    return {
        "day": lanes.day(found.visits, now),
        "counts": found.counts,
        "on": max(dates.values()),
        "hidden": max(found.residents - skip - most, 0),
        "number": number,
    }


async def _alert(here: Services, signed: Visitor, number: int) -> dict[str, Any]:
    async with reading_as(here.pool, signed.caller) as conn:
        alert = await alert_store.alert_detail(conn, number, here.clock())
        if alert is None:
            raise not_found("There is no such alert, or it is not yours to see.")
        visit = await visit_store.find_visit(conn, alert.visit_ref) if alert.visit_ref else None
        sheet = await home_store.contact_sheet(conn, alert.resident.id) if alert.resident else {}
    return {
        "alert": alert,
        "card": board.card(alert, signed.caller, here.clock()),
        "visit": visit,
        "sheet": sheet,
        "etas": board.ETA_CHOICES,
        "outcomes": outcomes(alert),
    }


def outcomes(alert: AlertOut) -> dict[str, str]:
    """What one's own duty may be closed with, and its words."""
    return dict(outcomes_for(Party(alert.duty.role)))
