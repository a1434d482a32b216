"""`/api/v1/duties`: one organisation's answers."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from api import acts, model, problem
from api.auth import Here, SignedIn
from api.inputs import Moment, Text

router = APIRouter(prefix="/duties/{duty}", tags=["duties"])

Number = Annotated[int, Path(ge=1, lt=2**63, description="the duty's number, not the alert's")]
_REFUSALS = problem.described(401, 403, 404, 409, 422, 503)


class Acknowledgement(BaseModel):
    """Somebody has taken this on."""

    note: Text | None = None
    eta: Moment | None = Field(
        None, description="when somebody will be there; the ladder starts again if not"
    )


class Closing(BaseModel):
    """How it ended."""

    outcome: Text = Field(description="one of the list of the duty's party (docs/alerts.md)")
    note: Text | None = None


class Note(BaseModel):
    """Words for the history."""

    text: Text


@router.post("/claim", summary="Claim", responses=_REFUSALS)
async def claim(here: Here, caller: SignedIn, duty: Number) -> model.AlertOut:
    """The duty's organisation: yours for 30 seconds; claim again to keep it. 409 names who has it."""
    return await acts.claim(here, caller, duty)


@router.post("/release", summary="Release a claim", responses=_REFUSALS)
async def release(here: Here, caller: SignedIn, duty: Number) -> model.AlertOut:
    """The duty's organisation: puts what you claimed back in its old place."""
    return await acts.release(here, caller, duty)


@router.post("/acknowledge", summary="Acknowledge", responses=_REFUSALS)
async def acknowledge(
    here: Here, caller: SignedIn, duty: Number, body: Acknowledgement | None = None
) -> model.AlertOut:
    """The duty's organisation: stops your own ladder; the other party's goes on. 409 names who has it."""
    said = body or Acknowledgement(note=None, eta=None)
    return await acts.acknowledge(here, caller, duty, said.note, said.eta)


@router.post("/close", summary="Close with an outcome", responses=_REFUSALS)
async def close(here: Here, caller: SignedIn, duty: Number, body: Closing) -> model.AlertOut:
    """The duty's organisation: ends your own duty. 409 names who has it, or who closed it."""
    return await acts.close(here, caller, duty, body.outcome, body.note)


@router.post("/note", summary="Add a note", responses=_REFUSALS)
async def note(here: Here, caller: SignedIn, duty: Number, body: Note) -> model.AlertOut:
    """The duty's organisation: words for the history."""
    return await acts.add_note(here, caller, duty, body.text)
