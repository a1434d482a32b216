"""What must be written so that the database says what the rules say."""

from datetime import UTC, date, datetime, time, timedelta

from msgspec.structs import replace

from alerts.model import VisitAlertKind
from care.model import AlertSpan, Attendance, State, Tier, Verdict, Verification, Version, Visit, VisitHistory
from care.reconcile import PLAN_CHANGED, Stored, correct, is_late

T = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
VISIT = Visit(
    "v1", "p", "ada", "home", "bright", Tier.ESSENTIAL, date(2026, 11, 16), T, T + 30 * MINUTE, time(8)
)
PLANNED = Version(T - 60 * MINUTE, Verdict(State.PLANNED, reason="planned"))
DUE = Version(T, Verdict(State.DUE, reason="due"))
LATE = Version(T + 30 * MINUTE, Verdict(State.LATE, reason="late"))
MISSED = Version(T + 60 * MINUTE, Verdict(State.MISSED, Attendance.NOT_ATTENDED, reason="missed"))
ATTENDED = Version(T + 90 * MINUTE, Verdict(State.COMPLETED, Attendance.ATTENDED, reason="came"))
LATE_SPAN = AlertSpan(VisitAlertKind.LATE, LATE.at, "late", MISSED.at, "missed takes its place")
MISSED_SPAN = AlertSpan(VisitAlertKind.MISSED, MISSED.at, "missed")
NOTHING = Stored(0, Verdict(State.PLANNED), {})


def history(*versions: Version, alerts: tuple[AlertSpan, ...] = ()) -> VisitHistory:
    """A history of the visit."""
    return VisitHistory(VISIT, versions, alerts, T + 120 * MINUTE)


def test_that_a_visit_is_planned_is_no_news() -> None:
    """Nothing is written of a visit that is only planned; weak evidence of it is written."""
    assert not correct(NOTHING, history(PLANNED), T).concludes
    seen = replace(PLANNED, verdict=replace(PLANNED.verdict, verification=Verification.INDICATIVE))
    assert correct(NOTHING, history(seen), T).versions == (seen,)


def test_a_history_is_appended_with_its_true_moments() -> None:
    """What was not noticed when it became true is written with the moments at which it did."""
    first = correct(NOTHING, history(PLANNED, DUE), T)
    assert (first.first, first.versions) == (1, (PLANNED, DUE))
    later = correct(Stored(2, DUE.verdict, {}), history(PLANNED, DUE, LATE, MISSED), MISSED.at + MINUTE)
    assert (later.first, later.versions) == (3, (LATE, MISSED))


def test_what_is_known_already_is_not_written_again() -> None:
    """The same history again concludes nothing."""
    stored = Stored(4, MISSED.verdict, {("visit.late", LATE.at): True, ("visit.missed", MISSED.at): False})
    again = correct(stored, history(PLANNED, DUE, LATE, MISSED, alerts=(LATE_SPAN, MISSED_SPAN)), MISSED.at)
    assert (again.versions, again.raised, again.stood_down) == ((), (), ())


def test_another_past_rewrites_nothing() -> None:
    """When the plan has changed what is known, the verdict that now stands becomes a new version, now."""
    stored = Stored(4, MISSED.verdict, {})
    cancelled = Version(T - 60 * MINUTE, Verdict(State.CANCELLED, Attendance.CANCELLED, reason="cancelled"))
    (version,) = correct(stored, history(cancelled), MISSED.at + MINUTE).versions
    assert (version.at, version.verdict) == (MISSED.at + MINUTE, cancelled.verdict)


def test_alerts_follow_the_history() -> None:
    """What is not raised yet is raised, what is over is stood down, each with its true moment."""
    stored = Stored(3, LATE.verdict, {("visit.late", LATE.at): False})
    found = correct(stored, history(PLANNED, DUE, LATE, MISSED, alerts=(LATE_SPAN, MISSED_SPAN)), MISSED.at)
    assert found.raised == (MISSED_SPAN,)
    assert [(down.kind, down.raised_at, down.at) for down in found.stood_down] == [
        (VisitAlertKind.LATE, LATE.at, MISSED.at)
    ]


def test_an_alert_that_came_and_went_unnoticed_is_raised_and_stood_down() -> None:
    """It stands on record, and nobody is woken by it."""
    found = correct(NOTHING, history(PLANNED, DUE, LATE, MISSED, alerts=(LATE_SPAN, MISSED_SPAN)), MISSED.at)
    assert found.raised == (LATE_SPAN, MISSED_SPAN)
    assert [down.kind for down in found.stood_down] == [VisitAlertKind.LATE]


def test_an_alert_that_no_longer_holds_is_taken_back() -> None:
    """An open alert that the history does not hold any more is stood down now, and says why."""
    stored = Stored(4, MISSED.verdict, {("visit.missed", MISSED.at): False})
    (down,) = correct(stored, history(PLANNED, ATTENDED), ATTENDED.at).stood_down
    assert (down.at, down.cause) == (ATTENDED.at, PLAN_CHANGED)


def test_more_than_a_minute_is_late() -> None:
    """Raised within a minute of the true moment is in time."""
    assert not is_late(T, T + MINUTE)
    assert is_late(T, T + MINUTE + timedelta(microseconds=1))
