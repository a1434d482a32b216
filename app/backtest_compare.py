"""Two policies over the same history: what each would have said, and to whom (domain/visits.md §9)."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from statistics import median

import msgspec

from alerts.model import Role, VisitAlertKind
from app.backtest_duties import Duties
from care.model import Attendance
from care.replay import Replayed
from care.walltime import DAY, zone
from device_sim.world.truth import Truth

KINDS = tuple(kind.value for kind in VisitAlertKind)
DISPROVABLE = (VisitAlertKind.LATE, VisitAlertKind.MISSED, VisitAlertKind.UNVERIFIED)
"""Alerts that say of a moment that nobody had come by then, or that nobody was known to have."""
NIGHT_BEGINS, NIGHT_ENDS = 22, 7
"""Hours on the wall between which nobody wants to be woken (domain/visits.md §9)."""
_MADE = (Attendance.ATTENDED, Attendance.PART_ATTENDED)
_PARTIES = (Role.LANDLORD, Role.CARE_PROVIDER)
_MINUTE = timedelta(minutes=1)


class Said(msgspec.Struct, frozen=True):
    """One visit under one policy: the final verdict, and its alerts with the moments of their raising."""

    ref: str
    tier: str
    start: datetime
    attendance: Attendance
    state: str
    seen_at: datetime | None
    alerts: tuple[tuple[VisitAlertKind, datetime], ...]

    def first(self, kind: VisitAlertKind) -> datetime | None:
        """When an alert of this kind was first raised."""
        return next((raised_at for raised, raised_at in self.alerts if raised is kind), None)


class Counts(msgspec.Struct, frozen=True):
    """What one policy came to.

    `alerts`, `by_tier` and `by_hour` (24 hours on the home's wall) count alerts raised, by kind; `made` those
    whose visit was made in the end, and `disproved` those of them that were not true when they were raised:
    somebody had come by then, which was known only later. `found`: true misses
    with a `visit.missed`, and `found_after` how many minutes after the planned start that was raised, in
    order; `unconfirmed`: only ever a `visit.unverified`; `not_found`: neither. `woken` counts nights on which
    somebody was told between 22:00 and 07:00, each person by themselves, and `at_night` the tellings.
    """

    policy: str
    alerts: dict[str, int]
    by_tier: dict[str, dict[str, int]]
    by_hour: dict[str, list[int]]
    made: dict[str, int]
    disproved: dict[str, int]
    found: int
    found_after: list[float]
    unconfirmed: int
    not_found: int
    woken: int
    at_night: int


class Miss(msgspec.Struct, frozen=True):
    """A true miss, and when each policy raised `visit.missed` for it."""

    visit_ref: str
    start: datetime
    found_at: tuple[datetime | None, datetime | None]


class Comparison(msgspec.Struct, frozen=True):
    """Both policies, and where they differ.

    `by`: what says which misses are true: `verdicts` or `truth`. `earlier`, `later`, `only_first` and
    `only_second` count true misses by when the second policy found them against the first. `verdicts` counts
    visits whose final attendance differs.
    """

    until: datetime
    by: str
    visits: int
    policies: tuple[Counts, Counts]
    verdicts: int
    true_misses: int
    earlier: int
    later: int
    only_first: int
    only_second: int
    misses: list[Miss]


class Tally:
    """Counts while a policy is replayed, visit by visit."""

    def __init__(self, duties: Duties) -> None:
        self._duties = duties
        self._by_hour = {kind: [0] * 24 for kind in KINDS}
        self._woken: set[tuple[str, int, date]] = set()
        self._at_night = 0
        self.said: dict[str, Said] = {}

    def take(self, replayed: Replayed) -> None:
        """One visit's outcome."""
        history, visit = replayed.history, replayed.window.visit
        verdict, place = history.verdict, zone(replayed.window.zone)
        self.said[visit.ref] = Said(
            visit.ref,
            visit.tier.value,
            visit.start_at,
            verdict.attendance,
            verdict.state.value,
            (verdict.arrived_at or verdict.departed_at) if verdict.attendance in _MADE else None,
            tuple((span.kind, span.raised_at) for span in history.alerts),
        )
        for span in history.alerts:
            self._by_hour[span.kind.value][span.raised_at.astimezone(place).hour] += 1
            for duty in self._duties.of_visit(replayed, span):
                if duty.owed.role not in _PARTIES:
                    continue  # a centre is awake
                for at, person in self._duties.people_told(duty):
                    if (night := _night(at.astimezone(place))) is not None:
                        self._woken.add((duty.owed.organisation_id, person, night))
                        self._at_night += 1

    def counts(self, policy: str, missed: AbstractSet[str], came: Mapping[str, datetime]) -> Counts:
        """The sums. `missed`: refs of true misses; `came`: when somebody first came to a visit, if ever."""
        alerts = dict.fromkeys(KINDS, 0)
        made, disproved = ({kind.value: 0 for kind in DISPROVABLE} for _ in range(2))
        by_tier: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
        for one in self.said.values():
            for kind, raised_at in one.alerts:
                alerts[kind] += 1
                by_tier[kind][one.tier] = by_tier[kind].get(one.tier, 0) + 1
                if kind in DISPROVABLE and one.ref in came:
                    made[kind] += 1
                    disproved[kind] += came[one.ref] <= raised_at
        true = [self.said[ref] for ref in missed]
        found = [
            (at - one.start) / _MINUTE for one in true if (at := one.first(VisitAlertKind.MISSED)) is not None
        ]
        unconfirmed = sum(
            one.first(VisitAlertKind.MISSED) is None and one.first(VisitAlertKind.UNVERIFIED) is not None
            for one in true
        )
        return Counts(
            policy,
            alerts,
            by_tier,
            self._by_hour,
            made,
            disproved,
            len(found),
            sorted(found),
            unconfirmed,
            len(true) - len(found) - unconfirmed,
            len(self._woken),
            self._at_night,
        )


def compare(
    tallies: tuple[Tally, Tally], names: tuple[str, str], until: datetime, truth: Truth | None
) -> Comparison:
    """Puts two replays of the same visits side by side."""
    first, second = (tally.said for tally in tallies)
    missed = _true_misses(first, second) if truth is None else _really_missed(truth, first)
    came = (_came(first), _came(second)) if truth is None else (_really_came(truth),) * 2
    misses = [
        Miss(
            ref,
            first[ref].start,
            (first[ref].first(VisitAlertKind.MISSED), second[ref].first(VisitAlertKind.MISSED)),
        )
        for ref in sorted(missed, key=lambda ref: (first[ref].start, ref))
    ]
    both = [(a, b) for a, b in (miss.found_at for miss in misses) if a is not None and b is not None]
    return Comparison(
        until=until,
        by="verdicts" if truth is None else "truth",
        visits=len(first),
        policies=(
            tallies[0].counts(names[0], missed, came[0]),
            tallies[1].counts(names[1], missed, came[1]),
        ),
        verdicts=sum(first[ref].attendance is not second[ref].attendance for ref in first),
        true_misses=len(missed),
        earlier=sum(b < a for a, b in both),
        later=sum(b > a for a, b in both),
        only_first=sum(a is not None and b is None for a, b in (miss.found_at for miss in misses)),
        only_second=sum(a is None and b is not None for a, b in (miss.found_at for miss in misses)),
        misses=misses,
    )


def middle(values: Sequence[float]) -> float | None:
    """The median; None of nothing."""
    return median(values) if values else None


def _true_misses(first: Mapping[str, Said], second: Mapping[str, Said]) -> set[str]:
    """Visits that one policy ends by calling not attended, and neither by calling made."""
    found = set()
    for ref, one in first.items():
        ends = {one.attendance, second[ref].attendance}
        if Attendance.NOT_ATTENDED in ends and not ends.intersection(_MADE):
            found.add(ref)
    return found


def _really_missed(truth: Truth, said: Mapping[str, Said]) -> set[str]:
    return {
        fact.ref
        for fact in truth.visits
        if fact.standing == "planned" and not fact.attended and fact.ref in said
    }


def _came(said: Mapping[str, Said]) -> dict[str, datetime]:
    return {ref: one.seen_at for ref, one in said.items() if one.seen_at is not None}


def _really_came(truth: Truth) -> dict[str, datetime]:
    return {
        fact.ref: min(presence.arrived for presence in fact.attended)
        for fact in truth.visits
        if fact.attended
    }


def _night(wall: datetime) -> date | None:
    """The date on which the night of this moment begins; None by day."""
    if wall.hour >= NIGHT_BEGINS:
        return wall.date()
    return wall.date() - DAY if wall.hour < NIGHT_ENDS else None
