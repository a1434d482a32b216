"""The verdict of a visit at a moment (domain/visits.md §6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from tests.support.oracle.evidence import Session, has_weak, sessions_at
from tests.support.oracle.hear import could_not_speak, when_all_was_said
from tests.support.oracle.match import Filled, match
from tests.support.oracle.model import World, times
from tests.support.oracle.plan import Visit, plan

HALF_HOUR = timedelta(minutes=30)


@dataclass(frozen=True)
class Verdict:
    """The fields of contract §6 that are judged."""

    state: str
    attendance: str
    timeliness: str = "none"
    duration: str = "none"
    verification: str = "none"
    arrived_at: datetime | None = None
    departed_at: datetime | None = None
    carers: tuple[str, ...] = ()


class Judge:
    """Looks at one world; remembers only what cannot have changed in between."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.visits = plan(world)
        self.receipts = sorted({line.received_at for line in world.told})
        self._matches: dict[tuple[str, int], Filled] = {}
        self._mute: dict[str, bool] = {}
        self._said: dict[str, datetime | None] = {}
        self._weak: dict[tuple[str, int], bool] = {}

    def _known(self, by: datetime) -> int:
        return sum(1 for receipt in self.receipts if receipt <= by)

    def filled(self, visit: Visit, by: datetime) -> list[Session]:
        """The sessions in a visit's slots, from what was received by a moment."""
        key = (visit.resident, self._known(by))
        if key not in self._matches:
            sessions = sessions_at(self.world, self.visits, visit.dwelling, by)
            self._matches[key] = match(self.world, self.visits, visit.resident, sessions)
        return self._matches[key][visit.ref]

    def weak(self, visit: Visit, by: datetime) -> bool:
        """Whether there is weak evidence for a visit by a moment."""
        key = (visit.ref, self._known(by))
        if key not in self._weak:
            self._weak[key] = has_weak(self.world, self.visits, visit, by)
        return self._weak[key]

    def mute(self, visit: Visit) -> bool:
        """Whether the home could not speak."""
        if visit.ref not in self._mute:
            self._mute[visit.ref] = could_not_speak(self.world, visit)
        return self._mute[visit.ref]

    def all_said(self, visit: Visit) -> datetime | None:
        """When all was said, if it was."""
        if visit.ref not in self._said:
            self._said[visit.ref] = when_all_was_said(self.world, visit)
        return self._said[visit.ref]

    def verdict(self, visit: Visit, at: datetime) -> Verdict:
        """The verdict at a moment; once settled, that of the moment it settled."""
        at = min(at, visit.end + self.world.policy.settle)
        slots = self.filled(visit, at)
        if slots:
            return self._with(visit, slots, at)
        if visit.cancelled:
            return Verdict("cancelled", "cancelled")
        if visit.suspended:
            return Verdict("suspended", "suspended")
        verification = "indicative" if self.weak(visit, at) else "none"
        if at < visit.start:
            return Verdict("planned", "unknown", verification=verification)
        if at < visit.late_at:
            return Verdict("due", "unknown", verification=verification)
        if at < visit.missed_at:
            return Verdict("late", "unknown", verification=verification)
        said = self.all_said(visit)
        if self.mute(visit) and (said is None or at < said):
            return Verdict("unverified", "unknown", verification=verification)
        attendance = "unknown" if self.weak(visit, at) else "not_attended"
        return Verdict("missed", attendance, verification=verification)

    def _with(self, visit: Visit, slots: list[Session], at: datetime) -> Verdict:
        starts = [session.start for session in slots if session.start is not None]
        ends = [session.end for session in slots if session.end is not None]
        ended = len(ends) == len(slots)
        patience = max(HALF_HOUR, visit.length / 2)
        state = "completed"
        if not ended and at < max(visit.end, min(starts) + visit.length) + patience:
            state = "in_progress"
        if len(slots) == visit.slots:
            attendance = "attended"
        else:
            attendance = "part_attended" if at >= visit.missed_at else "unknown"
        full = attendance == "attended" and all(s.length is not None and s.strong for s in slots)
        sure = "none" if attendance == "unknown" else "partial"
        return Verdict(
            state,
            attendance,
            self._timeliness(visit, starts),
            self._duration(visit, slots),
            "full" if full else sure,
            min(starts, default=None),
            max(ends) if ended else None,
            tuple(sorted(session.carer for session in slots if session.carer is not None)),
        )

    def _timeliness(self, visit: Visit, starts: list[datetime]) -> str:
        if not starts:
            return "none"
        if visit.tier == "flexible":
            return "on_time"
        if min(starts) < visit.start - visit.rules.on_time:
            return "early"
        return "late" if min(starts) > visit.late_at else "on_time"

    def _duration(self, visit: Visit, slots: list[Session]) -> str:
        lengths = [session.length for session in slots if session.length is not None]
        if len(lengths) < len(slots):
            return "unknown"
        shortest = min(lengths)
        if times(Fraction(1), shortest) < times(visit.rules.short_below, visit.length):
            return "short"
        return "long" if shortest > visit.length + max(HALF_HOUR, visit.length / 2) else "ok"
