"""When does which step of a duty's ladder fall due, and who is told then? Pure: data in, steps out.

Sources: domain/visits.md §7 (visits), domain/alarms.md §1 (alarms), contract §6 (`step_at`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.model import Role, VisitAlertKind


class Audience(StrEnum):
    """Whom a step speaks to; the duty's organisation says which people that are."""

    ON_CALL = "on_call"
    ALL_CONTACTS = "all_contacts"
    MONITORING_CENTRE = "monitoring_centre"
    QUEUE = "queue"
    ALL_OPERATORS = "all_operators"
    FALLBACK = "fallback"


ALWAYS_SOMEBODY = frozenset({Audience.MONITORING_CENTRE, Audience.QUEUE, Audience.ALL_OPERATORS})
"""The monitoring centre always has its queue, and the queue is before all its operators."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One step: its number from 1, its distance from the beginning of the ladder, whom it tells."""

    number: int
    after: timedelta
    audience: Audience


@dataclass(frozen=True, slots=True)
class Ladder:
    """Rungs in order; the last one repeats every `repeat_every`. None: when they are done, they are done.

    `name` and `step` are what a duty's row keeps; `restore` makes the ladder from them again.
    """

    name: str
    rungs: tuple[Rung, ...]
    repeat_every: timedelta | None
    step: timedelta | None = None


Reaches = Callable[[Audience, datetime], bool]
"""Whether anybody of an audience can be told at a moment: rotas and quiet hours have their times."""


@dataclass(frozen=True, slots=True)
class StepDue:
    """A step that falls due at `due_at`. `skipped`: nobody is there, the next is due at the same moment."""

    number: int
    due_at: datetime
    audience: Audience
    skipped: bool
    repeated: bool
    reason: str


VISIT = "visit"
VISIT_ONCE = "visit.once"
VISIT_CENTRE = "visit.centre"
TECHNICAL = "technical"
REPAIR = "repair"

_ZERO = timedelta(0)
_TECHNICAL_REMINDER = timedelta(hours=24)
"""A fault keeps its owner reminded once a day, until somebody answers for it."""

_ALARMS: dict[int, tuple[timedelta, timedelta, timedelta]] = {
    # priority: unclaimed after, fallback after, fallback again every (the distance of the first two steps,
    # as priority 1 has it; domain/alarms.md §1 leaves it open for 2 and 3)
    1: (timedelta(seconds=60), timedelta(seconds=180), timedelta(seconds=60)),
    2: (timedelta(minutes=3), timedelta(minutes=10), timedelta(minutes=3)),
    3: (timedelta(minutes=3), timedelta(minutes=10), timedelta(minutes=3)),
}


def visit_ladder(kind: str, role: Role, a: timedelta) -> Ladder:
    """The ladder of one party's duty in a visit alert; `a` is the tier's step, doubled here for unverified.

    Source: domain/visits.md §7. The centre's duty begins with the first third step and repeats with it.
    """
    if kind == VisitAlertKind.LATE:
        return restore(VISIT_ONCE, None)
    step = 2 * a if kind == VisitAlertKind.UNVERIFIED else a
    return restore(VISIT_CENTRE if role is Role.MONITORING_CENTRE else VISIT, step)


def alarm_ladder(priority: int) -> Ladder:
    """The ladder of a centre's duty in an alarm or a fault (domain/alarms.md §1)."""
    return restore(f"alarm.{priority}" if priority in _ALARMS else TECHNICAL, None)


