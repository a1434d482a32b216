"""What is planned in the demonstration: a few visits around now with short thresholds, then ordinary rounds.

Times of day are wall times of Europe/London, as a roster has them (contract §4).
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from app.demo.estate import DemoHome, carers_of, homes

ZONE = ZoneInfo("Europe/London")
MINUTE = timedelta(minutes=1)

LATE_AFTER = timedelta(seconds=20)
MISSED_AFTER = timedelta(seconds=45)
COUNTS_FROM = timedelta(seconds=10)
STORY_HOMES = range(1, 8)
"""Homes whose visits have the short thresholds; the others keep the ordinary ones."""
QUARTER_HOURS = range(3, 6)
"""Those of them whose visit is a quarter of an hour, as on any round. The rest is over within the minute in
which it is told: one cannot be shown a visit that was made without waiting for its end."""

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
ROUND = timedelta(minutes=90)
ROUND_LENGTH = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class PlannedVisit:
    """One roster row of the demonstration; `start` and `end` aware, on whole minutes."""

    home: DemoHome
    start: datetime
    end: datetime
    carer: str

    @property
    def ref(self) -> str:
        """Its visit_ref: one visit of a home and a minute."""
        return f"{self.home.resident}-{self.start.astimezone(ZONE):%Y%m%d-%H%M}"


def policy_toml() -> str:
    """The policy file (contract §6): the story's packages are judged in seconds instead of minutes."""

    def seconds(duration: timedelta) -> str:
        return f'"PT{int(duration.total_seconds())}S"'

    lines = ["# Short thresholds for the first visits of the demonstration; the rest keep their tier's."]
    for home in homes():
        if home.number in STORY_HOMES:
            lines += [
                f"[packages.{home.package}]",
                f"counts_from = {seconds(COUNTS_FROM)}",
                f"on_time = {seconds(LATE_AFTER)}",
                f"late_after = {seconds(LATE_AFTER)}",
                f"missed_after = {seconds(MISSED_AFTER)}",
                'ladder_step = "PT1M"',
            ]
    return "\n".join(lines) + "\n"


def story_start(now: datetime) -> datetime:
    """The next whole minute that leaves the homes a few seconds to be heard before it."""
    earliest = now + timedelta(seconds=12)
    return earliest.replace(second=0, microsecond=0) + MINUTE


def story_visits(start: datetime) -> list[PlannedVisit]:
    """One visit in each of the story's homes."""
    found = []
    for home in homes():
        if home.number in STORY_HOMES:
            team, length = carers_of(home.provider), 15 if home.number in QUARTER_HOURS else 1
            found.append(PlannedVisit(home, start, start + length * MINUTE, team[home.number % len(team)]))
    return found


def ordinary_rounds(since: datetime, until: datetime) -> list[PlannedVisit]:
    """The visits of the other homes that start in [since, until): every ninety minutes, staggered."""
    found = []
    for home in homes():
        if home.number in STORY_HOMES:
            continue
        team = carers_of(home.provider)
        first = _EPOCH + home.number * 7 * MINUTE
        turn = (since - first) // ROUND
        while (start := first + turn * ROUND) < until:
            if start >= since:
                found.append(PlannedVisit(home, start, start + ROUND_LENGTH, team[turn % len(team)]))
            turn += 1
    return sorted(found, key=lambda visit: (visit.start, visit.ref))


def lateness(visit: PlannedVisit) -> timedelta:
    """How long after the planned start an ordinary visit's carer comes; most are nearly on time."""
    chance = Random(visit.ref)
    return timedelta(seconds=round(chance.triangular(-180, 900, 60)))


def roster_csv(visits: Iterable[PlannedVisit]) -> str:
    """The roster (contract §4); columns that it leaves empty have their defaults."""
    text = io.StringIO()
    columns = ("visit_ref", "package", "service_date", "start", "end", "carer_1", "status")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for visit in visits:
        start, end = visit.start.astimezone(ZONE), visit.end.astimezone(ZONE)
        writer.writerow(
            {
                "visit_ref": visit.ref,
                "package": visit.home.package,
                "service_date": f"{start:%Y-%m-%d}",
                "start": f"{start:%H:%M}",
                "end": f"{end:%H:%M}",
                "carer_1": visit.carer,
                "status": "planned",
            }
        )
    return text.getvalue()
