"""What people do on the screen. Each form works without a script, too: the page is loaded again."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime, time
from typing import Annotated, Final

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from alerts.model import Role as Party
from alerts.service import outcomes_for
from api import acts, alert_store, home_store, visit_store
from api.auth import Here, Services
from api.inputs import Identifier
from api.model import AlertOut
from api.problem import Problem, not_found
from care.walltime import local_date, resolve
from console import board
from console.guard import OwnForm, Page, Visitor, is_fragment
from console.inputs import Number, WallTime, Words, moment
from console.render import page
from db.caller import reading_as

router = APIRouter(route_class=Page)

Back = Annotated[str, Form(alias="back", pattern=r"^(/|/alerts/[0-9]{1,19})$")]
_REFUSED: Final = frozenset({404, 409, 422})


@router.post("/take-next")
async def take_next(request: Request, here: Here, signed: OwnForm) -> Response:
    """An operator takes the most urgent call and sees it whole."""
    taken = await acts.take_next(here, signed.caller)
    where = "/" if taken is None else f"/alerts/{taken.id}"
    if is_fragment(request):
        if taken is None:
            return HTMLResponse(page("_nothing_waits.html"))
        return Response(status_code=204, headers={"HX-Redirect": where})
    return RedirectResponse(where, 303)


@router.post("/duties/{duty}/claim")
async def claim(request: Request, here: Here, signed: OwnForm, duty: Number, back: Back = "/") -> Response:
    """Takes a duty in hand."""
    return await _answer(request, here, signed, duty, back, lambda: acts.claim(here, signed.caller, duty))


@router.post("/duties/{duty}/release")
async def release(request: Request, here: Here, signed: OwnForm, duty: Number, back: Back = "/") -> Response:
    """Puts it back."""
    return await _answer(request, here, signed, duty, back, lambda: acts.release(here, signed.caller, duty))


@router.post("/duties/{duty}/renew", status_code=204)
async def renew(here: Here, signed: OwnForm, duty: Number) -> Response:
    """The page is still there: the claim holds for another half minute."""
    await acts.renew(here, signed.caller, duty)
    return Response(status_code=204)


@router.post("/duties/{duty}/acknowledge")
async def acknowledge(
    request: Request,
    here: Here,
    signed: OwnForm,
    duty: Number,
    note: Words = "",
    minutes: Annotated[str, Form(pattern=r"^[0-9]{0,4}$")] = "",
    back: Back = "/",
) -> Response:
    """Answers for one's own organisation, with words and a time of arrival if one likes."""
    eta = board.eta_at(int(minutes) if minutes else None, here.clock())
    said = note.strip() or None
    return await _answer(
        request, here, signed, duty, back, lambda: acts.acknowledge(here, signed.caller, duty, said, eta)
    )


@router.post("/duties/{duty}/close")
async def close(
    request: Request,
    here: Here,
    signed: OwnForm,
    duty: Number,
    outcome: Annotated[str, Form(max_length=100)] = "",
    note: Words = "",
    back: Back = "/",
) -> Response:
    """Ends a duty with an outcome of its list."""

    async def act() -> AlertOut:
        if not outcome:
            raise Problem(422, "Choose how it ended.")
        return await acts.close(here, signed.caller, duty, outcome, note.strip() or None)

    return await _answer(request, here, signed, duty, back, act)


@router.post("/duties/{duty}/note")
async def note(
    request: Request, here: Here, signed: OwnForm, duty: Number, text: Words = "", back: Back = "/"
) -> Response:
    """Adds words to the history."""

    async def act() -> AlertOut:
        if not text.strip():
            raise Problem(422, "Write a word or two first.")
        return await acts.add_note(here, signed.caller, duty, text.strip())

    return await _answer(request, here, signed, duty, back, act)


