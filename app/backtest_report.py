"""The report of a backtest (contract §6): verdicts, and alerts with each duty's steps.

Visits are ordered by start, then ref; alerts by the moment of raising, then kind, ref, hub and device.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from app.backtest_alarms import HomeAlert
from app.backtest_duties import Duties, Duty
from care.model import AlertSpan, Estate
from care.replay import Replayed

Json = dict[str, Any]
_encode = msgspec.json.Encoder().encode


def report(
    replayed: Iterable[Replayed], home_alerts: Iterable[HomeAlert], estate: Estate, until: datetime
) -> Iterator[bytes]:
    """The whole report as JSON, piece by piece: a month of unanswered alarms is larger than the memory."""
    duties = Duties(estate, until)
    visits: list[tuple[datetime, str, bytes]] = []
    alerts: list[tuple[datetime, str, str, str, str, HomeAlert | tuple[Replayed, AlertSpan]]] = []
    for one in replayed:
        visit = one.window.visit
        visits.append((visit.start_at, visit.ref, _encode(_visit(one))))
        for span in one.history.alerts:
            alerts.append((span.raised_at, span.kind.value, visit.ref, "", "", (one, span)))
    for alert in home_alerts:
        alerts.append((alert.raised_at, alert.kind, "", alert.hub_id, alert.device or "", alert))
    visits.sort(key=lambda visit: visit[:2])
    alerts.sort(key=lambda alert: alert[:5])
    yield b'{"until":"%s",\n"visits":[\n' % until.isoformat().encode()
    yield b",\n".join(visit[-1] for visit in visits)
    yield b'\n],\n"alerts":[\n'
    for number, (*_, source) in enumerate(alerts):
        told = _home_alert(source, duties) if isinstance(source, HomeAlert) else _visit_alert(*source, duties)
        yield b",\n" * (number > 0) + _encode(told)
    yield b"\n]}\n"


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


def _visit_alert(replayed: Replayed, span: AlertSpan, duties: Duties) -> Json:
    visit = replayed.window.visit
    return {
        "kind": span.kind.value,
        "visit_ref": visit.ref,
        "hub": None,
        "resident": visit.resident_id,
        "raised_at": span.raised_at.isoformat(),
        "stood_down_at": _time(span.stood_down_at),
        "reason": span.reason,
        "duties": [_duty(duty) for duty in duties.of_visit(replayed, span)],
    }


def _home_alert(alert: HomeAlert, duties: Duties) -> Json:
    return {
        "kind": alert.kind,
        "visit_ref": None,
        "hub": alert.hub_id,
        "resident": duties.resident_of(alert.hub_id),
        "raised_at": alert.raised_at.isoformat(),
        "stood_down_at": _time(alert.stood_down_at),
        "reason": alert.reason,
        "duties": [_duty(duty) for duty in duties.of_home(alert)],
    }


def _duty(duty: Duty) -> Json:
    return {
        "organisation": duty.owed.organisation_id,
        "role": duty.owed.role.value,
        "step_at": msgspec.Raw(duty.steps.json()),
    }
