"""`/api/v1/events` and a resident's timeline."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query

from api import home_store, model, problem, timeline
from api.auth import Here, SignedIn, require
from api.inputs import Identifier, Moment
from api.paging import After, Limit
from api.tokens import Role
from db.caller import reading_as

router = APIRouter(tags=["events"])

MAY_READ: Final = frozenset({Role.OPERATOR, Role.CARE_MANAGER, Role.ENGINEER})
WINDOW: Final = timedelta(hours=24)
"""Without `since`, a hub or a dwelling: the last day. Nobody wants a county's year by mistake."""
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END: Final = datetime(9999, 1, 1, tzinfo=UTC)


@router.get(
    "/events", summary="Events by receipt, the last first", responses=problem.described(401, 403, 422, 503)
)
async def list_events(
    here: Here,
    caller: SignedIn,
    dwelling: Annotated[Identifier | None, Query()] = None,
    hub: Annotated[Identifier | None, Query()] = None,
    kind: Annotated[Identifier | None, Query(alias="type", description="e.g. `carer.arrived`")] = None,
    since: Annotated[
        Moment | None,
        Query(
            description="received then or later; left out without a hub or dwelling: 24 hours before `until`"
        ),
    ] = None,
    until: Annotated[Moment | None, Query(description="received before then")] = None,
    limit: Limit = 50,
    cursor: After = None,
) -> model.EventPage:
    """Operators: of the homes that their centre answers for. Care managers: what their own carers did, and
    what speaks of a visit and names nobody. Engineers: what says nothing of a resident."""
    require(caller, MAY_READ, "reading events")
    to = until or _END
    anywhere = dwelling is None and hub is None
    begin = since or (min(to, here.clock()) - WINDOW if anywhere else _BEGINNING)
    async with reading_as(here.pool, caller) as conn:
        return await home_store.list_events(
            conn, since=begin, until=to, dwelling=dwelling, hub=hub, kind=kind, cursor=cursor, limit=limit
        )


@router.get(
    "/residents/{resident}/timeline",
    summary="A resident's record, newest first",
    responses=problem.described(401, 404, 422, 503),
)
async def resident_timeline(
    here: Here,
    caller: SignedIn,
    resident: Annotated[Identifier, Path()],
    limit: Limit = 50,
    cursor: After = None,
) -> model.TimelinePage:
    """Operators, and care managers for their own residents and carers: events, visits and alerts together."""
    async with reading_as(here.pool, caller) as conn:
        found = await home_store.find_resident(conn, resident)
        if found is None:
            raise problem.not_found("there is no such resident, or they are not yours to see")
        person, dwelling = found
        return await timeline.page(conn, person, dwelling, here.clock(), cursor, limit)
