"""What must be written so that the database says what the rules say? Pure.

The history that the rules give up to one moment is the beginning of what they give up to any later one; so
what is stored is its beginning, and the rest is appended with its true moments. Where it is not, because the
plan, the policy or a person's word has changed what is known, nothing is rewritten: the verdict that now
stands becomes a new version.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from alerts.model import VisitAlertKind
from care.model import (
    AlertSpan,
    Attendance,
    Duration,
    State,
    Timeliness,
    Verdict,
    Verification,
    Version,
    VisitHistory,
)

NOTICED_LATE = timedelta(seconds=60)
"""An alert that we noticed later than this after it was due is marked as raised late by us: longer than the
longest wait for intake's return (domain/visits.md §6)."""

PLAN_CHANGED = "what is known of the plan has changed"


class Stored(Struct, frozen=True, gc=False):
    """What stands of a visit: its last version, the number of versions, and its alerts.

    `alerts`: by kind and moment of raising, whether it was stood down.
    """

    version: int
    verdict: Verdict
    alerts: Mapping[tuple[str, datetime], bool]


@dataclass(frozen=True, slots=True)
class StandingDown:
    """An alert that is to be stood down, by what it was raised with."""

    kind: VisitAlertKind
    raised_at: datetime
    at: datetime
    cause: str


class Correction(Struct, frozen=True, gc=False):
    """What is to be written of one visit. `versions` follow on `first`, the number of the first of them."""

    history: VisitHistory
    first: int
    versions: tuple[Version, ...]
    raised: tuple[AlertSpan, ...]
    stood_down: tuple[StandingDown, ...]

    @property
    def concludes(self) -> bool:
        """Whether there is anything new to say of the visit."""
        return bool(self.versions)


def correct(stored: Stored, history: VisitHistory, until: datetime) -> Correction:
    """Compares what stands with the history up to `until`."""
    raised = tuple(span for span in history.alerts if (span.kind, span.raised_at) not in stored.alerts)
    return Correction(
        history,
        stored.version + 1,
        _new_versions(stored, history.versions, until),
        raised,
        tuple(_stood_down(stored, history.alerts, until)),
    )


def _new_versions(stored: Stored, versions: tuple[Version, ...], until: datetime) -> tuple[Version, ...]:
    if stored.version == 0:
        # That a visit is planned is said by its row from the beginning; a version of it would be noise.
        untouched = versions[0].verdict.state is State.PLANNED and len(versions) == 1
        return () if untouched and versions[0].verdict.verification is Verification.NONE else versions
    if len(versions) >= stored.version and versions[stored.version - 1].verdict == stored.verdict:
        return versions[stored.version :]
    if versions[-1].verdict == stored.verdict:
        return ()
    return (Version(until, versions[-1].verdict),)


def _stood_down(stored: Stored, spans: Iterable[AlertSpan], until: datetime) -> Iterable[StandingDown]:
    known = {(span.kind.value, span.raised_at) for span in spans}
    for span in spans:
        was_stood_down = stored.alerts.get((span.kind, span.raised_at), False)
        if span.stood_down_at is not None and not was_stood_down:
            yield StandingDown(span.kind, span.raised_at, span.stood_down_at, span.cause or "")
    for (kind, raised_at), was_stood_down in stored.alerts.items():
        if not was_stood_down and (kind, raised_at) not in known:
            yield StandingDown(VisitAlertKind(kind), raised_at, until, PLAN_CHANGED)


def is_late(raised_at: datetime, now: datetime) -> bool:
    """Whether we are late in raising an alert that was due at `raised_at`."""
    return now - raised_at > NOTICED_LATE


PLANNED = Verdict(State.PLANNED)
"""What is concluded of a visit before its first version."""

_STATES = {state.value: state for state in State}
_ATTENDANCES = {attendance.value: attendance for attendance in Attendance}
_TIMELINESSES = {timeliness.value: timeliness for timeliness in Timeliness}
_DURATIONS = {duration.value: duration for duration in Duration}
_VERIFICATIONS = {verification.value: verification for verification in Verification}


def verdict_of(concluded: Sequence[Any]) -> Verdict:
    """The verdict that a visit's row holds, from its columns in the order of a verdict's fields."""
    state, attendance, timeliness, duration, verification, arrived_at, departed_at, carers, reason = concluded
    return Verdict(
        _STATES[state],
        _ATTENDANCES[attendance],
        _TIMELINESSES[timeliness],
        _DURATIONS[duration],
        _VERIFICATIONS[verification],
        arrived_at,
        departed_at,
        tuple(carers),
        reason,
    )
