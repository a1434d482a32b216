"""When evidence counts for a visit, and when it becomes late and missed (domain/visits.md §2)."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

from msgspec import Struct

from care.model import Plan, Suspension, Tier, Visit
from care.policy import Policy, TierRules
from care.walltime import DAY, first_after, last_at_or_before, local_date, resolve


class Standing(StrEnum):
    """Whether a visit is expected at all (domain/visits.md §6, 1)."""

    EXPECTED = "expected"
    CANCELLED = "cancelled"
    SUSPENDED = "suspended"


class Window(Struct, frozen=True, gc=False):
    """A visit with its bounds, its rules and whether it is expected.

    An arrival in [counts_from, latest) may be for it. `late_at` None: it is never late, only missed.
    `remark` says what was changed too late to count, or added too late to alert; `silent`: raises no alert.
    """

    visit: Visit
    rules: TierRules
    zone: str
    standing: Standing
    counts_from: datetime
    late_at: datetime | None
    missed_at: datetime
    latest: datetime
    settles_at: datetime
    remark: str | None = None
    silent: bool = False

    @property
    def expected(self) -> bool:
        """Neither cancelled (in time) nor suspended."""
        return self.standing is Standing.EXPECTED

    @property
    def punctual_until(self) -> datetime:
        """The last moment of an arrival on time: `late_at`, or `missed_at` where there is none."""
        return self.late_at or self.missed_at


def frame(
    visits: Iterable[Visit], suspensions: Sequence[Suspension], policy: Policy, zone: str
) -> dict[str, Window]:
    """The window of each visit, by ref, in order of start and ref.

    `visits` are all of one or several packages of one dwelling's residents; each package's must reach far
    enough that the next planned visit of every visit in question is among them.
    """
    by_package: dict[str, list[Visit]] = {}
    for visit in visits:
        by_package.setdefault(visit.package_id, []).append(visit)
    windows = [window for group in by_package.values() for window in _frame(group, suspensions, policy, zone)]
    windows.sort(key=lambda window: (window.visit.start_at, window.visit.ref))
    return {window.visit.ref: window for window in windows}


def _frame(
    visits: list[Visit], suspensions: Sequence[Suspension], policy: Policy, zone: str
) -> Iterable[Window]:
    """Windows of one package, from the last visit to the first: each needs to know the next planned one.

    Whether a visit is planned depends on its own `late_at`, if it was cancelled; that on the visit after it.
    So one pass backwards settles both.
    """
    visits.sort(key=lambda visit: visit.start_at, reverse=True)
    following: Window | None = None
    for _, together in groupby(visits, key=lambda visit: visit.start_at):
        windows = [_window(visit, following, suspensions, policy, zone) for visit in together]
        yield from windows
        planned = [window for window in windows if window.expected]
        if planned:
            following = min(planned, key=lambda window: window.counts_from)


def _window(
    visit: Visit, following: Window | None, suspensions: Sequence[Suspension], policy: Policy, zone: str
) -> Window:
    rules = policy.rules(visit.package_id, visit.tier)
    start = visit.start_at
    missed_at = _missed_at(visit, rules, policy, zone)
    if following is not None:
        missed_at = min(missed_at, following.visit.start_at)
    late_at = None
    if visit.tier is not Tier.FLEXIBLE and rules.late_after is not None:
        late_at = start + rules.late_after if start + rules.late_after < missed_at else None
    standing, remark, silent = _standing(visit, late_at or missed_at, suspensions)
    return Window(
        visit=visit,
        rules=rules,
        zone=zone,
        standing=standing,
        counts_from=_counts_from(start, rules, policy, zone),
        late_at=late_at,
        missed_at=missed_at,
        latest=_latest(visit, missed_at, following, policy, zone),
        settles_at=max(visit.end_at + policy.settle, missed_at),
        remark=remark,
        silent=silent,
    )


def _counts_from(start: datetime, rules: TierRules, policy: Policy, zone: str) -> datetime:
    if rules.counts_from is not None:
        return start - rules.counts_from
    return last_at_or_before(start, policy.day_begins, zone)


def _missed_at(visit: Visit, rules: TierRules, policy: Policy, zone: str) -> datetime:
    if rules.missed_after is not None:
        return visit.start_at + rules.missed_after
    day_ends, _ = resolve(local_date(visit.start_at, zone), policy.day_ends, zone)
    return max(day_ends, visit.end_at)


def _latest(
    visit: Visit, missed_at: datetime, following: Window | None, policy: Policy, zone: str
) -> datetime:
    day_over = first_after(max(visit.end_at, missed_at), policy.day_begins, zone)
    if following is None or following.visit.start_at >= day_over:
        return day_over
    return min(max(missed_at, following.counts_from), following.visit.start_at)


def _standing(
    visit: Visit, threshold: datetime, suspensions: Sequence[Suspension]
) -> tuple[Standing, str | None, bool]:
    """Whether the visit is expected, what was changed too late to count, and whether alerts are withheld.

    What is told only after the threshold has passed must not make a miss disappear (domain/visits.md, "What
    the field does"); the same holds for a suspension that is entered after the fact.
    """
    late_change = visit.changed_at is not None and visit.changed_at > threshold
    if visit.plan is Plan.CANCELLED and not late_change:
        return Standing.CANCELLED, None, False
    remark = None
    for suspension in suspensions:
        if suspension.resident_id == visit.resident_id and suspension.covers(visit.start_at):
            if suspension.made_at is None or suspension.made_at <= threshold:
                return Standing.SUSPENDED, None, False
            remark = "A suspension entered after the visit was already due changes nothing."
    if not late_change:
        return Standing.EXPECTED, remark, False
    if visit.plan is Plan.CANCELLED:
        return (
            Standing.EXPECTED,
            "A cancellation recorded after the visit was already late changes nothing.",
            False,
        )
    return Standing.EXPECTED, "Added or changed after it was already late: judged, but raises no alert.", True


def evidence_reach(policy: Policy) -> timedelta:
    """How far before a window the events must be known for its sessions to come out right.

    A session may have begun `longest_session` before; the second stretch keeps apart a departure that ended
    an earlier one.
    """
    return 2 * policy.longest_session + DAY


def components(windows: Iterable[Window]) -> list[list[Window]]:
    """Windows grouped so that no arrival can count for visits of two groups; in order of time."""
    groups: list[list[Window]] = []
    reach: datetime | None = None
    for window in sorted(windows, key=lambda window: (window.counts_from, window.visit.ref)):
        if reach is None or window.counts_from >= reach:
            groups.append([])
            reach = window.latest
        groups[-1].append(window)
        reach = max(reach, window.latest)
    return groups
