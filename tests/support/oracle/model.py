"""What a backtest is given, as the oracle holds it; and the table of the tiers (domain/visits.md §2)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

MICROSECOND = timedelta(microseconds=1)


def moment(text: str) -> datetime:
    """An RFC 3339 time with its offset, in UTC."""
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return value.astimezone(UTC)


def duration(text: str) -> timedelta:
    """An ISO 8601 duration of days, hours, minutes and seconds."""
    found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", text)
    if found is None:
        raise ValueError(f"{text!r} is no duration")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def times(share: Fraction, length: timedelta) -> Fraction:
    """So many times a length, in exact microseconds."""
    return share * (length // MICROSECOND)


@dataclass(frozen=True)
class Tier:
    """How visits of one tier are judged (domain/visits.md §2)."""

    counts_from: timedelta
    on_time: timedelta
    late_after: timedelta
    missed_after: timedelta
    short_below: Fraction
    ladder_step: timedelta


@dataclass(frozen=True)
class Policy:
    """Every number of contract §6."""

    day_begins: time
    day_ends: time
    silence_factor: Fraction
    silent_share: Fraction
    heard_again: timedelta
    same_session: timedelta
    longest_session: timedelta
    swap_minutes: Fraction
    named_elsewhere_minutes: Fraction
    early_weight: Fraction
    settle: timedelta
    tiers: dict[str, dict[str, Any]]
    packages: dict[str, dict[str, Any]]

    def of(self, tier: str, package: str) -> Tier:
        """The table's row, with what the file says of the tier, and then of the package, laid over it."""
        row = {**TABLE[tier], **self.tiers.get(tier, {}), **self.packages.get(package, {})}
        return Tier(
            duration(row["counts_from"]),
            duration(row["on_time"]),
            duration(row["late_after"]),
            duration(row["missed_after"]),
            Fraction(row["short_below"]),
            duration(row["ladder_step"]),
        )


TABLE: dict[str, dict[str, Any]] = {
    "critical": {
        "counts_from": "PT30M",
        "on_time": "PT15M",
        "late_after": "PT15M",
        "missed_after": "PT30M",
        "short_below": Fraction(9, 10),
        "ladder_step": "PT10M",
    },
    "essential": {
        "counts_from": "PT45M",
        "on_time": "PT30M",
        "late_after": "PT30M",
        "missed_after": "PT60M",
        "short_below": Fraction(8, 10),
        "ladder_step": "PT15M",
    },
    "standard": {
        "counts_from": "PT60M",
        "on_time": "PT45M",
        "late_after": "PT45M",
        "missed_after": "PT90M",
        "short_below": Fraction(8, 10),
        "ladder_step": "PT30M",
    },
    # The four times of a flexible visit are not durations: plan.py has them.
    "flexible": {
        "counts_from": "PT0M",
        "on_time": "PT0M",
        "late_after": "PT0M",
        "missed_after": "PT0M",
        "short_below": Fraction(5, 10),
        "ladder_step": "PT60M",
    },
}


@dataclass(frozen=True)
class Hub:
    """A unit in a home, or at a scheme's door; `scopes` by device."""

    id: str
    dwelling: str | None
    scheme: str | None
    heartbeat_every: timedelta
    scopes: dict[str, str]


@dataclass(frozen=True)
class Recurrence:
    """A visit that comes back."""

    id: str
    rrule: str
    start: time
    minutes: int
    carers: int
    since: date


@dataclass(frozen=True)
class Package:
    """What one provider does for one resident."""

    id: str
    resident: str
    provider: str
    tier: str
    visits: list[Recurrence]


@dataclass(frozen=True)
class Suspension:
    """From when until when no visit of a resident is due."""

    resident: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class Dwelling:
    """A home."""

    id: str
    landlord: str | None
    scheme: str | None
    zone: ZoneInfo


@dataclass(frozen=True)
class Resident:
    """Who lives there."""

    id: str
    dwelling: str
    centre: str | None


@dataclass(frozen=True)
class Row:
    """A line of the roster."""

    ref: str
    package: str
    date: date
    start: time
    end: time
    slots: int
    carers: list[str]
    tier: str
    cancelled: bool
    changed_at: datetime | None


@dataclass(frozen=True)
class Line:
    """One message of the events file, in its place in the order of arrival."""

    order: int
    hub: str
    received_at: datetime
    will: bool
    event: dict[str, Any] | None
    effective: datetime | None = None
    at: datetime | None = None
    like_an_alarm: bool = False
    """It cannot be read, and somebody may be calling for help."""


@dataclass
class World:
    """Everything a backtest is given."""

    policy: Policy
    reachable: dict[str, bool]
    centres: list[str]
    dwellings: dict[str, Dwelling]
    residents: dict[str, Resident]
    hubs: dict[str, Hub]
    carers: dict[str, str]
    credentials: dict[str, str]
    packages: dict[str, Package]
    suspensions: list[Suspension]
    rows: dict[str, Row]
    lines: list[Line]
    until: datetime
    stored: list[Line] = field(default_factory=list)
    told: list[Line] = field(default_factory=list)
    """What was stored of carers and doors; nothing else can be evidence."""
