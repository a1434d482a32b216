"""What people do: seen under their own rights first, then decided by alerts and care in one transaction.

The API and the console act through these functions alone, so both refuse alike: 404 for what the caller may
not see, 403 for what they see and may not do, 409 naming who has it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from alerts import errors as alert_errors
from alerts import service as alert_service
from api import alert_store, model, visit_store
from api.auth import Services, actor, require
from api.home_store import find_resident
from api.problem import Problem, invalid, not_found
from api.tokens import Role
from care import errors as care_errors
from care import service as care_service
from db.caller import Caller, reading_as
from db.pool import Connection

OPERATORS: Final = frozenset({Role.OPERATOR})
CARE_MANAGERS: Final = frozenset({Role.CARE_MANAGER})

Act = Callable[[Connection, datetime], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Verification:
    """What a care manager says of a visit; times are aware."""

    attended: bool
    arrived_at: datetime | None
    departed_at: datetime | None
    reason: str
    note: str | None


# --- duties ---------------------------------------------------------------------------------------


async def claim(here: Services, caller: Caller, duty: int) -> model.AlertOut:
    """Takes a duty for half a minute; to claim what one has is to keep it. 409 names who has it."""
    return await _on_duty(
        here, caller, duty, lambda conn, now: alert_service.claim(conn, duty, actor(caller), now)
    )


async def renew(here: Services, caller: Caller, duty: int) -> model.AlertOut:
    """Keeps a claim for another half minute; 409 when it has ended."""
    return await _on_duty(
        here, caller, duty, lambda conn, now: alert_service.renew_claim(conn, duty, actor(caller), now)
    )


async def release(here: Services, caller: Caller, duty: int) -> model.AlertOut:
    """Puts a claimed duty back in its old place."""
    return await _on_duty(
        here, caller, duty, lambda conn, now: alert_service.release(conn, duty, actor(caller), now)
    )


async def acknowledge(
    here: Services, caller: Caller, duty: int, note: str | None, eta: datetime | None
) -> model.AlertOut:
    """Answers for one's own organisation; the other party's ladder goes on."""
    return await _on_duty(
        here,
        caller,
        duty,
        lambda conn, now: alert_service.acknowledge(conn, duty, actor(caller), now, note=note, eta=eta),
    )


async def close(here: Services, caller: Caller, duty: int, outcome: str, note: str | None) -> model.AlertOut:
    """Ends one's own duty with an outcome of its list."""
    return await _on_duty(
        here,
        caller,
        duty,
        lambda conn, now: alert_service.close(conn, duty, actor(caller), outcome, now, note=note),
    )


async def add_note(here: Services, caller: Caller, duty: int, text: str) -> model.AlertOut:
    """Adds words to the alert's history."""
    return await _on_duty(
        here, caller, duty, lambda conn, now: alert_service.add_note(conn, duty, actor(caller), text, now)
    )


async def take_next(here: Services, caller: Caller) -> model.AlertOut | None:
    """Claims the most urgent unclaimed alert of the operator's centre; None when there is none."""
    require(caller, OPERATORS, "taking the next alert")
    async with here.pool.connection() as conn:
        duty = await alert_service.claim_next(conn, caller.organisation_id, actor(caller), here.clock())
    if duty is None:
        return None
    async with reading_as(here.pool, caller) as conn:
        return await alert_store.find_alert(conn, duty=duty)


async def _on_duty(here: Services, caller: Caller, duty: int, act: Act) -> model.AlertOut:
    async with reading_as(here.pool, caller) as conn:
        if await alert_store.find_alert(conn, duty=duty) is None:
            raise not_found("there is no such duty, or it is not your organisation's")
    try:
        async with here.pool.connection() as conn:
            await act(conn, here.clock())
    except alert_errors.DutyRefused as refused:
        raise _duty_problem(refused) from None
    async with reading_as(here.pool, caller) as conn:
        shown = await alert_store.find_alert(conn, duty=duty)
    if shown is None:
        raise not_found()
    return shown


