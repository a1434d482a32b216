"""What happens in an ordinary home, made up: pure and seeded, so that a seed is a world.

A generator here yields timed actions and touches nothing; `Fleet.live` carries them out.
The same seed, home and date give the same actions on any machine: all chance comes from one generator
seeded by those three, drawn in a fixed order, and no draw depends on the clock.
"""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from device_sim.spec import HomeSpec, VisitTimes

SHORT_STAY = 0.07
"""Share of visits that end early (domain/visits.md: 7 % of records under fifteen minutes)."""

VERY_LATE = 0.10
"""Share of carers who come more than 30 minutes late (domain/visits.md: one in ten)."""

CALLS_PER_YEAR = 77.0
"""Alarm calls of one home in a year (domain/alarms.md §2)."""

USUAL_LATENESS = (timedelta(minutes=-8), timedelta(minutes=22))
"""The carers who are not very late come within this of the planned start; our choice."""

LONG_LATENESS = (timedelta(minutes=31), timedelta(minutes=55))
"""How late the very late ones are; our choice, and short of a miss for the essential tier."""

DOOR_USES = (2, 9)
"""How often the resident or a visitor uses the door in a day; our choice."""

WAKING_HOURS = (7, 22)


@dataclass(frozen=True, slots=True)
class Habits:
    """What one home's days are like. The shares are chances for each visit."""

    short_stay: float = SHORT_STAY
    very_late: float = VERY_LATE
    nobody_comes: float = 0.0
    """No credible national rate of missed visits exists (domain/visits.md), so there is none by default."""
    calls_per_year: float = CALLS_PER_YEAR


@dataclass(frozen=True, slots=True, order=True)
class Action:
    """At this moment, in the home of this hub, this verb of `Home` with these arguments."""

    at: datetime
    hub: str
    does: str
    arguments: Mapping[str, Any] = field(default_factory=dict, compare=False)


def ordinary_day(
    spec: HomeSpec,
    day: date,
    midnight: datetime,
    visits: Iterable[VisitTimes],
    *,
    seed: int,
    habits: Habits | None = None,
) -> list[Action]:
    """Everything that happens in a home on a day, in order of time.

    `midnight` is the instant at which the home's date began, aware. The carer of each visit is the spec's
    role `carer`; a home without one gets no arrivals.
    """
    chance = random.Random(f"{seed}/{spec.hub}/{day.isoformat()}")
    ways = habits or Habits()
    actions = [
        *_visits(spec, sorted(visits, key=lambda visit: visit.start), chance, ways),
        *_doors(spec, midnight, chance),
        *_calls(spec, midnight, chance, ways),
    ]
    return sorted(actions, key=lambda action: action.at)


def _visits(
    spec: HomeSpec, visits: list[VisitTimes], chance: random.Random, ways: Habits
) -> Iterator[Action]:
    for visit in visits:
        # Every draw is made for every visit, so that a change of one habit moves no other visit's times.
        absent, late, short = (chance.random() for _ in range(3))
        usual, long, stay = (chance.random() for _ in range(3))
        if absent < ways.nobody_comes or "carer" not in spec.carers:
            continue
        lateness = _between(LONG_LATENESS, long) if late < ways.very_late else _between(USUAL_LATENESS, usual)
        share = 0.2 + 0.25 * stay if short < ways.short_stay else 0.85 + 0.3 * stay
        arrives = visit.start + lateness
        departs = arrives + (visit.end - visit.start) * share
        carer = {"credential": "carer"}
        panel = _panel(spec)
        if panel is not None:
            yield Action(arrives - timedelta(seconds=50), spec.hub, "rings", {"panel": panel} | carer)
            yield Action(arrives - timedelta(seconds=40), spec.hub, "shows", {"panel": panel} | carer)
        yield Action(arrives, spec.hub, "arrives", carer)
        yield Action(departs, spec.hub, "departs", carer)


def _doors(spec: HomeSpec, midnight: datetime, chance: random.Random) -> Iterator[Action]:
    panel = _panel(spec)
    for _ in range(chance.randint(*DOOR_USES)):
        opened = midnight + _waking(chance)
        open_for = timedelta(seconds=chance.uniform(5, 40))
        if panel is not None:
            yield Action(opened, spec.hub, "opens_door", {"panel": panel})
            yield Action(opened + open_for, spec.hub, "closes_door", {"panel": panel})


def _calls(spec: HomeSpec, midnight: datetime, chance: random.Random, ways: Habits) -> Iterator[Action]:
    pressed, when, cancelled = chance.random(), _waking(chance), chance.random()
    pendant = next((device.id for device in spec.devices if device.kind == "pendant"), None)
    if pendant is None or pressed >= ways.calls_per_year / 365:
        return
    yield Action(midnight + when, spec.hub, "presses", {"device": pendant})
    if cancelled < 0.5:
        yield Action(midnight + when + timedelta(seconds=45), spec.hub, "cancels", {"device": pendant})


def _waking(chance: random.Random) -> timedelta:
    return timedelta(hours=chance.uniform(*WAKING_HOURS))


def _between(bounds: tuple[timedelta, timedelta], share: float) -> timedelta:
    return bounds[0] + (bounds[1] - bounds[0]) * share


def _panel(spec: HomeSpec) -> str | None:
    return next((device.id for device in spec.devices if device.is_door), None)
