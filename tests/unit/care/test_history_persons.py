"""The history of a visit on which a person has the last word, or that was not to be made."""

from datetime import datetime
from typing import Any

import pytest

from care.model import (
    Attendance,
    Duration,
    ManualWord,
    State,
    Suspension,
    Timeliness,
    Verification,
)
from tests.unit.care.builders import (
    arrives,
    at,
    cancelled,
    departs,
    event,
    home,
    talking,
    visit,
)
from tests.unit.care.telling import LATE, MISSED, UNVERIFIED, alerts, history, states


def said(attended: bool, when: datetime, **more: Any) -> ManualWord:
    """A person's word."""
    return ManualWord("v1", when, attended, "Mo Manager", "fob forgotten", **more)


@pytest.mark.parametrize(
    ("planned", "suspensions", "state"),
    [
        (cancelled(), (), State.CANCELLED),
        (visit(), (Suspension("ada", at("00:00"), None, "hospital"),), State.SUSPENDED),
        (cancelled(), (Suspension("ada", at("00:00"), None, "hospital"),), State.CANCELLED),
    ],
)
def test_a_visit_that_is_not_expected(planned: Any, suspensions: Any, state: State) -> None:
    """Cancelled or suspended from the beginning, without alerts, whatever weak evidence there is."""
    found = history(home([planned], [event("door.opened", at("08:10"))], suspensions=suspensions))
    assert states(found) == [("07:15", state, Attendance(state.value))]
    assert alerts(found) == []
    assert found.verdict.verification is Verification.NONE


def test_somebody_came_to_a_cancelled_visit() -> None:
    """It is judged attended, without alerts, and the reason says so."""
    found = history(home([cancelled()], [arrives("joy", "08:00"), departs("joy", "08:30")]))
    assert found.verdict.attendance is Attendance.ATTENDED
    assert "cancelled" in found.verdict.reason
    half = history(home([cancelled(carers_required=2)], [arrives("joy", "08:00"), departs("joy", "08:30")]))
    assert half.verdict.attendance is Attendance.PART_ATTENDED
    assert alerts(found) == alerts(half) == []


def test_a_cancellation_after_late_at_changes_nothing() -> None:
    """Verdict and alerts are as planned, and the reason names it."""
    found = history(home([cancelled(changed_at=at("08:31"))]))
    assert alerts(found) == [(LATE, "08:30", "09:00"), (MISSED, "09:00", None)]
    assert "cancellation" in found.verdict.reason.lower()


def test_a_row_added_after_late_at_raises_no_alert() -> None:
    """It is judged all the same."""
    found = history(home([visit(changed_at=at("08:31"))]))
    assert (found.verdict.state, alerts(found)) == (State.MISSED, [])


def test_a_person_says_that_it_was_made() -> None:
    """Manual verification: completed and attended from that moment, and the missed alert stands down."""
    word = said(True, at("10:00"), arrived_at=at("08:05"), departed_at=at("08:20"))
    found = history(home([visit()], manual=(word,)))
    final = found.verdict
    assert (final.state, final.attendance, final.verification) == (
        State.COMPLETED,
        Attendance.ATTENDED,
        Verification.MANUAL,
    )
    assert (final.timeliness, final.duration) == (Timeliness.ON_TIME, Duration.SHORT)
    assert alerts(found)[-1] == (MISSED, "09:00", "10:00")


def test_full_evidence_needs_no_persons_word() -> None:
    """What the home proves stands; a word lies over what it does not."""
    events = [arrives("joy", "08:00"), departs("joy", "08:30")]
    assert (
        history(home([visit()], events, manual=(said(True, at("10:00")),))).verdict.verification
        is Verification.FULL
    )
    partly = history(home([visit()], events[:1], manual=(said(True, at("10:00")),)))
    assert (partly.verdict.verification, partly.verdict.arrived_at) == (Verification.MANUAL, at("08:00"))


def test_a_person_says_that_nobody_came() -> None:
    """An unverified visit becomes missed by a person's word, but none before `missed_at`."""
    away = talking(last_heard_at=at("07:20"))
    found = history(home([visit()], hearing=[away], manual=(said(False, at("10:00")),)))
    assert alerts(found)[-2:] == [(UNVERIFIED, "09:00", "10:00"), (MISSED, "10:00", None)]
    assert found.verdict.verification is Verification.MANUAL
    early = history(
        home([visit()], [arrives("joy", "08:40")], manual=(said(False, at("08:10")),)), at("08:59")
    )
    assert early.verdict.state is State.IN_PROGRESS


def test_a_persons_word_changes_even_what_has_settled() -> None:
    """Nothing changes it by itself, but a person may."""
    found = history(home([visit()], manual=(said(True, at("10:00", 5)),)))
    assert found.verdict.verification is Verification.MANUAL
    assert alerts(found)[-1][0] is MISSED
    assert found.alerts[-1].stood_down_at == at("10:00", 5)