def _duty_problem(refused: alert_errors.DutyRefused) -> Problem:
    match refused:
        case alert_errors.HeldByAnother():
            return Problem(409, str(refused), holder=refused.holder)
        case alert_errors.NoSuchDuty():
            return not_found(str(refused))
        case alert_errors.UnknownOutcome():
            return invalid("body.outcome", str(refused))
        case alert_errors.EtaOutOfRange():
            return invalid("body.eta", str(refused))
        case alert_errors.BadNote():
            return invalid("body.note", str(refused))
        case _:
            return Problem(409, str(refused))


# --- visits ---------------------------------------------------------------------------------------


async def verify_visit(here: Services, caller: Caller, ref: str, said: Verification) -> model.VisitDetail:
    """A care manager's word on a visit, over evidence that stays as it is."""
    return await _on_visit(
        here,
        caller,
        ref,
        "verifying a visit",
        lambda conn, now: care_service.verify_visit(
            conn,
            ref,
            actor(caller),
            said.attended,
            said.arrived_at,
            said.departed_at,
            said.reason,
            said.note,
            now,
        ),
    )


async def cancel_visit(here: Services, caller: Caller, ref: str, reason: str) -> model.VisitDetail:
    """Says that a visit is not to be made."""
    return await _on_visit(
        here,
        caller,
        ref,
        "cancelling a visit",
        lambda conn, now: care_service.cancel_visit(conn, ref, actor(caller), reason, now),
    )


async def _on_visit(here: Services, caller: Caller, ref: str, what: str, act: Act) -> model.VisitDetail:
    async with reading_as(here.pool, caller) as conn:
        if await visit_store.find_visit(conn, ref) is None:
            raise not_found("there is no such visit, or it is not yours to see")
    require(caller, CARE_MANAGERS, what)
    await _in_care(here, act)
    async with reading_as(here.pool, caller) as conn:
        shown = await visit_store.visit_detail(conn, ref)
    if shown is None:
        raise not_found()
    return shown


async def suspend(
    here: Services,
    caller: Caller,
    resident: str,
    from_at: datetime,
    until_at: datetime | None,
    reason: str,
) -> model.SuspensionOut:
    """Expects no visits to a resident for a time."""
    async with reading_as(here.pool, caller) as conn:
        if await find_resident(conn, resident) is None:
            raise not_found("there is no such resident, or they are not yours to see")
    require(caller, CARE_MANAGERS, "suspending visits")
    made = await _in_care(
        here,
        lambda conn, now: care_service.suspend(conn, resident, actor(caller), from_at, until_at, reason, now),
    )
    return await _suspension(here, caller, made)


async def end_suspension(here: Services, caller: Caller, suspension: int) -> model.SuspensionOut:
    """Expects visits again from now on."""
    await _suspension(here, caller, suspension)
    require(caller, CARE_MANAGERS, "ending a suspension")
    await _in_care(here, lambda conn, now: care_service.end_suspension(conn, suspension, actor(caller), now))
    return await _suspension(here, caller, suspension)


async def _suspension(here: Services, caller: Caller, suspension: int) -> model.SuspensionOut:
    async with reading_as(here.pool, caller) as conn:
        found = await visit_store.find_suspension(conn, suspension)
    if found is None:
        raise not_found("there is no such suspension, or it is not yours to see")
    return found


async def _in_care(here: Services, act: Act) -> Any:
    try:
        async with here.pool.connection() as conn:
            return await act(conn, here.clock())
    except care_errors.CareRefused as refused:
        raise _care_problem(refused) from None


def _care_problem(refused: care_errors.CareRefused) -> Problem:
    match refused:
        case care_errors.NoSuchVisit() | care_errors.NoSuchResident() | care_errors.NoSuchSuspension():
            return not_found(str(refused))
        case care_errors.UnknownReason():
            return invalid("body.reason", str(refused))
        case care_errors.TooLate():
            return Problem(409, str(refused))
        case _:
            return Problem(422, str(refused))
