"""Hold a report of `threshold backtest` against the oracle's, field by field."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from tests.support.oracle.alerts import Alert
from tests.support.oracle.judge import Verdict
from tests.support.oracle.report import Report

Json = dict[str, Any]


def instant(text: str | None) -> datetime | None:
    """A time of the report."""
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def shown(value: object) -> str:
    """A value for people who look for the difference."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return "[" + ", ".join(shown(part) for part in value) + "]"
    return str(value)


def said_verdict(given: Json) -> Verdict:
    """A visit of the report as a verdict."""
    return Verdict(
        given["state"],
        given["attendance"],
        given["timeliness"],
        given["duration"],
        given["verification"],
        instant(given["arrived_at"]),
        instant(given["departed_at"]),
        tuple(sorted(given["carers"])),
    )


def in_words(alert: Alert) -> str:
    """An alert on one line, with every duty and step."""
    duties = "; ".join(f"{duty.role} {duty.organisation} {shown(duty.step_at)}" for duty in alert.duties)
    raised, down = shown(alert.raised_at), shown(alert.stood_down_at)
    about = f"{alert.visit_ref or alert.hub} of {alert.resident}"
    return f"{alert.kind} {about} raised {raised} down {down}: {duties}"


def differing_visits(oracle: Report, given: list[Json]) -> list[str]:
    """Each visit that is missing, too much, or judged otherwise."""
    found: list[str] = []
    ours = {visit.ref: visit for visit in oracle.visits}
    theirs = {visit["visit_ref"]: visit for visit in given}
    if len(theirs) != len(given):
        found.append("a visit is reported twice")
    found += [f"{ref}: only the oracle has this visit" for ref in sorted(ours.keys() - theirs.keys())]
    found += [f"{ref}: only the engine has this visit" for ref in sorted(theirs.keys() - ours.keys())]
    for ref in sorted(ours.keys() & theirs.keys()):
        our, their = ours[ref], theirs[ref]
        pairs: list[tuple[str, object, object]] = [
            ("package", our.package, their["package"]),
            ("resident", our.resident, their["resident"]),
            ("start", our.start, instant(their["start"])),
            ("end", our.end, instant(their["end"])),
        ]
        verdict = said_verdict(their)
        pairs += [
            (field.name, getattr(our.verdict, field.name), getattr(verdict, field.name))
            for field in fields(Verdict)
        ]
        found += [
            f"{ref}: {name}: oracle {shown(mine)}, engine {shown(other)} ({their['reason']})"
            for name, mine, other in pairs
            if mine != other
        ]
    return found


def alert_line(given: Json) -> str:
    """An alert of the report on one line, in the oracle's words."""
    duties = "; ".join(
        f"{duty['role']} {duty['organisation']} {shown(tuple(instant(step) for step in duty['step_at']))}"
        for duty in sorted(given["duties"], key=lambda duty: (duty["role"], duty["organisation"]))
    )
    raised, down = shown(instant(given["raised_at"])), shown(instant(given["stood_down_at"]))
    about = f"{given['visit_ref'] or given['hub']} of {given['resident']}"
    return f"{given['kind']} {about} raised {raised} down {down}: {duties}"


def differing_alerts(oracle: Report, given: list[Json]) -> list[str]:
    """Each alert that only one of the two has, or that differs in a time, a duty or a step."""
    ours = sorted(in_words(alert) for alert in oracle.alerts)
    theirs = sorted(alert_line(alert) for alert in given)
    found: list[str] = []
    for line in ours:
        if line in theirs:
            theirs.remove(line)
        else:
            found.append(f"only the oracle has {line}")
    return found + [f"only the engine has {line}" for line in theirs]


def differences(oracle: Report, given: Json) -> list[str]:
    """Every difference between the two; none where they agree."""
    found = differing_visits(oracle, given["visits"]) + differing_alerts(oracle, given["alerts"])
    if instant(given["until"]) != oracle.until:
        found.append(f"until: oracle {shown(oracle.until)}, engine {given['until']}")
    return found
