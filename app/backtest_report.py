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
            alerts.append((span.raised_at, span.kind, visit.ref, "", "", (one, span)))
    for alert in home_alerts:
        alerts.append((alert.raised_at, alert.kind, "", alert.hub_id, alert.device or "", alert))
    visits.sort(key=lambda visit: visit[:2])
    alerts.sort(key=lambda alert: alert[:5])
    yield b'{"until":"%s",\n"visits":[\n' % until.isoformat().encode()
    yield b",\n".join(visit[-1] for visit in visits)
    yield b'\n],\n"alerts":[\n'
    for number, (*_, source) in enumerate(alerts):
        if number:
            yield b",\n"
        if isinstance(source, HomeAlert):
            yield from _alert(_home_alert(source, duties), duties.of_home(source))
        else:
            yield from _alert(_visit_alert(*source), duties.of_visit(*source))
    yield b"\n]}\n"


def _alert(told: Json, owed: Iterable[Duty]) -> Iterator[bytes]:
    """One alert and its duties, their steps written as they are spelled: a month of them is megabytes."""
    yield _open(told, b"duties") + b"["
    for number, duty in enumerate(owed):
        whose = {"organisation": duty.owed.organisation_id, "role": duty.owed.role}
        yield b"," * (number > 0) + _open(whose, b"step_at")
        yield from duty.steps.json()
        yield b"}"
    yield b"]}"


def _open(fields: Json, last: bytes) -> bytes:
    """An object up to the value of its last key, which is written after it."""
    return b'%s,"%s":' % (_encode(fields)[:-1], last)


def _visit(replayed: Replayed) -> Json:
    visit, verdict = replayed.window.visit, replayed.history.verdict
    return {
        "visit_ref": visit.ref,
        "package": visit.package_id,
        "resident": visit.resident_id,
        "start": visit.start_at.isoformat(),
        "end": visit.end_at.isoformat(),
        "attendance": verdict.attendance,
        "timeliness": verdict.timeliness,
        "duration": verdict.duration,
        "verification": verdict.verification,
        "arrived_at": _time(verdict.arrived_at),
        "departed_at": _time(verdict.departed_at),
        "carers": verdict.carers,
        "reason": verdict.reason,
        "state": verdict.state,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _visit_alert(replayed: Replayed, span: AlertSpan) -> Json:
    visit = replayed.window.visit
    return {
        "kind": span.kind,
        "visit_ref": visit.ref,
        "hub": None,
        "resident": visit.resident_id,
        "raised_at": span.raised_at.isoformat(),
        "stood_down_at": _time(span.stood_down_at),
        "reason": span.reason,
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
    }
