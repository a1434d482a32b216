"""What other packages ask of care (docs/seams.md), in the caller's open transaction; nothing commits.

Nothing here judges either: it says what was learned, and the sweep, woken, judges by the rules.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from psycopg.rows import DictRow

from alerts.model import Actor
from care.errors import BadTimes, NoSuchResident, NoSuchSuspension, NoSuchVisit, TooLate, UnknownReason
from care.estate_store import Q
from care.evidence import may_be_evidence
from care.model import HomeEvent, Scope
from care.reasons import CANCEL, SUSPEND, VERIFY
from care.store import ask_recheck
from db.pool import Connection, execute, fetch_one
from db.wake import CARE, wake

FURTHEST = timedelta(days=366)
"""How far off a person may date a suspension: beyond it lies a slip of the pen."""

EVER = timedelta(weeks=16)
"""Until when visits can be planned at all: the open end of a suspension."""


async def handle_events(conn: Connection, events: Sequence[HomeEvent], now: datetime) -> None:
    """Newly stored events: what of them may touch a visit is judged again.

    Called in intake's transaction, so it only ever adds rows and waits for nobody. Heartbeats matter where a
    visit could not be confirmed and the hub may now have said everything.
    """
    evidence = [event for event in events if may_be_evidence(event.type)]
    asked = 0
    if evidence:
        hubs = [event.hub_id for event in evidence]
        moments = [event.effective_at for event in evidence]
        asked += await execute(conn, Q["recheck_homes"], hubs=hubs, moments=moments, now=now)
        shown = [event for event in evidence if event.credential is not None]
        if shown:
            asked += await execute(
                conn,
                Q["recheck_behind_shared_doors"],
                hubs=[event.hub_id for event in shown],
                moments=[event.effective_at for event in shown],
                credentials=[event.credential for event in shown],
                shared=[event.scope is Scope.COMMUNAL for event in shown],
                now=now,
            )
    speaking = sorted({event.hub_id for event in events if not may_be_evidence(event.type)})
    if speaking:
        asked += await execute(conn, Q["recheck_unverified"], hubs=speaking, now=now)
    if asked:
        await wake(conn, CARE)


async def hub_heard(conn: Connection, hub_ids: Sequence[str], now: datetime) -> None:
    """Hubs heard again after a gap: their visits that could not be confirmed are judged again."""
    if hub_ids and await execute(conn, Q["recheck_unverified"], hubs=sorted(set(hub_ids)), now=now):
        await wake(conn, CARE)


async def verify_visit(
    conn: Connection,
    ref: str,
    actor: Actor,
    attended: bool,
    arrived_at: datetime | None,
    departed_at: datetime | None,
    reason: str,
    note: str | None,
    now: datetime,
) -> None:
    """A person's word on a visit, over raw evidence that stays as it is. The last word counts.

    Raises NoSuchVisit, UnknownReason, or BadTimes for times that contradict each other or lie in the future.
    """
    visit = await _visit(conn, ref)
    _known(reason, VERIFY)
    for moment in (arrived_at, departed_at):
        if moment is not None and moment > now:
            raise BadTimes("a visit cannot be verified with a time that has not come yet")
        if moment is not None and abs(moment - visit["start_at"]) > timedelta(days=2):
            raise BadTimes("that time is more than two days from the planned start")
    if arrived_at is not None and departed_at is not None and departed_at < arrived_at:
        raise BadTimes("the departure is earlier than the arrival")
    if not attended and (arrived_at is not None or departed_at is not None):
        raise BadTimes("a visit that was not attended has neither arrival nor departure")
    if attended and visit["start_at"] > now + timedelta(days=1):
        raise BadTimes("the visit is more than a day away")
    said = {"attended": attended, "arrived_at": arrived_at, "departed_at": departed_at, "note": note}
    await _adjust(conn, ref, actor, "verify", reason, now, **said)
    await _judge_soon(conn, ref, visit["resident_id"], visit["start_at"], now)


async def cancel_visit(conn: Connection, ref: str, actor: Actor, reason: str, now: datetime) -> None:
    """Says that a visit is not to be made. Later than its late time, the rules let it change nothing.

    Raises NoSuchVisit, UnknownReason, or TooLate when its verdict is settled.
    """
    visit = await _visit(conn, ref)
    _known(reason, CANCEL)
    if visit["plan"] == "cancelled":
        return
    if visit["next_check_at"] is None:
        raise TooLate("the verdict on this visit is settled; verify it instead")
    await execute(conn, Q["cancel_visit"], ref=ref, reason=CANCEL[reason], now=now)
    await _adjust(conn, ref, actor, "cancel", reason, now)
    await _judge_soon(conn, ref, visit["resident_id"], visit["start_at"], now)


async def suspend(
    conn: Connection,
    resident_id: str,
    actor: Actor,
    from_at: datetime,
    until_at: datetime | None,
    reason: str,
    now: datetime,
) -> int:
    """Expects no visits that start in [from_at, until_at), and returns the suspension's id.

    One that begins at the same moment as another of this resident takes its place. What is entered after a
    visit was already late changes nothing of that visit. Raises NoSuchResident, UnknownReason, BadTimes.
    """
    _known(reason, SUSPEND)
    if until_at is not None and until_at <= from_at:
        raise BadTimes("the end must be later than the beginning")
    if abs(from_at - now) > FURTHEST:
        raise BadTimes("the beginning is more than a year from now")
    made = await fetch_one(
        conn,
        Q["suspend"],
        resident_id=resident_id,
        from_at=from_at,
        until_at=until_at,
        reason=reason,
        told_by=actor.organisation_id,
        by=actor.name,
        now=now,
    )
    if made is None:
        raise NoSuchResident(f"there is no resident '{resident_id}'")
    await _recheck(conn, resident_id, from_at, until_at or now + EVER, now)
    return int(made["id"])


async def end_suspension(conn: Connection, suspension_id: int, actor: Actor, now: datetime) -> None:
    """Visits are expected again from now on; one that has not begun yet never will.

    Raises NoSuchSuspension, or TooLate when it is over already.
    """
    found = await fetch_one(conn, Q["suspension_to_end"], id=suspension_id)
    if found is None:
        raise NoSuchSuspension("there is no such suspension")
    if found["until_at"] is not None and found["until_at"] <= now:
        raise TooLate("this suspension is over already")
    await execute(conn, Q["end_suspension"], id=suspension_id, by=actor.name, now=now)
    await _recheck(conn, found["resident_id"], found["from_at"], found["until_at"] or now + EVER, now)


async def _visit(conn: Connection, ref: str) -> DictRow:
    found = await fetch_one(conn, Q["visit_to_change"], ref=ref)
    if found is None:
        raise NoSuchVisit(f"there is no visit '{ref}'")
    return found


def _known(reason: str, reasons: Mapping[str, str]) -> None:
    if reason not in reasons:
        raise UnknownReason(f"the reason must be one of {', '.join(reasons)}")


async def _adjust(
    conn: Connection, ref: str, actor: Actor, kind: str, reason: str, now: datetime, **said: object
) -> None:
    """Lays a person's word over what was recorded; what it does not say of a visit stays open."""
    silent = dict.fromkeys(("attended", "arrived_at", "departed_at", "note"))
    whose = {"by_name": actor.name, "organisation_id": actor.organisation_id}
    words = {**silent, **said, **whose}
    await execute(conn, Q["add_adjustment"], visit_ref=ref, at=now, kind=kind, reason=reason, **words)


async def _judge_soon(
    conn: Connection, ref: str, resident_id: str, start_at: datetime, now: datetime
) -> None:
    """A person's word waits for nothing, and their visit's neighbours are judged anew with it."""
    span = {"from_at": start_at, "until_at": start_at}
    await execute(conn, Q["recheck_visit"], ref=ref, resident_id=resident_id, now=now, **span)
    await _recheck(conn, resident_id, start_at, start_at, now)


async def _recheck(
    conn: Connection, resident_id: str, from_at: datetime, until_at: datetime, now: datetime
) -> None:
    await ask_recheck(conn, [(resident_id, from_at, until_at)], now)
    await wake(conn, CARE)
