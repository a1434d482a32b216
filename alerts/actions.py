"""What people do with a duty: claim, release, acknowledge, close, note. Each locks its row, asks
`alerts.duties`, and writes state, history and the live stream in the caller's transaction; a refusal changes
nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from alerts import duties, metrics, store
from alerts.classify import ACCESS, DOOR_REPAIR, LIFE_SAFETY, SILENT_AT_THE_UNIT, WELFARE, dedupe_key
from alerts.duties import acknowledged, claimed, closed
from alerts.errors import BadNote, NoSuchDuty, UnknownOutcome
from alerts.escalate import new_duty, open_duties
from alerts.model import Actor, Duty, DutyState, Priority, Role
from alerts.outcomes import outcomes_for
from alerts.routing import landlords_fault
from alerts.store import History, News, Q, as_rows
from db.pool import Connection, execute, fetch_all, fetch_one
from db.wake import ALERTS, COMMANDS, wake

LONGEST_NOTE = 4000
"""Characters: a page. More belongs into a document."""
UNIT_IS_TOLD_FOR = timedelta(minutes=5)
"""'Help is coming' is worth saying at the unit for so long; later it would only puzzle."""

DOORS = frozenset({*ACCESS, "door.call"})


async def claim(conn: Connection, duty_id: int, actor: Actor, now: datetime) -> Duty:
    """Takes a duty in hand for 30 seconds; to claim it again is to renew it.

    Raises NoSuchDuty, DutyClosed, HeldByAnother.
    """
    duty = await _locked(conn, duty_id)
    after = claimed(duty, actor.name, now)
    await _save(conn, after, actor, now, None if duty.holder(now) == actor.name else "claimed")
    return after


async def renew_claim(conn: Connection, duty_id: int, actor: Actor, now: datetime) -> Duty:
    """Keeps a claim for another lease. Raises NoSuchDuty, DutyClosed, NotHeld."""
    after = duties.renewed(await _locked(conn, duty_id), actor.name, now)
    await _save(conn, after, actor, now, None)
    return after


async def release(conn: Connection, duty_id: int, actor: Actor, now: datetime) -> Duty:
    """Puts a duty back in its old place. Raises NoSuchDuty, NotHeld."""
    after = duties.released(await _locked(conn, duty_id), actor.name, now)
    await _save(conn, after, actor, now, "released")
    await wake(conn, ALERTS)
    return after


async def claim_next(conn: Connection, organisation_id: str, actor: Actor, now: datetime) -> int | None:
    """Claims the most urgent open duty of a monitoring centre that nobody holds; None when there is none.

    Two operators at the same moment get two different duties.
    """
    row = await fetch_one(conn, Q["next_in_queue"], organisation=organisation_id, now=now)
    if row is None:
        return None
    after = claimed(store.duty_from(row), actor.name, now)
    await _save(conn, after, actor, now, "claimed")
    return after.id


async def acknowledge(
    conn: Connection,
    duty_id: int,
    actor: Actor,
    now: datetime,
    note: str | None = None,
    eta: datetime | None = None,
) -> Duty:
    """Answers this duty alone; its ladder stops, and with an ETA starts again ten minutes after it.

    A later acknowledgement replaces an earlier one, with its ETA. Raises NoSuchDuty, DutyClosed,
    HeldByAnother, EtaOutOfRange, BadNote.
    """
    text = _text(note)
    duty = await _locked(conn, duty_id)
    after = acknowledged(duty, actor.name, eta, now)
    detail: dict[str, Any] = {"note": text} if text else {}
    if eta is not None:
        detail["eta"] = eta
    await _save(conn, after, actor, now, "acknowledged", detail)
    await _withdraw(conn, duty_id)
    alert = await _alert(conn, duty.alert_id)
    await _tell_others(conn, alert, after, now)
    _measure(duty, "acknowledged", now)
    if duty.role is Role.MONITORING_CENTRE:
        await _tell_the_unit(conn, alert, after, actor, now)
    return after


async def close(
    conn: Connection, duty_id: int, actor: Actor, outcome: str, now: datetime, note: str | None = None
) -> Duty:
    """Ends a duty with an outcome from its party's list; the alert ends with its last duty.

    Raises NoSuchDuty, DutyClosed, HeldByAnother, UnknownOutcome, BadNote.
    """
    text = _text(note)
    await execute(conn, Q["lock_alert_of_duty"], duty=duty_id)
    duty = await _locked(conn, duty_id)
    allowed = outcomes_for(duty.role)
    if outcome not in allowed and duty.state is not DutyState.CLOSED:
        raise UnknownOutcome(outcome, sorted(allowed))
    after = closed(duty, actor.name, outcome, now)
    detail = {"outcome": outcome} | ({"note": text} if text else {})
    await _save(conn, after, actor, now, "closed", detail)
    await _withdraw(conn, duty_id)
    alert = await _alert(conn, duty.alert_id)
    await _tell_others(conn, alert, after, now)
    _measure(duty, "closed", now)
    await execute(conn, Q["close_finished_alert"], alert=duty.alert_id, now=now)
    if duty.role is Role.MONITORING_CENTRE and alert.scheme and alert.kind in DOORS:
        await _hand_to_landlords(conn, alert, now)
    return after


async def add_note(conn: Connection, duty_id: int, actor: Actor, text: str, now: datetime) -> Duty:
    """Writes words beside a duty, open or closed. Raises NoSuchDuty, BadNote."""
    words = _text(text)
    if words is None:
        raise BadNote("it has no words")
    duty = await _locked(conn, duty_id)
    await store.add_history(conn, [_line(duty, actor, "noted", {"note": words}, now)], now)
    await store.add_feed(conn, [_own_news(duty, "noted")], now)
    return duty


@dataclass(frozen=True, slots=True)
class _Alert:
    id: int
    kind: str
    priority: int
    hub_id: str | None
    device: str | None
    scheme: str | None
    dwelling_id: str | None
    organisations: tuple[str, ...]


async def _alert(conn: Connection, alert_id: int) -> _Alert:
    row = await fetch_one(conn, Q["parties_of_alert"], alert=alert_id)
    if row is None:
        raise LookupError(f"alert {alert_id} has a duty and no row")
    return _Alert(**{**row, "organisations": tuple(row["organisations"])})


async def _locked(conn: Connection, duty_id: int) -> Duty:
    # Beyond a bigint there is no row; PostgreSQL would call it an error of ours.
    duty = await store.lock_duty(conn, duty_id) if 0 < duty_id < 2**63 else None
    if duty is None:
        raise NoSuchDuty(duty_id)
    return duty


async def _save(
    conn: Connection,
    duty: Duty,
    actor: Actor,
    now: datetime,
    what: str | None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    await store.save_duties(conn, [duty])
    if what is not None:
        await store.add_history(conn, [_line(duty, actor, what, detail or {}, now)], now)
        await store.add_feed(conn, [_own_news(duty, what)], now)


def _line(duty: Duty, actor: Actor, what: str, detail: Mapping[str, Any], now: datetime) -> History:
    said = {**detail, "organisation": actor.organisation_id}
    return History(duty.alert_id, duty.id, now, what, actor.name, said)


def _own_news(duty: Duty, change: str) -> News:
    payload = {"duty": duty.id, "alert": duty.alert_id, "state": duty.state, "change": change}
    return News("duty", (duty.organisation_id,), {**payload, "priority": duty.priority})


async def _tell_others(conn: Connection, alert: _Alert, duty: Duty, now: datetime) -> None:
    """The other parties see that one of them has answered; no more than its state."""
    others = tuple(name for name in alert.organisations if name != duty.organisation_id)
    payload = {"alert": alert.id, "kind": alert.kind, "priority": alert.priority, "change": "party"}
    await store.add_feed(conn, [News("alert", others, payload)], now)


async def _withdraw(conn: Connection, duty_id: int) -> None:
    """An answered duty tells nobody any more what nobody has read yet."""
    await execute(conn, Q["withdraw_of_duties"], duties=[duty_id])


async def _tell_the_unit(conn: Connection, alert: _Alert, duty: Duty, actor: Actor, now: datetime) -> None:
    """Help is coming: said at the unit, except where somebody unwelcome may listen (domain/alarms.md §1)."""
    spoken = alert.kind in LIFE_SAFETY or alert.kind in WELFARE
    if alert.hub_id is None or not spoken or alert.kind in SILENT_AT_THE_UNIT:
        return
    issued = await execute(
        conn,
        Q["tell_the_unit"],
        id=f"alert-{alert.id}-duty-{duty.id}",
        hub=alert.hub_id,
        data=Jsonb({"alert": str(alert.id)}),
        now=now,
        expires_at=now + UNIT_IS_TOLD_FOR,
        by=actor.name,
    )
    if issued:
        await wake(conn, COMMANDS)


async def _hand_to_landlords(conn: Connection, alert: _Alert, now: datetime) -> None:
    """A scheme's door is also the landlord's, as a fault, once the call is closed (domain/alarms.md §1).

    It is an alert of its own: a new call at the same door must not fold into one that the operator has left.
    """
    landlords = await fetch_all(conn, Q["landlords_of_scheme"], scheme=alert.scheme)
    if not landlords:
        return
    row = {
        "kind": DOOR_REPAIR,
        "priority": Priority.TECHNICAL,
        "dedupe_key": dedupe_key(alert.hub_id or "", alert.device, DOOR_REPAIR),
        "hub_id": alert.hub_id,
        "device": alert.device,
        "scheme": alert.scheme,
        "dwelling_id": alert.dwelling_id,
        "resident_id": None,
        "raised_at": now,
        "last_press_at": now,
        "reason": "The monitoring centre has closed a call about this door",
        "data": {"alert": alert.id},
        "press_count": 1,
    }
    opened = []
    for raised in await fetch_all(conn, Q["raise_alerts"], rows=as_rows([row]), now=now):
        if raised["is_new"]:
            metrics.RAISED.labels(metrics.kind_label(DOOR_REPAIR)).inc()
            owed = [landlords_fault(landlord["landlord_id"]) for landlord in landlords]
            opened += [new_duty(raised["id"], duty, now) for duty in owed if duty is not None]
            line = History(raised["id"], None, now, "raised", detail={"reason": row["reason"]})
            await store.add_history(conn, [line], now)
    await open_duties(conn, opened, now)


def _text(note: str | None) -> str | None:
    """A note as it can be kept; None when there is none. Raises BadNote."""
    if note is None or not note.strip():
        return None
    if len(note) > LONGEST_NOTE:
        raise BadNote(f"it is longer than {LONGEST_NOTE} characters")
    if "\x00" in note or any("\ud800" <= character <= "\udfff" for character in note):
        raise BadNote("it holds characters that are no text")
    return note.strip()


def _measure(duty: Duty, answer: str, now: datetime) -> None:
    metrics.ANSWERS.labels(duty.role, answer).inc()
    if duty.acknowledged_at is None:
        metrics.ANSWER_SECONDS.labels(duty.role).observe(max(0.0, (now - duty.raised_at).total_seconds()))
