"""`/api/v1/deliveries`: what was sent to an organisation's own contacts, and what could not be."""

from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from alerts import dead_letters
from api import paging, problem
from api.auth import Here, SignedIn, actor, require
from api.model import DeliveryOut
from api.paging import After, Limit
from api.tokens import Role
from db.caller import reading_as
from db.pool import fetch_all
from db.sql import Queries

_Q: Final = Queries("api", "deliveries.sql")
ADMINISTRATORS: Final = frozenset({Role.ADMINISTRATOR})
State = Literal["pending", "sending", "sent", "delivered", "dead", "withdrawn"]

router = APIRouter(prefix="/deliveries", tags=["deliveries"])


class DeliveryRow(DeliveryOut):
    """A message with the alert that it speaks of, and the channels that are still open to it."""

    alert: int
    duty: int
    priority: int
    failover: list[str] = Field(description="the channels behind the present one")
    sent_at: datetime | None = Field(description="when a provider took it")
    replayed_by: str | None


class DeliveryPage(paging.Page):
    """A page of messages."""

    items: list[DeliveryRow]


class Replayed(BaseModel):
    """What became of a wish to send again."""

    delivery: int
    sent_again: bool
    reason: str


@router.get("", summary="Messages, newest first", responses=problem.described(401, 403, 422, 503))
async def list_deliveries(
    here: Here,
    caller: SignedIn,
    state: Annotated[State | None, Query(description="`dead`: what reached nobody")] = None,
    limit: Limit = 50,
    cursor: After = None,
) -> DeliveryPage:
    """Administrators: messages to their organisation's own contacts."""
    require(caller, ADMINISTRATORS, "the list of messages")
    (before,) = paging.decode(cursor, int)
    async with reading_as(here.pool, caller) as conn:
        rows = await fetch_all(conn, _Q["list_deliveries"], state=state, before=before, limit=limit + 1)
    page, last = paging.cut(rows, limit)
    return DeliveryPage(
        items=[DeliveryRow(**row) for row in page], next=paging.encode(last["id"]) if last else None
    )


@router.post(
    "/{delivery}/replay",
    summary="Send a dead message again",
    responses=problem.described(401, 403, 404, 409, 503),
)
async def replay(here: Here, caller: SignedIn, delivery: Annotated[int, Path(ge=1, lt=2**63)]) -> Replayed:
    """Administrators: back into the outbox, from the contact's first channel on. 409 when it is not dead,
    or when its duty was answered meanwhile."""
    require(caller, ADMINISTRATORS, "sending again")
    async with here.pool.connection() as conn:
        found = await dead_letters.replay(
            conn, delivery, actor(caller).name, here.clock(), organisation=caller.organisation_id
        )
    if found is None:
        raise problem.not_found("there is no such message, or it is not your organisation's")
    if not found.sent_again:
        raise problem.Problem(409, found.reason)
    return Replayed(delivery=delivery, sent_again=True, reason=found.reason)
