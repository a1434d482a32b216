"""The page of tests and suppression: what is held back where, and the forms that open and end a window."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Query
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from alerts.suppression import Why
from alerts.windows import Opening
from api import window_acts
from api.auth import Here, Services, require
from api.hubs import MAY, MAY_SEE
from api.problem import Problem, invalid
from api.window_acts import Sort
from console.guard import OwnForm, Page, Show, Signed, Visitor
from console.inputs import Kept, Number, WallTime, Words, moment

WINDOWS_PAGE: Final = 40
_REFUSED: Final = frozenset({404, 409, 422})
_FIELDS: Final = {"body.hub": "place", "body.dwelling": "place", "body.until": "ends"}
"""Beside which field of the form a refusal by the shared acts stands."""

Cursor = Annotated[str | None, Query(max_length=400)]
Typed = dict[str, str]
NOTHING: Final[Typed] = dict.fromkeys(("place", "reason", "begins", "ends", "note"), "")


def build(show: Show) -> APIRouter:
    """The routes. Who may read windows and open them is whom the API lets."""
    router = APIRouter(route_class=Page)

    async def shown(
        here: Services,
        signed: Visitor,
        typed: Typed,
        cursor: str | None = None,
        *,
        wrong: str | None = None,
        fault: str | None = None,
    ) -> Response:
        require(signed.caller, MAY_SEE, "reading tests and suppression")
        found = await window_acts.list_windows(here, signed.caller, limit=WINDOWS_PAGE, cursor=cursor)
        may_open = signed.caller.role in MAY
        values = {"page": found, "typed": typed, "may_open": may_open, "wrong": wrong, "fault": fault}
        return show("windows.html", signed, here, at="windows", **values)

    @router.get("/windows")
    async def windows(
        here: Here,
        signed: Signed,
        sort: Sort = "hub",
        place: Annotated[str, Query(max_length=200)] = "",
        cursor: Cursor = None,
    ) -> Response:
        """The windows that last or are to come. With a place, the form stands open for it."""
        return await shown(here, signed, {**NOTHING, "sort": sort, "place": place}, cursor)

    @router.post("/windows")
    async def open_window(
        here: Here,
        signed: OwnForm,
        sort: Annotated[Sort, Form()] = "hub",
        place: Annotated[str, Form(max_length=200), Kept] = "",
        reason: Annotated[str, Form(max_length=40)] = "",
        begins: WallTime = "",
        ends: WallTime = "",
        note: Annotated[Words, Kept] = "",
    ) -> Response:
        """Opens a window; what was refused is said beside the field, and what was typed stays."""
        typed = {"sort": sort, "place": place, "reason": reason, "begins": begins, "ends": ends, "note": note}
        try:
            await _open(here, signed, sort, typed)
        except Problem as problem:
            if problem.status not in _REFUSED:
                raise
            wrong, fault = _fault(problem)
            answer = await shown(here, signed, typed, wrong=wrong, fault=fault)
            answer.status_code = problem.status
            return answer
        return RedirectResponse("/windows", 303)

    @router.post("/windows/{window}/end")
    async def end_window(here: Here, signed: OwnForm, window: Number) -> Response:
        """From now on everything is raised again."""
        await window_acts.end_window(here, signed.caller, window)
        return RedirectResponse("/windows", 303)

    return router


async def _open(here: Services, signed: Visitor, sort: Sort, typed: Typed) -> None:
    """Opens what was asked for, at wall times of the place. Raises a Problem with the sentence to show."""
    require(signed.caller, MAY, "opening a window")
    name = typed["place"].strip()
    if not name:
        raise invalid("place", "Say where: the id of a unit, a dwelling, a resident or a scheme.")
    if typed["reason"] not in set(Why):
        raise invalid("reason", "Choose what it is for.")
    found = await window_acts.find_place(here, signed.caller, sort, name, "opening a window")
    begins = moment(typed["begins"], found.time_zone) or here.clock()
    ends = moment(typed["ends"], found.time_zone)
    if ends is None:
        raise invalid("ends", "Say when it ends: every window ends by itself.")
    asked = Opening(Why(typed["reason"]), found.place, begins, ends, typed["note"].strip() or None)
    await window_acts.open_window(here, signed.caller, asked)


def _fault(problem: Problem) -> tuple[str, str]:
    """The field of the form that was refused, and why, as a sentence."""
    elsewhere = {"field": "form" if problem.status == 422 else "place", "reason": problem.detail}
    fault = next(iter(problem.more.get("errors", ())), elsewhere)
    said = fault["reason"]
    return _FIELDS.get(fault["field"], fault["field"]), f"{said[:1].upper()}{said[1:]}"