def restore(name: str, step: timedelta | None) -> Ladder:
    """The ladder that a duty's row names. Raises ValueError for a name or a step that no ladder has."""
    rungs: tuple[Rung, ...]
    if name == VISIT_ONCE:
        return Ladder(name, (Rung(1, _ZERO, Audience.ON_CALL),), None)
    if name == TECHNICAL:
        rungs = (Rung(1, _ZERO, Audience.QUEUE), Rung(2, _TECHNICAL_REMINDER, Audience.ALL_CONTACTS))
        return Ladder(name, rungs, _TECHNICAL_REMINDER)
    if name == REPAIR:
        rungs = (Rung(1, _ZERO, Audience.ON_CALL), Rung(2, _TECHNICAL_REMINDER, Audience.ALL_CONTACTS))
        return Ladder(name, rungs, _TECHNICAL_REMINDER)
    if name in (VISIT, VISIT_CENTRE):
        if step is None or step <= _ZERO:
            raise ValueError(f"the ladder '{name}' needs a step longer than nothing, not {step}")
        if name == VISIT_CENTRE:
            rungs = (Rung(1, _ZERO, Audience.QUEUE), Rung(2, step, Audience.ALL_OPERATORS))
        else:
            rungs = (
                Rung(1, _ZERO, Audience.ON_CALL),
                Rung(2, step, Audience.ALL_CONTACTS),
                Rung(3, 2 * step, Audience.MONITORING_CENTRE),
            )
        return Ladder(name, rungs, step, step)
    family, _, priority = name.partition(".")
    if family == "alarm" and priority.isdecimal() and int(priority) in _ALARMS:
        unclaimed, fallback, again = _ALARMS[int(priority)]
        rungs = (
            Rung(1, _ZERO, Audience.QUEUE),
            Rung(2, unclaimed, Audience.ALL_OPERATORS),
            Rung(3, fallback, Audience.FALLBACK),
        )
        return Ladder(name, rungs, again)
    raise ValueError(f"there is no ladder named '{name}'")


def steps_due(
    ladder: Ladder,
    began_at: datetime,
    reaches: Reaches,
    *,
    after_step: int,
    after: datetime | None,
    until: datetime,
) -> Iterator[StepDue]:
    """Every step that falls due up to and including `until`, in order, each with its true due time.

    `after_step` and `after` are the last step taken and when that was due (0 and None: none yet).
    `reaches` says whether an audience has anybody at a moment; a rung that reaches nobody comes out as
    skipped and the next falls due at the same moment, keeping its own distance to those behind it. The last
    rung of a ladder that repeats is never skipped, and its repetitions carry its number.
    """
    number, at = after_step, after
    while (step := next_step(ladder, began_at, reaches, after_step=number, after=at)) is not None:
        if step.due_at > until:
            return
        yield step
        number, at = step.number, step.due_at
        if step.skipped:
            # Wind the time back, so that the distance of the next rung leads to this same moment.
            at = step.due_at - _distance(ladder, number)


def next_step(
    ladder: Ladder,
    began_at: datetime,
    reaches: Reaches,
    *,
    after_step: int,
    after: datetime | None,
) -> StepDue | None:
    """The step behind the last one taken, whenever it falls due; None when the ladder has ended."""
    last = ladder.rungs[-1]
    repeated = after_step >= last.number
    if repeated and ladder.repeat_every is None:
        return None
    if after is None:
        rung, due_at = ladder.rungs[0], began_at + ladder.rungs[0].after
        repeated = False
    else:
        rung = last if repeated else ladder.rungs[after_step]
        due_at = after + _distance(ladder, after_step)
    somebody = (
        rung.audience in ALWAYS_SOMEBODY
        or (rung is last and ladder.repeat_every is not None)
        or reaches(rung.audience, due_at)
    )
    reason = _reason(rung, somebody, repeated)
    return StepDue(rung.number, due_at, rung.audience, not somebody, repeated, reason)


def _distance(ladder: Ladder, number: int) -> timedelta:
    """From rung `number` to the one behind it; behind the last, its repetition."""
    if number >= ladder.rungs[-1].number:
        return ladder.repeat_every or _ZERO
    before = ladder.rungs[number - 1].after if number else _ZERO
    return ladder.rungs[number].after - before


_WORDS = {
    Audience.ON_CALL: "contacts on call",
    Audience.ALL_CONTACTS: "all contacts",
    Audience.MONITORING_CENTRE: "the monitoring centre",
    Audience.QUEUE: "the queue",
    Audience.ALL_OPERATORS: "every operator and the supervisor",
    Audience.FALLBACK: "the centre's fallback",
}


def _reason(rung: Rung, somebody: bool, repeated: bool) -> str:
    told = _WORDS[rung.audience]
    if not somebody:
        return f"step {rung.number} skipped: {told} reach nobody"
    return f"step {rung.number}{' again' if repeated else ''}: {told}"
