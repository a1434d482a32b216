"""`/api/v1/suppressions` and test windows of hubs: times in which alarms tell nobody, or are marked as tests.

Times are RFC 3339, or wall times of the place (`from_local`, `until_local`), because that is how works, tests
and absences are agreed. Every window ends by itself.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from alerts.suppression import Why
from alerts.windows import Opening
from api import problem, window_acts
from api.auth import Here, SignedIn, require
from api.hubs import MAY_SEE, HubId
from api.inputs import Identifier, Moment, Text
from api.paging import After, Limit
from api.window_acts import Sort, SuppressionOut, SuppressionPage
from care.notation import parse_day, parse_wall
from care.walltime import resolve

router = APIRouter(tags=["suppressions"])
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


@router.get("/suppressions", summary="Windows of tests and suppression", responses=_REFUSALS)
async def list_suppressions(
    here: Here, caller: SignedIn, ended: bool = False, limit: Limit = 50, cursor: After = None
) -> SuppressionPage:
    """Operators, engineers and administrators: those that last or are to come; with `ended` all."""
    require(caller, MAY_SEE, "reading suppressions")
    return await window_acts.list_windows(here, caller, ended=ended, limit=limit, cursor=cursor)


@router.post("/suppressions", status_code=201, summary="Hold alarms back", responses=_REFUSALS)
async def suppress(here: Here, caller: SignedIn, body: SuppressionIn) -> SuppressionOut:
    """Operators and engineers. Held back is still recorded; no press, fall or fire is ever held back."""
    sort, name = _named(body)
    found = await window_acts.find_place(here, caller, sort, name, "holding alarms back")
    begins = _end("from", body.from_at, body.from_local, found.time_zone) or here.clock()
    ends = _end("until", body.until_at, body.until_local, found.time_zone)
    if ends is None:
        raise problem.invalid("body.until", "say when it ends, as 'until' or as 'until_local'")
    asked = Opening(Why(body.reason), found.place, begins, ends, body.note)
    return await window_acts.open_window(here, caller, asked)


@router.post("/hubs/{hub}/test-window", status_code=201, summary="Open a test window", responses=_REFUSALS)
async def open_test_window(
    here: Here, caller: SignedIn, hub: HubId, body: TestWindowIn | None = None
) -> SuppressionOut:
    """Operators and engineers: what is pressed within it is marked as a test, and still shown."""
    found = await window_acts.find_place(here, caller, "hub", hub, "opening a test window")
    said, now = body or TestWindowIn(minutes=60), here.clock()
    asked = Opening(Why.TEST, found.place, now, now + timedelta(minutes=said.minutes), said.note)
    return await window_acts.open_window(here, caller, asked)


@router.post("/suppressions/{suppression}/end", summary="End a window", responses=_REFUSALS)
async def end_suppression(
    here: Here, caller: SignedIn, suppression: Annotated[int, Path(ge=1, lt=2**63)]
) -> SuppressionOut:
    """Operators and engineers: from now on everything is raised again. 409 when it is over already."""
    return await window_acts.end_window(here, caller, suppression)


def _named(body: SuppressionIn) -> tuple[Sort, str]:
    """The one place that is named."""
    said: dict[Sort, str | None] = {
        "hub": body.hub,
        "dwelling": body.dwelling,
        "resident": body.resident,
        "scheme": body.scheme,
    }
    named = [(sort, name) for sort, name in said.items() if name is not None]
    if len(named) != 1:
        raise problem.invalid("body", "name one place: a hub, a dwelling, a resident or a scheme")
    return named[0]


def _end(field: str, moment: datetime | None, wall: str | None, time_zone: str) -> datetime | None:
    """One end of a window, as it was said; None: it was not."""
    if wall is None:
        return moment
    if moment is not None:
        raise problem.invalid(f"body.{field}_local", f"stands beside '{field}'; say it once")
    return resolve(parse_day(wall[:10]), parse_wall(wall[11:]), time_zone)[0]
