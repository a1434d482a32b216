"""`GET /api/v1/live`: server-sent events of the caller's own share."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api import problem
from api.auth import Here, Services, SignedIn
from api.tokens import token_is_good
from db.caller import Caller
from db.feed import Cursor

router = APIRouter(tags=["live"])

RETRY_MS = 2_000
"""How long a browser waits before it connects again."""


@router.get(
    "/live",
    response_class=EventSourceResponse,
    summary="What happens, as it happens",
    responses=problem.described(401, 503),
)
async def live(
    here: Here,
    caller: SignedIn,
    last_event_id: Annotated[
        str | None, Header(max_length=100, description="the last `id` received: what was missed is replayed")
    ] = None,
    after: Annotated[
        str | None, Query(max_length=100, description="the same, for a first connection from a browser")
    ] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events for every role, own share only: `alert`, `duty`, `visit`, `event`, `hub`.

    `data` is thin: ids, kinds and states; fetch the rest under your own role. `hello` says that the stream
    stands; `reset` that more was missed than is replayed: read the open alerts again. An event may come twice
    after a reconnect. A comment keeps the connection alive every 15 seconds.
    """
    wanted = last_event_id or after
    place = Cursor.parse(wanted) if wanted else None
    if wanted and place is None:
        yield ServerSentEvent(event="reset", raw_data='{"reason":"this place is none of ours"}')
    async with here.broadcast.joined(caller, place, partial(_still_good, here, caller)) as rows:
        yield ServerSentEvent(comment="live", retry=RETRY_MS)
        async for row in rows:
            yield ServerSentEvent(event=row.topic, id=str(row.place), raw_data=row.data)


async def _still_good(here: Services, caller: Caller) -> bool:
    async with here.pool.connection() as conn:
        return await token_is_good(conn, caller.token_id)
