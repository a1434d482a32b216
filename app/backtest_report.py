"""The report of a backtest (contract §6): verdicts, and alerts with each duty's steps.

Visits are ordered by start, then ref; alerts by the moment of raising, then kind, ref, hub and device.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from alerts.ladder import Audience, steps_due
from alerts.model import Role, VisitAlert, VisitAlertKind
from alerts.reach import Staff, reaches, staff_of
from alerts.routing import Owed, alarm_duties, centre_joins, visit_duties
from app.backtest_alarms import HomeAlert, centres_of, homes
from care.model import AlertSpan, Estate
from care.replay import Replayed

Json = dict[str, Any]
_THIRD = 3
_encode = msgspec.json.Encoder().encode


def report(
    replayed: Iterable[Replayed], home_alerts: Iterable[HomeAlert], estate: Estate, until: datetime
) -> bytes:
    """The whole report as JSON. Each part is encoded as it comes: a month has millions of steps."""
    writing = _Writing(estate, until)
    visits: list[tuple[datetime, str, bytes]] = []
    alerts: list[tuple[datetime, str, str, str, str, bytes]] = []
    for one in replayed:
        visit = one.window.visit
        visits.append((visit.start_at, visit.ref, _encode(_visit(one))))
        for span in one.history.alerts:
            told = _encode(writing.of_visit(one, span))
            alerts.append((span.raised_at, span.kind.value, visit.ref, "", "", told))
    for alert in home_alerts:
        told = _encode(writing.of_home(alert))
        alerts.append((alert.raised_at, alert.kind, "", alert.hub_id, alert.device or "", told))
    visits.sort(key=lambda visit: visit[:2])
    alerts.sort(key=lambda alert: alert[:5])
    return b"".join(
        (
            b'{"until":"%s",\n"visits":[\n' % until.isoformat().encode(),
            b",\n".join(visit[-1] for visit in visits),
            b'\n],\n"alerts":[\n',
            b",\n".join(alert[-1] for alert in alerts),
            b"\n]}\n",
        )
    )


def _visit(replayed: Replayed) -> Json:
    visit, verdict = replayed.window.visit, replayed.history.verdict
    return {
        "visit_ref": visit.ref,
        "package": visit.package_id,
        "resident": visit.resident_id,
        "start": visit.start_at.isoformat(),
        "end": visit.end_at.isoformat(),
        "attendance": verdict.attendance.value,
        "timeliness": verdict.timeliness.value,
        "duration": verdict.duration.value,
        "verification": verdict.verification.value,
        "arrived_at": _time(verdict.arrived_at),
        "departed_at": _time(verdict.departed_at),
        "carers": verdict.carers,
        "reason": verdict.reason,
        "state": verdict.state.value,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


@dataclass(frozen=True, slots=True)
class _Duty:
    organisation_id: str
    role: Role
    steps: list[datetime]

    def json(self) -> Json:
        # The encoder writes UTC as Z, and much faster than isoformat; the report has one spelling throughout.
        steps = _encode(self.steps).replace(b'Z"', b'+00:00"')
        return {"organisation": self.organisation_id, "role": self.role.value, "step_at": msgspec.Raw(steps)}


class _Writing:
    """Alerts as the report writes them, each with the duties that it opens."""

    def __init__(self, estate: Estate, until: datetime) -> None:
        self._estate = estate
        self._until = until
        self._homes = homes(estate)
        self._centres = centres_of(estate)
        self._staff = {name: staff_of(noun) for name, noun in estate.organisations.items()}

    def of_visit(self, replayed: Replayed, span: AlertSpan) -> Json:
        visit = replayed.window.visit
        return {
            "kind": span.kind.value,
            "visit_ref": visit.ref,
            "hub": None,
            "resident": visit.resident_id,
            "raised_at": span.raised_at.isoformat(),
            "stood_down_at": _time(span.stood_down_at),
            "reason": span.reason,
            "duties": [duty.json() for duty in self._visit_duties(replayed, span)],
        }

    def _visit_duties(self, replayed: Replayed, span: AlertSpan) -> list[_Duty]:
        visit, rules = replayed.window.visit, replayed.window.rules
        resident = self._estate.residents[visit.resident_id]
        alert = VisitAlert(
            kind=span.kind,
            visit_ref=visit.ref,
            resident_id=visit.resident_id,
            dwelling_id=visit.dwelling_id,
            provider_id=visit.provider_id,
            landlord_id=self._estate.dwellings[visit.dwelling_id].landlord_id,
            monitoring_centre_id=resident.monitoring_centre_id,
            raised_at=span.raised_at,
            step=rules.ladder_step,
            reason=span.reason,
            visit_start=visit.start_at,
            tier=visit.tier.value,
        )
        duties = []
        joining: tuple[datetime, timedelta | None] | None = None
        for owed in visit_duties(alert).duties:
            climbed = self._climb(owed, span.raised_at, span.stood_down_at)
            if span.kind is VisitAlertKind.LATE:
                # Its one step is its raise, whether or not anybody can be reached (contract §6 lists it).
                climbed = _Climbed([span.raised_at], None)
            duties.append(_Duty(owed.organisation_id, owed.role, climbed.steps))
            third = climbed.third_at
            if third is not None and (joining is None or third < joining[0]):
                joining = third, owed.ladder.step
        if joining is not None:
            joined = centre_joins(alert.monitoring_centre_id, joining[1])
            if joined is not None:
                climbed = self._climb(joined, joining[0], span.stood_down_at)
                duties.append(_Duty(joined.organisation_id, joined.role, climbed.steps))
        return duties

    def of_home(self, alert: HomeAlert) -> Json:
        home = self._homes.get(alert.hub_id)
        duties = []
        for owed in alarm_duties(alert.priority, home.centres if home else (), self._centres).duties:
            climbed = self._climb(owed, alert.raised_at, alert.stood_down_at)
            duties.append(_Duty(owed.organisation_id, owed.role, climbed.steps))
        return {
            "kind": alert.kind,
            "visit_ref": None,
            "hub": alert.hub_id,
            "resident": home.resident_id if home else None,
            "raised_at": alert.raised_at.isoformat(),
            "stood_down_at": _time(alert.stood_down_at),
            "reason": alert.reason,
            "duties": [duty.json() for duty in duties],
        }

    def _climb(self, owed: Owed, began_at: datetime, stood_down_at: datetime | None) -> "_Climbed":
        """The steps up to `until` and before the stand-down, as if nobody ever answered."""
        ladder, staff = owed.ladder, self._staff.get(owed.organisation_id, Staff())

        def reached(audience: Audience, at: datetime) -> bool:
            return reaches(audience, staff, at, critical=owed.critical)

        steps: list[datetime] = []
        third_at = None
        for step in steps_due(ladder, began_at, reached, after_step=0, after=None, until=self._until):
            if stood_down_at is not None and step.due_at >= stood_down_at:
                break
            if step.number == _THIRD and third_at is None:
                third_at = step.due_at
            if not step.skipped:
                steps.append(step.due_at)
            if step.repeated and ladder.repeat_every is not None:
                steps.extend(self._repeated(step.due_at, ladder.repeat_every, stood_down_at))
                break
        return _Climbed(steps, third_at)

    def _repeated(self, first: datetime, every: timedelta, stood_down_at: datetime | None) -> list[datetime]:
        """The repetitions behind the first one; a month of unanswered alarms has a great many."""
        count = (self._until - first) // every
        if stood_down_at is not None:
            before = stood_down_at - first
            count = min(count, -(-before // every) - 1)
        found = []
        for _ in range(count):
            first += every
            found.append(first)
        return found


@dataclass(frozen=True, slots=True)
class _Climbed:
    steps: list[datetime]
    third_at: datetime | None
