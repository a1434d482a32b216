"""What do we conclude of a visit at one moment, and why (domain/visits.md §6)?"""

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from alerts.model import VisitAlertKind
from care import wording
from care.liveness import Speech
from care.model import (
    Attendance,
    Duration,
    ManualWord,
    Session,
    State,
    Tier,
    Timeliness,
    Verdict,
    Verification,
)
from care.windows import Standing, Window

_HALF_HOUR = timedelta(minutes=30)


class Known(Struct, frozen=True, gc=False):
    """All that had been received about a visit by a moment.

    `filled`: the sessions in its slots. `weak_at`: when the first weak evidence happened, if any is known.
    `speech`: whether the home could speak; consulted from `missed_at` on. `manual`: a person's last word.
    """

    window: Window
    speech: Speech
    filled: tuple[Session, ...] = ()
    weak_at: datetime | None = None
    manual: ManualWord | None = None


def judge(known: Known, at: datetime, names: wording.Names) -> Verdict:
    """The verdict at `at`, which is also the last moment of what is `known`."""
    verdict = _by_evidence(known, at, names)
    if known.manual is not None:
        verdict = _by_a_person(verdict, known, known.manual, at)
    if known.window.visit.shifted:
        verdict = replace(verdict, reason=f"{verdict.reason} {wording.shifted(known.window)}")
    if known.window.remark is not None:
        verdict = replace(verdict, reason=f"{verdict.reason} {known.window.remark}")
    return verdict


def phase(
    window: Window, speech: Speech, filled: tuple[Session, ...], manual: ManualWord | None, at: datetime
) -> tuple[str, bool, bool]:
    """All that the verdict takes from the passing of time; cheap, so that most moments cost no verdict.

    At two moments of one phase, with the same things known, the verdict is the same.
    """
    missed = at >= window.missed_at
    if filled:
        over = None not in [session.end for session in filled]
        # When all came, what was missed matters only to a person who says that nobody did.
        matters = manual is not None or not everybody_came(window, filled)
        return "came", over or at >= progress_limit(window, filled), missed and matters
    if missed:
        sure = speech.missed_from
        return "nobody came", True, sure is not None and at >= sure
    return "awaited", at >= window.visit.start_at, window.late_at is not None and at >= window.late_at


def alert_due(
    window: Window, speech: Speech, filled: tuple[Session, ...], manual: ManualWord | None, at: datetime
) -> VisitAlertKind | None:
    """The alert that ought to be open at `at` (domain/visits.md §7), without the words of the verdict."""
    if window.silent or not window.expected or not speech.heard:
        return None
    missed = at >= window.missed_at
    if manual is not None and (manual.attended or missed):
        return None if manual.attended else VisitAlertKind.MISSED
    if filled:
        return VisitAlertKind.PART_ATTENDED if missed and not everybody_came(window, filled) else None
    if missed:
        sure = speech.missed_from is not None and at >= speech.missed_from
        return VisitAlertKind.MISSED if sure else VisitAlertKind.UNVERIFIED
    late = window.late_at is not None and at >= window.late_at
    return VisitAlertKind.LATE if late else None


def everybody_came(window: Window, filled: tuple[Session, ...]) -> bool:
    """Every slot of the visit is filled."""
    return len(filled) >= window.visit.carers_required


def _by_evidence(known: Known, at: datetime, names: wording.Names) -> Verdict:
    window = known.window
    if known.filled:
        return _attended(known, at, names)
    if window.standing is Standing.CANCELLED:
        return Verdict(State.CANCELLED, Attendance.CANCELLED, reason=wording.cancelled(window))
    if window.standing is Standing.SUSPENDED:
        return Verdict(State.SUSPENDED, Attendance.SUSPENDED, reason=wording.suspended(window))
    verification = Verification.NONE if known.weak_at is None else Verification.INDICATIVE
    if at < window.missed_at:
        state = State.PLANNED
        if at >= window.visit.start_at:
            state = State.DUE
        if window.late_at is not None and at >= window.late_at:
            state = State.LATE
        reason = wording.awaited(window, state, known.weak_at)
        return Verdict(state, verification=verification, reason=reason)
    speech = known.speech
    missed = speech.missed_from is not None and at >= speech.missed_from
    # Once everything the home had to say is here, silence in the window explains nothing any more.
    unknown = known.weak_at is not None or not missed
    return Verdict(
        State.MISSED if missed else State.UNVERIFIED,
        Attendance.UNKNOWN if unknown else Attendance.NOT_ATTENDED,
        verification=verification,
        reason=wording.not_made(window, speech, missed, known.weak_at),
    )


