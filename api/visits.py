"""`/api/v1/visits` and `/suspensions`: what was planned, what is concluded, and a person's word on it."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from api import acts, model, problem, visit_store
from api.auth import Here, SignedIn
from api.inputs import Identifier, Moment, Text
from api.paging import After, Limit
from care.model import State
from db.caller import reading_as

router = APIRouter(tags=["visits"])

_REFUSALS = problem.described(401, 403, 404, 422, 503)
Ref = Annotated[Identifier, Path(description="the visit's reference; it may hold slashes")]


class VerificationIn(BaseModel):
    """A person's word on a visit."""

    attended: bool
    arrived_at: Moment | None = None
    departed_at: Moment | None = None
    reason: Text = Field(description="from the list in docs/api.md")
    note: Text | None = None


class CancellationIn(BaseModel):
    """Why a visit is not to be made."""

    reason: Text


class SuspensionIn(BaseModel):
    """A time in which no visits are expected."""

    resident: Identifier
    from_at: Moment = Field(alias="from")
    until_at: Moment | None = Field(None, alias="until", description="null: until somebody ends it")
    reason: Text


@router.get("/visits", summary="Visits by planned start", responses=problem.described(401, 422, 503))
async def list_visits(
    here: Here,
    caller: SignedIn,
    on: Annotated[date | None, Query(alias="date", description="the service date")] = None,
    state: Annotated[State | None, Query()] = None,
    package: Annotated[Identifier | None, Query()] = None,
    limit: Limit = 50,
    cursor: After = None,
) -> model.VisitPage:
    """Care managers: their own. Operators: of the residents whom their centre answers for. Others: none."""
    async with reading_as(here.pool, caller) as conn:
        return await visit_store.list_visits(
            conn, on=on, state=state, package=package, cursor=cursor, limit=limit
        )


@router.post("/visits/{ref:path}/verify", summary="Verify by hand", responses=_REFUSALS)
async def verify(here: Here, caller: SignedIn, ref: Ref, body: VerificationIn) -> model.VisitDetail:
    """Care managers: verification becomes `manual`; raw evidence stays as it is."""
    said = acts.Verification(body.attended, body.arrived_at, body.departed_at, body.reason, body.note)
    return await acts.verify_visit(here, caller, ref, said)


@router.post("/visits/{ref:path}/cancel", summary="Cancel", responses=_REFUSALS)
async def cancel(here: Here, caller: SignedIn, ref: Ref, body: CancellationIn) -> model.VisitDetail:
    """Care managers. A cancellation later than the visit's late time changes neither verdict nor alerts."""
    return await acts.cancel_visit(here, caller, ref, body.reason)


@router.get("/visits/{ref:path}", summary="One visit", responses=problem.described(401, 404, 422, 503))
async def get_visit(here: Here, caller: SignedIn, ref: Ref) -> model.VisitDetail:
    """Care managers and operators, own: with evidence, every version of the verdict, adjustments, alerts."""
    async with reading_as(here.pool, caller) as conn:
        found = await visit_store.visit_detail(conn, ref)
    if found is None:
        raise problem.not_found("there is no such visit, or it is not yours to see")
    return found


@router.post("/suspensions", status_code=201, summary="Suspend visits", responses=_REFUSALS)
async def suspend(here: Here, caller: SignedIn, body: SuspensionIn) -> model.SuspensionOut:
    """Care managers: expects no visits to a resident for a time."""
    return await acts.suspend(here, caller, body.resident, body.from_at, body.until_at, body.reason)


@router.post("/suspensions/{suspension}/end", summary="End a suspension", responses=_REFUSALS)
async def end_suspension(
    here: Here, caller: SignedIn, suspension: Annotated[int, Path(ge=1, lt=2**63)]
) -> model.SuspensionOut:
    """Care managers: visits are expected again from now on."""
    return await acts.end_suspension(here, caller, suspension)
