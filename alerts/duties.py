"""What has become of this duty by now? Pure: a duty's row, who is reachable and `now` in, a decision out.

A duty is open, acknowledged or closed; the ladder's step is a cursor beside that (DESIGN, Words). Sources:
domain/visits.md §7, domain/alarms.md §1 and §2.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.errors import DutyClosed, EtaOutOfRange, HeldByAnother, NotHeld
from alerts.ladder import Reaches, StepDue, next_step, restore, steps_due
from alerts.model import Duty, DutyState

LEASE = timedelta(seconds=30)
"""A claim ends by itself when the console has been away for so long (domain/alarms.md §2)."""
ARRIVAL_GRACE = timedelta(minutes=10)
"""So long after a promised arrival the ladder starts again (domain/visits.md §7)."""
LONGEST_ETA = timedelta(hours=24)
"""A promise for later than this is a new plan, not an answer to this alert."""
IDLE_LOOK = timedelta(hours=24)
"""A duty whose ladder has ended while it is open is still looked at: no open duty is without a next check."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a duty: `duty` is the row to be written, `next_check_at` in it.

    `steps` are those that fell due, in order, each with its true due time. `released`: whose claim ended, and
    when.
    `rearmed_at`: when a promised arrival was given up and the ladder started again.
    """

    duty: Duty
    steps: tuple[StepDue, ...] = ()
    released: str | None = None
    released_at: datetime | None = None
    rearmed_at: datetime | None = None


def decide(duty: Duty, reaches: Reaches, now: datetime) -> Decision:
    """Every consequence of time for this duty up to and including `now`.

    Deciding twice is deciding once: what comes out has no step due at or before `now`, unless it is held.
    """
    if duty.state is DutyState.CLOSED:
        return Decision(replace(duty, next_check_at=None, claimed_by=None, claimed_at=None, lease_until=None))
    if duty.holder(now) is not None:
        # Somebody is at it: the ladder waits for the claim to be renewed, or to end.
        return Decision(replace(duty, next_check_at=duty.lease_until))
    lapsed = Decision(duty, released=duty.claimed_by, released_at=duty.lease_until)
    duty = replace(duty, claimed_by=None, claimed_at=None, lease_until=None)
    if duty.state is DutyState.ACKNOWLEDGED:
        rearm_at = rearms_at(duty)
        if rearm_at is None or rearm_at > now:
            return replace(lapsed, duty=replace(duty, next_check_at=rearm_at))
        lapsed = replace(lapsed, rearmed_at=rearm_at)
        duty = replace(duty, state=DutyState.OPEN, eta=None, step=0, stepped_at=None, step_from=rearm_at)
    return _climb(replace(lapsed, duty=duty), reaches, now)


def rearms_at(duty: Duty) -> datetime | None:
    """When the ladder of an acknowledged duty starts again; None without a promised arrival."""
    return None if duty.eta is None else duty.eta + ARRIVAL_GRACE


def claimed(duty: Duty, by: str, now: datetime) -> Duty:
    """In one person's hands; to claim what one has is to renew it. Raises DutyClosed, HeldByAnother."""
    _free_for(duty, by, now)
    since = duty.claimed_at if duty.holder(now) == by else now
    until = now + LEASE
    return replace(duty, claimed_by=by, claimed_at=since, lease_until=until, next_check_at=until)


def renewed(duty: Duty, by: str, now: datetime) -> Duty:
    """The claim for another lease. Raises NotHeld when it has ended: it may be in the queue again by now."""
    if duty.holder(now) != by:
        raise NotHeld(duty.id)
    return claimed(duty, by, now)


def released(duty: Duty, by: str, now: datetime) -> Duty:
    """Back in its old place, and looked at at once. Raises NotHeld."""
    if duty.holder(now) != by:
        raise NotHeld(duty.id)
    return replace(duty, claimed_by=None, claimed_at=None, lease_until=None, next_check_at=now)


def acknowledged(duty: Duty, by: str, eta: datetime | None, now: datetime) -> Duty:
    """Answered: the ladder of this duty alone stops; with an ETA it starts again if that passes.

    A claim stays in force. Raises DutyClosed, HeldByAnother, EtaOutOfRange.
    """
    _free_for(duty, by, now)
    if eta is not None and eta < now:
        raise EtaOutOfRange(eta, LONGEST_ETA, past=True)
    if eta is not None and eta > now + LONGEST_ETA:
        raise EtaOutOfRange(eta, LONGEST_ETA, past=False)
    answered = replace(duty, state=DutyState.ACKNOWLEDGED, acknowledged_by=by, acknowledged_at=now, eta=eta)
    held_until = duty.lease_until if duty.holder(now) else None
    return replace(answered, next_check_at=held_until or rearms_at(answered))


def closed(duty: Duty, by: str, outcome: str, now: datetime) -> Duty:
    """Done. Raises DutyClosed, HeldByAnother; the outcome was checked before."""
    _free_for(duty, by, now)
    return finished(duty, by, outcome, now)


def finished(duty: Duty, by: str, outcome: str, now: datetime) -> Duty:
    """Done, whoever holds it: the cause itself is gone."""
    return replace(
        duty,
        state=DutyState.CLOSED,
        closed_by=by,
        closed_at=now,
        outcome=outcome,
        next_check_at=None,
        claimed_by=None,
        claimed_at=None,
        lease_until=None,
    )


def _free_for(duty: Duty, by: str, now: datetime) -> None:
    if duty.state is DutyState.CLOSED:
        raise DutyClosed(duty.id, duty.closed_by, duty.closed_at)
    holder = duty.holder(now)
    if holder is not None and holder != by and duty.lease_until is not None:
        raise HeldByAnother(duty.id, holder, duty.lease_until)


def _climb(so_far: Decision, reaches: Reaches, now: datetime) -> Decision:
    duty = so_far.duty
    ladder = restore(duty.ladder, duty.ladder_step)
    taken = tuple(
        steps_due(ladder, duty.step_from, reaches, after_step=duty.step, after=duty.stepped_at, until=now)
    )
    if taken:
        duty = replace(duty, step=taken[-1].number, stepped_at=taken[-1].due_at)
    following = next_step(ladder, duty.step_from, reaches, after_step=duty.step, after=duty.stepped_at)
    next_check_at = following.due_at if following else now + IDLE_LOOK
    return replace(so_far, duty=replace(duty, next_check_at=next_check_at), steps=taken)