def _attended(known: Known, at: datetime, names: wording.Names) -> Verdict:
    """Somebody came: all who should, or some."""
    window, filled = known.window, known.filled
    complete = everybody_came(window, filled)
    if complete:
        attendance = Attendance.ATTENDED
    elif at >= window.missed_at:
        attendance = Attendance.PART_ATTENDED
    else:
        attendance = Attendance.UNKNOWN
    starts = [session.start for session in filled if session.start is not None]
    ends = [session.end for session in filled if session.end is not None]
    everyone_left = len(ends) == len(filled)
    over = everyone_left or at >= progress_limit(window, filled)
    arrived_at = min(starts, default=None)
    timeliness, duration = _timeliness(window, arrived_at), _duration(window, filled)
    return Verdict(
        State.COMPLETED if over else State.IN_PROGRESS,
        attendance,
        timeliness,
        duration,
        _verification(filled, attendance, complete),
        arrived_at,
        max(ends) if everyone_left else None,
        tuple(session.carer_id for session in filled if session.carer_id is not None),
        wording.attended(window, filled, attendance, timeliness, duration, names),
    )


def progress_limit(window: Window, filled: tuple[Session, ...]) -> datetime:
    """Until when a visit that nobody was seen to leave may still be in progress."""
    planned = window.visit.planned_length
    limit = window.visit.end_at
    starts = [session.start for session in filled if session.start is not None]
    if starts:
        limit = max(limit, min(starts) + planned)
    return limit + max(_HALF_HOUR, planned / 2)


def _timeliness(window: Window, arrived_at: datetime | None) -> Timeliness:
    if arrived_at is None:
        return Timeliness.NONE
    if window.visit.tier is Tier.FLEXIBLE:
        return Timeliness.ON_TIME
    on_time = window.rules.on_time
    if on_time is not None and arrived_at < window.visit.start_at - on_time:
        return Timeliness.EARLY
    return Timeliness.LATE if arrived_at > window.punctual_until else Timeliness.ON_TIME


def _duration(window: Window, filled: tuple[Session, ...]) -> Duration:
    lengths = [session.length for session in filled]
    known = [length for length in lengths if length is not None]
    if len(known) < len(lengths):
        return Duration.UNKNOWN
    return duration_of(min(known), window)


def duration_of(length: timedelta, window: Window) -> Duration:
    """A stay against what was planned; exactly at a bound is still ok."""
    planned, share = window.visit.planned_length, window.rules.short_below
    if length * share.denominator < planned * share.numerator:
        return Duration.SHORT
    return Duration.LONG if length > planned + max(_HALF_HOUR, planned / 2) else Duration.OK


def _verification(filled: tuple[Session, ...], attendance: Attendance, complete: bool) -> Verification:
    if complete and all(session.strong and session.length is not None for session in filled):
        return Verification.FULL
    if attendance is Attendance.UNKNOWN:
        return Verification.NONE
    return Verification.PARTIAL


def _by_a_person(verdict: Verdict, known: Known, word: ManualWord, at: datetime) -> Verdict:
    """A person's word laid over the evidence. Full evidence needs none; a visit may still be made in time."""
    window = known.window
    if not word.attended:
        if not window.expected or at < window.missed_at:
            return verdict
        return Verdict(
            State.MISSED,
            Attendance.NOT_ATTENDED,
            verification=Verification.MANUAL,
            reason=wording.said_not_made(word),
        )
    if verdict.verification is Verification.FULL:
        return verdict
    arrived_at = word.arrived_at or verdict.arrived_at
    departed_at = word.departed_at or verdict.departed_at
    duration = Duration.UNKNOWN
    if arrived_at is not None and departed_at is not None and departed_at >= arrived_at:
        duration = duration_of(departed_at - arrived_at, window)
    return Verdict(
        State.COMPLETED,
        Attendance.ATTENDED,
        _timeliness(window, arrived_at),
        duration,
        Verification.MANUAL,
        arrived_at,
        departed_at,
        verdict.carers,
        wording.said_made(word),
    )
