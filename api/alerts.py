"""`/api/v1/alerts`: one's own share of every alert."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api import acts, alert_store, model, problem
from api.auth import Here, SignedIn
from api.inputs import Identifier, Moment
from api.paging import After, Limit
from db.caller import reading_as

router = APIRouter(prefix="/alerts", tags=["alerts"])

Number = Annotated[int, Path(ge=1, lt=2**63)]


@router.get("", summary="Alerts, newest first", responses=problem.described(401, 422, 503))
async def list_alerts(
    here: Here,
    caller: SignedIn,
    state: Annotated[model.DutyState | None, Query(description="of your own duty")] = None,
    kind: Annotated[Identifier | None, Query(description="e.g. `visit.missed`, `alarm.pendant`")] = None,
    since: Annotated[Moment | None, Query(description="your duty was raised then or later")] = None,
    dwelling: Annotated[Identifier | None, Query()] = None,
    limit: Limit = 50,
    cursor: After = None,
) -> model.AlertPage:
    """Every role, own share: your organisation's duty in full, the other party's as organisation and state.

    A landlord sees the dwelling, never the visit or the resident. An engineer sees technical alerts.
    """
    async with reading_as(here.pool, caller) as conn:
        return await alert_store.list_alerts(
            conn, state=state, kind=kind, since=since, dwelling=dwelling, cursor=cursor, limit=limit
        )


@router.post(
    "/next",
    summary="Take the next alert",
    response_model=model.AlertOut,
    responses={204: {"description": "Nothing waits"}, **problem.described(401, 403, 503)},
)
async def take_next(here: Here, caller: SignedIn) -> model.AlertOut | Response:
    """Operators: claims the most urgent unclaimed alert of the centre, within a priority the oldest."""
    taken = await acts.take_next(here, caller)
    return taken if taken is not None else Response(status_code=204)


@router.get("/{alert}", summary="One alert", responses=problem.described(401, 404, 422, 503))
async def get_alert(here: Here, caller: SignedIn, alert: Number) -> model.AlertDetail:
    """Every role, own share, with history, deliveries to your own contacts, and evidence that you may see."""
    async with reading_as(here.pool, caller) as conn:
        found = await alert_store.alert_detail(conn, alert, here.clock())
    if found is None:
        raise problem.not_found("there is no such alert, or it is not yours to see")
    return found
