"""`/api/v1/hubs`: the units in homes, and commands down to them."""

import re
import secrets
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from api import home_store, hub_model, problem
from api.auth import Here, SignedIn, require
from api.inputs import Identifier
from api.paging import After, Limit
from api.tokens import Role
from db.caller import reading_as
from db.wake import COMMANDS, wake

router = APIRouter(prefix="/hubs", tags=["hubs"])

MAY: Final = frozenset({Role.OPERATOR, Role.ENGINEER})
MAY_SEE: Final = MAY | {Role.ADMINISTRATOR}

COMMAND_LASTS: Final = timedelta(seconds=30)
"""A door that opens later than this opens for nobody: past it the hub refuses (contract §2)."""
PROBE_LASTS: Final = timedelta(minutes=10)

HubId = Annotated[Identifier, Path()]


class CommandIn(BaseModel):
    """What the hub is to do."""

    type: Literal["door.release", "alarm.acknowledged", "probe"]
    data: dict[str, Any] = Field(
        default_factory=dict, description='`door.release`: `{"panel"}`; `alarm.acknowledged`: `{"alert"}`'
    )


@router.get("", summary="Hubs by id", responses=problem.described(401, 403, 422, 503))
async def list_hubs(
    here: Here, caller: SignedIn, limit: Limit = 50, cursor: After = None
) -> hub_model.HubPage:
    """Operators, engineers and administrators of the monitoring centre that runs them."""
    require(caller, MAY_SEE, "reading hubs")
    async with reading_as(here.pool, caller) as conn:
        return await home_store.list_hubs(conn, cursor=cursor, limit=limit)


@router.get("/{hub}", summary="One hub", responses=problem.described(401, 404, 422, 503))
async def get_hub(here: Here, caller: SignedIn, hub: HubId) -> hub_model.HubDetail:
    """Operators, engineers and administrators: with devices, gaps in hearing, and commands."""
    async with reading_as(here.pool, caller) as conn:
        found = await home_store.hub_detail(conn, hub)
    if found is None:
        raise problem.not_found("there is no such hub, or it is not yours to see")
    return found


@router.post(
    "/{hub}/commands",
    status_code=202,
    summary="Send a command",
    responses=problem.described(401, 403, 404, 409, 422, 503),
)
async def send_command(here: Here, caller: SignedIn, hub: HubId, body: CommandIn) -> hub_model.CommandOut:
    """Operators and engineers. The answer says `pending`; the state becomes `sent`, then what the hub says.

    A command is obeyed once, and refused by the hub past `expires_at` (30 seconds; a probe 10 minutes).
    """
    async with reading_as(here.pool, caller) as conn:
        found = await home_store.hub_detail(conn, hub)
    if found is None:
        raise problem.not_found("there is no such hub, or it is not yours to see")
    require(caller, MAY, "sending commands")
    if found.revoked_at is not None:
        raise problem.Problem(409, f"the credential of {hub} was withdrawn; no command reaches it")
    if found.adapter is not None:
        raise problem.Problem(409, f"{hub} is a bridge of another maker and takes no commands")
    data = _checked(body, found)
    now = here.clock()
    lasts = PROBE_LASTS if body.type == "probe" else COMMAND_LASTS
    async with here.pool.connection() as conn:
        made = await home_store.insert_command(
            conn,
            command=f"cmd-{secrets.token_hex(12)}",
            hub=hub,
            kind=body.type,
            data=data,
            by=caller.name,
            now=now,
            expires=now + lasts,
        )
        await wake(conn, COMMANDS)
    return made


def _checked(body: CommandIn, hub: hub_model.HubDetail) -> dict[str, Any]:
    """Only what the contract names goes down to a home."""
    if body.type == "probe":
        return {}
    if body.type == "alarm.acknowledged":
        alert = body.data.get("alert")
        if isinstance(alert, bool) or not re.fullmatch(r"[1-9][0-9]{0,17}", str(alert)):
            raise problem.invalid("body.data.alert", "name the alert by its number")
        return {"alert": str(alert)}
    panel = body.data.get("panel")
    panels = [device.id for device in hub.devices if device.kind in ("door_panel", "door_reader", "lock")]
    if not isinstance(panel, str) or panel not in panels:
        known = ", ".join(panels) or "none"
        raise problem.invalid("body.data.panel", f"this hub has no such door panel; it has: {known}")
    return {"panel": panel}
