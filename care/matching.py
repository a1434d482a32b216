"""Which session fills which slot of which visit (domain/visits.md §5)?

The best of all ways, not the nearest visit first: planned 08:00 and 08:45, arrivals 08:25 and 09:05 belong to
them in that order. Costs are whole numbers of a small unit of time, so that equal ways are truly equal.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from math import lcm

from care.assignment import Problem, best
from care.model import Session
from care.policy import Policy
from care.sessions import place, rank
from care.windows import Window

Fillings = dict[str, tuple[Session, ...]]
NamedOn = Mapping[tuple[date, str], Collection[str]]
"""Who is rostered on a service date: (date, carer id) → refs of the visits that name them."""

_MICROSECOND = timedelta(microseconds=1)
_MINUTE = timedelta(minutes=1) // _MICROSECOND
# "A quarter of the minutes by which it is shorter": in quarters of a microsecond all costs are whole.
_QUARTERS = 4


def named_on(windows: Iterable[Window]) -> NamedOn:
    """Which visits, neither cancelled nor suspended, name which carers on which service date."""
    naming: dict[tuple[date, str], set[str]] = {}
    for window in windows:
        if window.expected:
            for carer_id in window.visit.carers:
                naming.setdefault((window.visit.service_date, carer_id), set()).add(window.visit.ref)
    return naming


def fill(windows: Iterable[Window], sessions: Iterable[Session], policy: Policy) -> Fillings:
    """`Matcher.fill` for visits that are all of their resident's."""
    known = list(windows)
    return Matcher(known, policy).fill(known, sessions)


class Matcher:
    """Matches sessions to one resident's visits, of which any that compete may be asked for together."""

    def __init__(self, windows: Iterable[Window], policy: Policy) -> None:
        self._windows = tuple(windows)
        self._policy = policy

    # Most visits have one visitor and need no weighing: what it takes is made ready when first asked for.
    @cached_property
    def _naming(self) -> NamedOn:
        return named_on(self._windows)

    @cached_property
    def _scale(self) -> "_Scale":
        return _Scale.of(self._policy)

    def fill(self, windows: Iterable[Window], sessions: Iterable[Session]) -> Fillings:
        """The sessions that fill each visit's slots, in order of `rank`; refs without any are left out.

        What cannot fill a slot is ignored. Planned visits come first, cancelled and suspended ones take what
        is left; each time the sessions with a start first, then those without.
        """
        waiting = sorted(sessions, key=rank)
        if not waiting:
            return {}
        if len(waiting) == 1:
            able = [window for window in windows if may_fill(waiting[0], window)]
            if len(able) < 2:  # as nearly always: one came, and for one visit
                return {window.visit.ref: (waiting[0],) for window in able}
            windows = able
        filled: dict[str, list[Session]] = {}
        ordered = sorted(windows, key=lambda window: (window.visit.start_at, window.visit.ref))
        for expected in (True, False):
            group = [window for window in ordered if window.expected is expected]
            for started in (True, False) if group else ():
                rows = [session for session in waiting if (session.start is not None) is started]
                if not rows:
                    continue
                taken = set()
                for row, ref in self._round(group, rows, filled):
                    filled.setdefault(ref, []).append(rows[row])
                    taken.add(id(rows[row]))  # by identity: a carer may have two sessions that look the same
                waiting = [session for session in waiting if id(session) not in taken]
        return {ref: tuple(sorted(several, key=rank)) for ref, several in filled.items()}

    def _round(
        self, windows: Sequence[Window], sessions: Sequence[Session], filled: Mapping[str, Sequence[Session]]
    ) -> list[tuple[int, str]]:
        """One round: these visits' remaining slots against these sessions, both in their order."""
        costs: dict[tuple[int, int], int] = {}
        slots = []
        naming, scale = self._naming, self._scale
        for column, window in enumerate(windows):
            already = filled.get(window.visit.ref, ())
            slots.append(window.visit.carers_required - len(already))
            if slots[-1] <= 0:
                continue
            came = {session.carer_id for session in already}
            for row, session in enumerate(sessions):
                if session.carer_id not in came and may_fill(session, window):
                    costs[row, column] = _cost(session, window, naming, scale)
        if len(costs) > 1:
            carers = tuple(session.carer_id for session in sessions)
            pairs: Iterable[tuple[int, int]] = best(Problem(costs, carers, tuple(slots)))
        else:
            pairs = costs
        return [(row, windows[column].visit.ref) for row, column in sorted(pairs)]


def may_fill(session: Session, window: Window) -> bool:
    """Whether this session may fill a slot of this visit."""
    visit = window.visit
    if session.carer_id is not None and session.provider_id != visit.provider_id:
        return False
    if session.start is None:
        return visit.start_at <= place(session) < window.latest
    return window.counts_from <= session.start < window.latest


@dataclass(frozen=True, slots=True)
class _Scale:
    """Whole-number weights for the policy's costs, in units of which a microsecond has `per_microsecond`."""

    per_microsecond: int
    early: int
    swap: int
    elsewhere: int
    short: int

    @classmethod
    def of(cls, policy: Policy) -> "_Scale":
        parts = policy.early_weight, policy.swap_minutes, policy.named_elsewhere_minutes
        unit = lcm(*(part.denominator for part in parts))
        per_microsecond = _QUARTERS * unit
        return cls(
            per_microsecond,
            int(policy.early_weight * per_microsecond),
            int(policy.swap_minutes * _MINUTE * per_microsecond),
            int(policy.named_elsewhere_minutes * _MINUTE * per_microsecond),
            unit,
        )


def _cost(session: Session, window: Window, naming: NamedOn, scale: _Scale) -> int:
    """What it would cost to say that this session was this visit."""
    visit = window.visit
    distance = place(session) - (visit.end_at if session.start is None else visit.start_at)
    microseconds = distance // _MICROSECOND
    cost = microseconds * scale.per_microsecond if microseconds >= 0 else -microseconds * scale.early
    if visit.carers and session.carer_id not in visit.carers:
        others = naming.get((visit.service_date, session.carer_id), ()) if session.carer_id else ()
        cost += scale.elsewhere if any(ref != visit.ref for ref in others) else scale.swap
    if session.length is not None and session.length < visit.planned_length:
        cost += (visit.planned_length - session.length) // _MICROSECOND * scale.short
    return cost
