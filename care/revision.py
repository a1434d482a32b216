"""May a plan still change a visit, and what becomes of it? Pure (domain/visits.md §6, 1 and §8; contract §4).

Before its start a visit is whatever the last plan says. At its start what was planned is frozen, or misses
could be hidden by editing: from then on a plan may cancel it or plan it again, and the change carries the
moment at which it was made, so that the rules on late changes decide what it is worth.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from msgspec.structs import replace

from care.model import Plan, Source, Visit


class Outcome(StrEnum):
    """What a plan does to one visit."""

    ADDED = "added"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    SAME = "same"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class Planned:
    """A visit as it stands. `settled`: its verdict changes no more."""

    visit: Visit
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Revision:
    """What becomes of one visit. `visit` is what is to be written, or what stands; `reason` is for people."""

    outcome: Outcome
    visit: Visit
    before: Visit | None = None
    reason: str = ""

    @property
    def writes(self) -> bool:
        """Whether anything is to be written."""
        return self.outcome in (Outcome.ADDED, Outcome.CHANGED, Outcome.CANCELLED)


def revise(standing: Planned | None, wanted: Visit, now: datetime) -> Revision:
    """What a plan that is loaded at `now` makes of a visit.

    An empty `changed_at` is never late (domain/visits.md §6, 1), so a plan that comes without one after the
    start is stamped with the moment at which we learned of it.
    """
    if standing is None:
        return Revision(Outcome.ADDED, _stamped(wanted, now) if wanted.start_at <= now else wanted)
    before = standing.visit
    if _same(before, wanted):
        return Revision(Outcome.SAME, before, before)
    if before.start_at <= now and _judged_alike(before, wanted):
        return Revision(Outcome.SAME, before, before)
    if standing.settled:
        return Revision(Outcome.FROZEN, before, before, "its verdict is settled")
    if before.start_at > now:
        return _changed(before, _stamped(wanted, now) if wanted.start_at <= now else wanted)
    if wanted.changed_at is not None and wanted.changed_at < before.start_at:
        return _changed(before, wanted)  # made in time, and only delivered late
    if wanted.plan is before.plan:
        return Revision(Outcome.FROZEN, before, before, "it has begun; what was planned then stands")
    late = replace(
        before, plan=wanted.plan, plan_reason=wanted.plan_reason, changed_at=wanted.changed_at or now
    )
    return _changed(before, late)


def withdraw(standing: Planned, reason: str, now: datetime, by: Source) -> Revision:
    """A visit that the plan no longer holds is cancelled, never removed.

    `by` a roster, it stays so whatever its recurrence says later.
    """
    before = standing.visit
    if before.plan is Plan.CANCELLED:
        return Revision(Outcome.SAME, before, before)
    if standing.settled:
        return Revision(Outcome.FROZEN, before, before, "its verdict is settled")
    gone = replace(before, plan=Plan.CANCELLED, plan_reason=reason, changed_at=now, source=by)
    return Revision(Outcome.CANCELLED, gone, before, reason)


def _stamped(visit: Visit, now: datetime) -> Visit:
    return visit if visit.changed_at is not None else replace(visit, changed_at=now)


def _changed(before: Visit, after: Visit) -> Revision:
    cancelled = after.plan is Plan.CANCELLED and before.plan is Plan.PLANNED
    return Revision(Outcome.CANCELLED if cancelled else Outcome.CHANGED, after, before)


def _judged_alike(before: Visit, wanted: Visit) -> bool:
    """Whether the two differ only in where they come from, which judges nothing."""
    return _same(before, replace(wanted, source=before.source, end_wall=before.end_wall))


def _same(before: Visit, wanted: Visit) -> bool:
    """Whether nothing that a plan says is different. A plan without `changed_at` does not take one away."""
    moment = before.changed_at if wanted.changed_at is None else wanted.changed_at
    reason = before.plan_reason if wanted.source is Source.ROSTER else wanted.plan_reason
    return replace(wanted, changed_at=moment, plan_reason=reason) == before
