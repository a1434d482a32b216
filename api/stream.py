"""`GET /api/v1/live`: server-sent events of the caller's own share.

What waits for a client leaves in one piece. FastAPI's own stream takes each event through two queues and four
turns of the loop; with some hundred events a second a press came the better part of a second behind them.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from api import problem
from api.auth import Here, Services, SignedIn
from api.live import LiveRow
from api.tokens import token_is_good
from db.caller import Caller
from db.feed import Cursor

router = APIRouter(tags=["live"])

RETRY_MS = 2_000
"""How long a browser waits before it connects again."""
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""A proxy, nginx above all, is to keep nothing back."""
_TEXT: dict[str, Any] = {"type": "string"}
_PARTS = {"data": _TEXT, "event": _TEXT, "id": _TEXT, "retry": {"type": "integer", "minimum": 0}}
_DESCRIBED: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"itemSchema": {"type": "object", "properties": _PARTS}}}}
}
"""One event, in the words of OpenAPI 3.2 for streams."""


class EventStream(StreamingResponse):
    """Pieces of `text/event-stream` as they are."""

    media_type = "text/event-stream"


async def _texts(
    here: Here,
    caller: SignedIn,
    last_event_id: Annotated[
        str | None, Header(max_length=100, description="the last `id` received: what was missed is replayed")
    ] = None,
    after: Annotated[
        str | None, Query(max_length=100, description="the same, for a first connection from a browser")
    ] = None,
) -> AsyncIterator[AsyncIterator[bytes]]:
    """The stream as it goes out, for as long as the request lasts."""
    wanted = last_event_id or after
    place = Cursor.parse(wanted) if wanted else None
    greeting = format_sse_event(comment="live", retry=RETRY_MS)
    if wanted and place is None:
        greeting += format_sse_event(event="reset", data_str='{"reason":"this place is none of ours"}')
    async with here.broadcast.joined(caller, place, partial(_still_good, here, caller)) as pieces:
        yield _written(greeting, pieces)


@router.get(
    "/live",
    response_class=EventStream,
    summary="What happens, as it happens",
    responses=_DESCRIBED | problem.described(401, 503),
)
async def live(texts: Annotated[AsyncIterator[bytes], Depends(_texts)]) -> EventStream:
    """Server-sent events for every role, own share only: `alert`, `duty`, `visit`, `event`, `hub`.

    `data` is thin: ids, kinds and states; fetch the rest under your own role. `hello` says that the stream
    stands; `reset` that more was missed than is replayed: read the open alerts again. An event may come twice
    after a reconnect. A comment keeps the connection alive every 15 seconds.
    """
    return EventStream(texts, headers=_HEADERS)


async def _written(greeting: bytes, pieces: AsyncIterator[Sequence[LiveRow]]) -> AsyncIterator[bytes]:
    yield greeting
    async for piece in pieces:
        yield b"".join([_event(row) for row in piece]) or KEEPALIVE_COMMENT
        await asyncio.sleep(0)  # whoever never waits cannot be told that its client has gone


def _event(row: LiveRow) -> bytes:
    return format_sse_event(event=row.topic, id=str(row.place), data_str=row.data)


async def _still_good(here: Services, caller: Caller) -> bool:
    async with here.pool.connection() as conn:
        return await token_is_good(conn, caller.token_id)
