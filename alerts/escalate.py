"""Carries out what became of duties: the cursor, history, messages and the live stream, in one transaction.

What is to be done was decided before by `alerts.duties`; here it is written, for many duties at once with a
few statements. The monitoring centre joins here, with a duty of its own.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from alerts import metrics, store
from alerts.duties import Decision, decide
from alerts.ladder import Audience, StepDue
from alerts.letters import AlertFacts, facts_of
from alerts.model import Duty, DutyState
from alerts.reach import Address, Staff, addresses, reaches
from alerts.retry import Purpose
from alerts.routing import Owed, centre_joins
from alerts.store import History, News, OutboxRow
from alerts.wording import Correction, message_for
from db.pool import Connection
from db.wake import ALERTS, DELIVER, wake

Contacts = Mapping[str, Staff]


def new_duty(alert_id: int, owed: Owed, raised_at: datetime) -> Duty:
    """A duty that is about to be opened; its ladder begins at the raise."""
    return Duty(
        id=0,
        alert_id=alert_id,
        organisation_id=owed.organisation_id,
        role=owed.role,
        state=DutyState.OPEN,
        priority=owed.priority,
        raised_at=raised_at,
        ladder=owed.ladder.name,
        ladder_step=owed.ladder.step,
        critical=owed.critical,
        step_from=raised_at,
        next_check_at=raised_at,
    )


async def open_duties(conn: Connection, duties: Sequence[Duty], now: datetime) -> list[Duty]:
    """Opens duties and takes every step that is due by `now`; those that exist already stay as they are."""
    contacts = await store.contacts_of(conn, {duty.organisation_id for duty in duties}, now)
    decisions = {_party(duty): _decided(duty, contacts, now) for duty in duties}
    opened = await store.open_duties(conn, [decision.duty for decision in decisions.values()])
    carried = [replace(decisions[_party(duty)], duty=duty) for duty in opened]
    await _carry_out(conn, carried, contacts, now)
    if opened:
        await wake(conn, ALERTS)  # the sweep may have to look sooner than at its next tick
    return opened


async def climb(conn: Connection, duties: Sequence[Duty], now: datetime) -> list[Decision]:
    """Takes every step of these locked duties that is due by `now`, and writes when to look again."""
    contacts = await store.contacts_of(conn, {duty.organisation_id for duty in duties}, now)
    decisions = [_decided(duty, contacts, now) for duty in duties]
    await store.save_duties(conn, [decision.duty for decision in decisions])
    await _carry_out(conn, decisions, contacts, now)
    return decisions


def _party(duty: Duty) -> tuple[int, str, str]:
    return duty.alert_id, duty.organisation_id, duty.role


def _decided(duty: Duty, contacts: Contacts, now: datetime) -> Decision:
    staff = contacts[duty.organisation_id]

    def reached(audience: Audience, at: datetime) -> bool:
        # A step that was due while nobody looked is told now: who could have been told then is no help.
        return reaches(audience, staff, max(at, now), critical=duty.critical)

    return decide(duty, reached, now)


async def _carry_out(
    conn: Connection, decisions: Sequence[Decision], contacts: Contacts, now: datetime
) -> None:
    told = [(decision, _told(decision, contacts, now)) for decision in decisions]
    calling = [step for decision in decisions if (step := _calls_the_centre(decision)) is not None]
    alerts = {decision.duty.alert_id for decision, to in told if to or _calls_the_centre(decision)}
    facts = await facts_of(conn, alerts)
    outbox = [
        _message(decision, address, step, facts[decision.duty.alert_id])
        for decision, to in told
        for address, step in to.items()
    ]
    async with conn.pipeline():  # sent in one go
        await store.add_history(conn, [line for decision in decisions for line in _history(decision)], now)
        await store.add_deliveries(conn, outbox, now)
        await store.add_feed(conn, [item for decision in decisions for item in _news(decision)], now)
        if outbox:
            await wake(conn, DELIVER)
    for decision in decisions:
        for step in decision.steps:
            metrics.STEPS.labels(step.audience, "skipped" if step.skipped else "taken").inc()
    if calling:
        await _call_centres(conn, decisions, facts, now)


def _told(decision: Decision, contacts: Contacts, now: datetime) -> dict[Address, StepDue]:
    """Each address once, with the last step that speaks to it: a sweep that slept sends no pile."""
    duty, told = decision.duty, dict[Address, StepDue]()
    staff = contacts[duty.organisation_id]
    for step in decision.steps:
        if not step.skipped:
            told |= dict.fromkeys(addresses(step.audience, staff, now, critical=duty.critical), step)
    return told


def _calls_the_centre(decision: Decision) -> StepDue | None:
    return next((step for step in decision.steps if step.audience is Audience.MONITORING_CENTRE), None)


async def _call_centres(
    conn: Connection, decisions: Sequence[Decision], facts: Mapping[int, AlertFacts], now: datetime
) -> None:
    """The welfare call: once in an alert, whichever party's ladder gets there first (domain/visits.md §7)."""
    first: dict[int, tuple[datetime, Duty]] = {}
    for decision in decisions:
        step = _calls_the_centre(decision)
        if step is None:
            continue
        alert = decision.duty.alert_id
        if alert not in first or step.due_at < first[alert][0]:
            first[alert] = (step.due_at, decision.duty)
    joining = []
    for alert, (due_at, duty) in first.items():
        owed = centre_joins(facts[alert].monitoring_centre, duty.ladder_step, critical=duty.critical)
        if owed is not None:
            joining.append(new_duty(alert, owed, due_at))
    opened = await open_duties(conn, joining, now)
    lines = [History(duty.alert_id, duty.id, duty.raised_at, "joined") for duty in opened]
    await store.add_history(conn, lines, now)
    news = [
        News("alert", facts[duty.alert_id].organisations, _alert_payload(facts[duty.alert_id], "joined"))
        for duty in opened
    ]
    await store.add_feed(conn, news, now)


