"""The whole answer to one world, shaped like the comparable part of the report of contract §6."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.support.oracle.alerts import Alert, visit_alerts
from tests.support.oracle.homes import home_alerts
from tests.support.oracle.judge import Judge, Verdict
from tests.support.oracle.read import read_world


@dataclass(frozen=True)
class Judged:
    """A visit and its verdict at the end."""

    ref: str
    package: str
    resident: str
    start: datetime
    end: datetime
    verdict: Verdict


@dataclass(frozen=True)
class Report:
    """What the oracle says of a world."""

    until: datetime
    visits: list[Judged]
    alerts: list[Alert]


def oracle_report(
    estate: Path, roster: Path, events: Path, policy: Path | None = None, until: str | None = None
) -> Report:
    """Judge a world from its files."""
    world = read_world(estate, roster, events, policy, until)
    judge = Judge(world)
    visits = [
        Judged(
            visit.ref,
            visit.package,
            visit.resident,
            visit.start,
            visit.end,
            judge.verdict(visit, world.until),
        )
        for visit in judge.visits
        if visit.reported
    ]
    return Report(world.until, visits, [*visit_alerts(judge), *home_alerts(world)])
