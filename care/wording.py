"""The reasons of verdicts and alerts, in words.

A verdict's reason is for the care provider: it names carers and what was seen. An alert's reason goes to
every party, the landlord too, and so holds neither a carer's name nor a task (domain/visits.md §7).
"""

from collections.abc import Mapping
from datetime import datetime

from alerts.model import VisitAlertKind
from care.liveness import Speech
from care.model import Attendance, Duration, ManualWord, Session, State, Timeliness
from care.walltime import clock
from care.windows import Window

Names = Mapping[str, str]
"""Carers' names by id."""


def _times(window: Window) -> str:
    visit, zone = window.visit, window.zone
    return f"planned for {clock(visit.start_at, zone)} to {clock(visit.end_at, zone)}"


def shifted(window: Window) -> str:
    """The note on a wall time that does not exist that night."""
    visit, zone = window.visit, window.zone
    start = clock(visit.start_at, zone)
    if start == f"{visit.start_wall:%H:%M}":
        return f"The clocks skip its planned end, which moved to {clock(visit.end_at, zone)}."
    return f"The clocks skip its planned start, {visit.start_wall:%H:%M}, which moved to {start}."


def cancelled(window: Window) -> str:
    """Why a cancelled visit is not expected."""
    why = f": {window.visit.plan_reason}" if window.visit.plan_reason else ""
    return f"The visit {_times(window)} was cancelled{why}."


def suspended(window: Window) -> str:
    """Why a suspended visit is not expected."""
    return f"The visit {_times(window)} is suspended with the care package."


def awaited(window: Window, state: State, weak_at: datetime | None) -> str:
    """Nobody has come yet, and it is not missed yet."""
    if state is State.PLANNED:
        said = f"The visit is {_times(window)}."
    elif state is State.DUE:
        said = f"The visit is due, {_times(window)}; no arrival has been seen yet."
    else:
        said = f"The visit is late, {_times(window)}: no arrival was seen by {_by(window.late_at, window)}."
    return said + _possible(window, weak_at)


def not_made(window: Window, speech: Speech, missed: bool, weak_at: datetime | None) -> str:
    """Nobody came as far as we know, and the time is over."""
    unseen = f"no arrival was seen by {_by(window.missed_at, window)} for the visit {_times(window)}"
    if not missed:
        said = f"The visit cannot be confirmed: {unseen}, but {speech.why}."
    elif speech.could_speak:
        said = f"The visit was missed: {unseen}, and the home could be heard."
    else:
        said = (
            f"The visit was missed: {unseen}. In that time {speech.why}, but the home has been heard since "
            "and has nothing more to tell."
        )
    return said + _possible(window, weak_at)


def _by(moment: datetime | None, window: Window) -> str:
    return "" if moment is None else clock(moment, window.zone)


def _possible(window: Window, weak_at: datetime | None) -> str:
    if weak_at is None:
        return ""
    return f" Possible attendance: something was seen at the door at {clock(weak_at, window.zone)}."


def attended(
    window: Window,
    filled: tuple[Session, ...],
    attendance: Attendance,
    timeliness: Timeliness,
    duration: Duration,
    names: Names,
) -> str:
    """Who came, when, and how that compares with what was planned."""
    visit = window.visit
    said = "; ".join(_came(session, window, names) for session in filled)
    parts = [f"{said} (visit {_times(window)})."]
    missing = visit.carers_required - len(filled)
    if missing > 0:
        verb = "have come so far" if attendance is Attendance.UNKNOWN else "came"
        parts.append(f"{len(filled)} of {visit.carers_required} carers {verb}.")
    parts.extend(_judged(window, timeliness, duration))
    swaps = [
        session.carer_id for session in filled if session.carer_id and session.carer_id not in visit.carers
    ]
    if visit.carers and swaps:
        came = {session.carer_id for session in filled}
        instead_of = [carer_id for carer_id in visit.carers if carer_id not in came] or visit.carers
        parts.append(
            f"A swap: {_and(swaps, names)} came, rostered {_was(instead_of)} {_and(instead_of, names)}."
        )
    if not window.expected:
        parts.append(f"The visit was {window.standing}, and somebody came all the same; no alert is raised.")
    return " ".join(parts)


def _came(session: Session, window: Window, names: Names) -> str:
    who = "Somebody at the button" if session.carer_id is None else _name(session.carer_id, names)
    end = None if session.end is None else clock(session.end, window.zone)
    if session.start is None:
        return f"{who} left at {end}, without an arrival that was seen"
    start = clock(session.start, window.zone)
    if end is None:
        return f"{who} arrived at {start} and has not been seen to leave"
    return f"{who} arrived at {start} and left at {end}"


def _judged(window: Window, timeliness: Timeliness, duration: Duration) -> list[str]:
    said = []
    if timeliness is Timeliness.EARLY:
        said.append("That is early.")
    elif timeliness is Timeliness.LATE:
        said.append(f"That is late: after {_by(window.punctual_until, window)}.")
    if duration is Duration.SHORT:
        said.append("The stay was short.")
    elif duration is Duration.LONG:
        said.append("The stay was long.")
    return said


def _name(carer_id: str, names: Names) -> str:
    name = names.get(carer_id)
    return carer_id if name is None else f"{name} ({carer_id})"


def _and(carer_ids: list[str] | tuple[str, ...], names: Names) -> str:
    return " and ".join(_name(carer_id, names) for carer_id in carer_ids)


def _was(carer_ids: list[str] | tuple[str, ...]) -> str:
    return "was" if len(carer_ids) == 1 else "were"


def said_made(word: ManualWord) -> str:
    """A person confirmed the visit."""
    return f"{word.by} says that the visit was made: {word.reason}."


def said_not_made(word: ManualWord) -> str:
    """A person says that nobody came."""
    return f"{word.by} says that the visit was not made: {word.reason}."


def alert(kind: VisitAlertKind, window: Window, speech: Speech) -> str:
    """The reason of an alert, fit for every party."""
    times = f"A care visit {_times(window)}"
    if kind is VisitAlertKind.LATE:
        return f"{times} is late: no arrival was seen by {_by(window.late_at, window)}."
    if kind is VisitAlertKind.MISSED:
        return f"{times} was not made: no arrival was seen by {_by(window.missed_at, window)}."
    if kind is VisitAlertKind.PART_ATTENDED:
        return f"{times} was not fully staffed by {_by(window.missed_at, window)}."
    return f"{times} cannot be confirmed: {speech.why}."


_GOES_ON_AS = {
    VisitAlertKind.LATE: "the visit is late",
    VisitAlertKind.MISSED: "the visit was not made",
    VisitAlertKind.UNVERIFIED: "the visit cannot be confirmed",
    VisitAlertKind.PART_ATTENDED: "the visit was not fully staffed",
}


def cause(kind: VisitAlertKind, now: VisitAlertKind | None, everybody: bool) -> str:
    """Why an alert of this kind is stood down."""
    if now is not None:
        return f"it goes on as another alert: {_GOES_ON_AS[now]}"
    if not everybody:
        return "somebody has arrived"
    return "everybody has come" if kind is VisitAlertKind.PART_ATTENDED else "the visit was made"