def _alert_payload(facts: AlertFacts, change: str) -> dict[str, object]:
    return {
        "alert": facts.facts.alert_id,
        "kind": facts.facts.kind,
        "priority": facts.facts.priority,
        "change": change,
    }


def _history(decision: Decision) -> Iterable[History]:
    duty = decision.duty
    if decision.released is not None:
        at = decision.released_at or duty.raised_at
        yield History(duty.alert_id, duty.id, at, "released", detail={"from": decision.released})
    if decision.rearmed_at is not None:
        yield History(duty.alert_id, duty.id, decision.rearmed_at, "eta_passed")
    for _, same in groupby(decision.steps, key=lambda step: (step.number, step.repeated, step.skipped)):
        steps = list(same)
        detail: dict[str, object] = {
            "step": steps[0].number,
            "audience": steps[0].audience,
            "skipped": steps[0].skipped,
            "repeated": steps[0].repeated,
            "reason": steps[0].reason,
        }
        if len(steps) > 1:
            detail |= {"times": len(steps), "last_at": steps[-1].due_at}
        yield History(duty.alert_id, duty.id, steps[0].due_at, "step", detail=detail)


def _news(decision: Decision) -> Iterable[News]:
    duty = decision.duty
    changes = []
    if decision.released is not None:
        changes.append("released")
    if decision.rearmed_at is not None:
        changes.append("eta_passed")
    taken = [step for step in decision.steps if not step.skipped]
    if taken:
        changes.append("raised" if _begins(decision) else "step")
    for change in changes:
        payload = {
            "duty": duty.id,
            "alert": duty.alert_id,
            "state": duty.state,
            "change": change,
            "priority": duty.priority,
            "step": duty.step,
        }
        yield News("duty", (duty.organisation_id,), payload)


def _begins(decision: Decision) -> bool:
    """Nobody was told of this duty before."""
    first = decision.steps[0]
    return first.number == 1 and not first.repeated and decision.rearmed_at is None


def _message(decision: Decision, address: Address, step: StepDue, facts: AlertFacts) -> OutboxRow:
    duty = decision.duty
    purpose = Purpose.RAISE if _begins(decision) else Purpose.REMINDER
    return outbox_row(duty, address, facts, purpose, step.number, step.due_at)


def outbox_row(
    duty: Duty,
    address: Address,
    facts: AlertFacts,
    purpose: Purpose,
    step: int,
    due_at: datetime,
    correction: Correction | None = None,
    corrects: int | None = None,
) -> OutboxRow:
    """One message of a duty to one address. The key is the same whenever the same thing is said again."""
    said = f"{duty.id}|{purpose}|{step}|{due_at.isoformat()}|{address.contact_id}|{address.channel}"
    message = message_for(duty.role, duty.organisation_id, facts.facts, purpose, correction)
    return OutboxRow(
        alert_id=duty.alert_id,
        duty_id=duty.id,
        organisation_id=duty.organisation_id,
        contact_id=address.contact_id,
        channel=address.channel,
        failover=address.failover,
        purpose=purpose,
        step=step,
        priority=duty.priority,
        idempotency_key=f"msg_{hashlib.sha256(said.encode()).hexdigest()[:32]}",
        message={"template": message.template, "fields": message.fields},
        corrects=corrects,
    )
