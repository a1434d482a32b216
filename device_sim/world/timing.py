"""When a visit counts, is late and is missed by the rules as published: worked out apart from the platform.

The numbers are the defaults of domain/visits.md §2, written down once more on purpose. A simulator that
borrowed the platform's own arithmetic could never catch it out.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

import msgspec

from device_sim.world.people import ZONE, wall
from device_sim.world.truth import Truth

_M = timedelta(minutes=1)
_KEYS = ("counts_from", "late_after", "missed_after")


@dataclass(frozen=True, slots=True)
class Tuning:
    """The numbers of a policy (contract §6) on which the moments of a visit hang, by tier; `packages` has
    those of single packages. A flexible visit has neither `counts_from` nor `late_after`, unless set."""

    tiers: Mapping[str, Mapping[str, timedelta]]
    packages: Mapping[str, Mapping[str, timedelta]] = field(default_factory=dict)
    day_begins: time = time(4)
    day_ends: time = time(23)

    def of(self, package: str, tier: str) -> Mapping[str, timedelta]:
        """The numbers for one package."""
        return {**self.tiers.get(tier, {}), **self.packages.get(package, {})}


USUAL = Tuning(
    {
        "critical": {"counts_from": 30 * _M, "late_after": 15 * _M, "missed_after": 30 * _M},
        "essential": {"counts_from": 45 * _M, "late_after": 30 * _M, "missed_after": 60 * _M},
        "standard": {"counts_from": 60 * _M, "late_after": 45 * _M, "missed_after": 90 * _M},
        "flexible": {},
    }
)
"""The defaults of domain/visits.md §2."""


def tuning_of(text: str) -> Tuning:
    """The numbers of a policy file (TOML, contract §6); the rest of it does not matter here.

    Raises ValueError with one sentence.
    """
    told = tomllib.loads(text)
    tiers = {tier: {**USUAL.tiers[tier], **_numbers(told, "tiers", tier)} for tier in USUAL.tiers}
    packages = {package: _numbers(told, "packages", package) for package in _table(told, "packages")}
    begins = _time(told, "day_begins", USUAL.day_begins)
    return Tuning(tiers, packages, begins, _time(told, "day_ends", USUAL.day_ends))


def _table(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = told.get(name, {})
    if not isinstance(found, dict):
        raise ValueError(f"{name} is not a table")
    return found


def _numbers(told: Mapping[str, Any], group: str, name: str) -> dict[str, timedelta]:
    found = {}
    for key, value in _table(_table(told, group), name).items():
        if key in _KEYS:
            try:
                found[key] = msgspec.convert(value, timedelta)
            except msgspec.ValidationError:
                raise ValueError(f"{group}.{name}.{key}: {value!r} is not a duration such as PT30M") from None
    return found


def _time(told: Mapping[str, Any], key: str, usual: time) -> time:
    try:
        return time.fromisoformat(told[key]) if key in told else usual
    except (TypeError, ValueError):
        raise ValueError(f"{key}: {told[key]!r} is not a wall time such as 04:00") from None


@dataclass(frozen=True, slots=True)
class Moments:
    """The four moments of a visit, in UTC."""

    counts_from: datetime
    late_at: datetime | None
    missed_at: datetime
    latest: datetime


def moments(
    package: str,
    tier: str,
    start: datetime,
    end: datetime,
    following: datetime | None,
    tuning: Tuning = USUAL,
) -> Moments:
    """The moments of a visit; `following` is the start of the next planned one of its package."""
    own, local = tuning.of(package, tier), start.astimezone(ZONE).date()
    missed_at = (
        start + own["missed_after"] if "missed_after" in own else max(wall(local, tuning.day_ends), end)
    )
    if following is not None:
        missed_at = min(missed_at, following)
    late_at = start + own["late_after"] if "late_after" in own else None
    if late_at is not None and late_at >= missed_at:
        late_at = None
    day_over = _next_day(max(end, missed_at), tuning)
    if following is None or following >= day_over:
        latest = day_over
    else:
        latest = min(max(missed_at, _counts_from(own, following, tuning)), following)
    return Moments(_counts_from(own, start, tuning), late_at, missed_at, latest)


def retimed(truth: Truth, tuning: Tuning) -> Truth:
    """The same truth with the moments of its visits as a policy has them."""
    following: dict[str, datetime] = {}
    visits = []
    for visit in sorted(truth.visits, key=lambda one: (one.start, one.ref), reverse=True):
        four = moments(
            visit.package, visit.tier, visit.start, visit.end, following.get(visit.package), tuning
        )
        if visit.standing == "planned":
            following[visit.package] = visit.start
        visits.append(
            msgspec.structs.replace(
                visit,
                counts_from=four.counts_from,
                late_at=four.late_at,
                missed_at=four.missed_at,
                latest=four.latest,
            )
        )
    return msgspec.structs.replace(truth, visits=tuple(reversed(visits)))


def _counts_from(own: Mapping[str, timedelta], start: datetime, tuning: Tuning) -> datetime:
    if "counts_from" in own:
        return start - own["counts_from"]
    return _next_day(start, tuning, back=1)


def _next_day(after: datetime, tuning: Tuning, back: int = 0) -> datetime:
    """The first beginning of a service day after a moment, or so many before that."""
    local = after.astimezone(ZONE).date()
    days = 0 if wall(local, tuning.day_begins) > after else 1
    return wall(local + timedelta(days=days - back), tuning.day_begins)
