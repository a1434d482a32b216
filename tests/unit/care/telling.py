"""A visit's history in few words, as tests of verdicts and alerts compare it."""

from datetime import datetime
from typing import Any

from alerts.model import VisitAlertKind
from care.history import histories, judged
from care.household import Household
from care.liveness import Ears
from care.model import (
    Attendance,
    HomeEvent,
    State,
    Verdict,
    VisitHistory,
)
from care.windows import frame
from tests.unit.care.builders import (
    at,
    home,
    visit,
)

END = at("12:00", 6)


LATE, MISSED, UNVERIFIED, PART = (
    VisitAlertKind.LATE,
    VisitAlertKind.MISSED,
    VisitAlertKind.UNVERIFIED,
    VisitAlertKind.PART_ATTENDED,
)


def history(household: Household, until: datetime = END, ref: str = "v1") -> VisitHistory:
    """The history of one visit; told briefly, as a replay asks for it, it ends the same."""
    whole = histories(household, until)
    windows = frame(household.visits, household.suspensions, household.policy, household.dwelling.time_zone)
    ears = [Ears.of(hearing, household.policy, household.outages) for hearing in household.hearing]
    brief = judged(windows, household, ears, until, only_last=True)
    assert [(one.verdict, one.alerts) for one in brief] == [(one.verdict, one.alerts) for one in whole]
    return next(found for found in whole if found.visit.ref == ref)


def states(found: VisitHistory) -> list[tuple[str, State, Attendance]]:
    """When each version began, and what it said."""
    return [
        (version.at.strftime("%H:%M"), version.verdict.state, version.verdict.attendance)
        for version in found.versions
    ]


def alerts(found: VisitHistory) -> list[tuple[VisitAlertKind, str, str | None]]:
    """Each alert with its raise and its stand-down."""
    return [
        (
            span.kind,
            span.raised_at.strftime("%H:%M"),
            None if span.stood_down_at is None else span.stood_down_at.strftime("%H:%M"),
        )
        for span in found.alerts
    ]


def verdict(*events: HomeEvent, until: datetime = END, **planned: Any) -> Verdict:
    """The verdict on an essential visit at eight for half an hour."""
    return history(home([visit(**planned)], events), until).verdict


UNKNOWN = Attendance.UNKNOWN