async def _answer(
    request: Request,
    here: Services,
    signed: Visitor,
    duty: int,
    back: str,
    act: Callable[[], Awaitable[AlertOut]],
) -> Response:
    fault: str | None = None
    try:
        alert = await act()
    except Problem as problem:
        if problem.status not in _REFUSED or not is_fragment(request):
            raise
        fault = problem.detail
        async with reading_as(here.pool, signed.caller) as conn:
            found = await alert_store.find_alert(conn, duty=duty)
        if found is None:
            raise
        alert = found
    if not is_fragment(request):
        return RedirectResponse(back, 303)
    now = here.clock()
    values = {
        "signed": signed,
        "caller": signed.caller,
        "now": now,
        "fault": fault,
        "etas": board.ETA_CHOICES,
        "outcomes": dict(outcomes_for(Party(alert.duty.role))),
    }
    if back == "/":
        return HTMLResponse(page("_card.html", card=board.card(alert, signed.caller, now), **values))
    # The page of one alert is shown anew, history and all; a refusal stands where the form was.
    if fault is not None:
        return HTMLResponse(page("_fault.html", fault=fault))
    return Response(status_code=204, headers={"HX-Trigger": "alert-changed"})


@router.post("/visits/{ref:path}/verify")
async def verify(
    here: Here,
    signed: OwnForm,
    ref: Annotated[Identifier, Path()],
    attended: Annotated[str, Form(pattern=r"^(yes|no)$")],
    reason: Annotated[str, Form(max_length=200)] = "",
    arrived: Annotated[str, Form(pattern=r"^([0-9]{2}:[0-9]{2})?$")] = "",
    departed: Annotated[str, Form(pattern=r"^([0-9]{2}:[0-9]{2})?$")] = "",
    note: Words = "",
) -> Response:
    """A care manager's word on a visit; times are wall times of its service day."""
    async with reading_as(here.pool, signed.caller) as conn:
        visit = await visit_store.find_visit(conn, ref)
    if visit is None:
        raise not_found("There is no such visit, or it is not yours to see.")
    home = visit.dwelling.time_zone
    arrived_at = _at(arrived, local_date(visit.start, home), home)
    departed_at = _at(departed, local_date(visit.end, home), home)
    said = acts.Verification(attended == "yes", arrived_at, departed_at, reason, note.strip() or None)
    await acts.verify_visit(here, signed.caller, ref, said)
    return RedirectResponse(f"/visits/{ref}", 303)


@router.post("/visits/{ref:path}/cancel")
async def cancel(
    here: Here,
    signed: OwnForm,
    ref: Annotated[Identifier, Path()],
    reason: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """A care manager says that a visit is not to be made."""
    await acts.cancel_visit(here, signed.caller, ref, reason)
    return RedirectResponse(f"/visits/{ref}", 303)


@router.post("/residents/{resident}/suspend")
async def suspend(
    here: Here,
    signed: OwnForm,
    resident: Annotated[Identifier, Path()],
    reason: Annotated[str, Form(max_length=200)] = "",
    begins: WallTime = "",
    ends: WallTime = "",
) -> Response:
    """A care manager expects no visits for a time; without a beginning from now, without an end for good."""
    async with reading_as(here.pool, signed.caller) as conn:
        found = await home_store.find_resident(conn, resident)
        home = await home_store.find_dwelling(conn, found[1]) if found else None
    if home is None:
        raise not_found("There is no such resident, or they are not yours to see.")
    since = moment(begins, home.time_zone) or here.clock()
    until = moment(ends, home.time_zone)
    await acts.suspend(here, signed.caller, resident, since, until, reason)
    return RedirectResponse(f"/residents/{resident}", 303)


@router.post("/suspensions/{suspension}/end")
async def end_suspension(here: Here, signed: OwnForm, suspension: Number) -> Response:
    """A care manager expects visits again from now on."""
    ended = await acts.end_suspension(here, signed.caller, suspension)
    return RedirectResponse(f"/residents/{ended.resident}", 303)


def _at(wall: str, on: date, time_zone: str) -> datetime | None:
    if not wall:
        return None
    try:
        return resolve(on, time.fromisoformat(wall), time_zone)[0]
    except ValueError:
        raise Problem(422, f"{wall} is no time of day.") from None
