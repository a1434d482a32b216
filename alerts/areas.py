"""Have so many units failed together that it is one matter and not many? Pure: units in, areas out.

Source: domain/alarms.md §1: more than a fifth of the hubs of one scheme, or 5 % of all, within ten minutes.
One unit is never an area, whatever its share: the rule is about many.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

TOGETHER = timedelta(minutes=10)
"""Units that failed within so long of each other may have failed of one cause."""
OF_A_SCHEME = Fraction(1, 5)
OF_ALL = Fraction(1, 20)
LEAST = 2
"""Units: in a scheme of four one is more than a fifth, and still only one."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A hub that is down since a moment. `scheme` None: dispersed."""

    hub_id: str
    scheme: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Area:
    """Units down together: of one scheme, or (None) of all. `since`: when there were enough of them."""

    scheme: str | None
    units: tuple[Unit, ...]
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many hubs are in service: in each scheme, and in all."""

    of_scheme: Mapping[str, int]
    of_all: int

    def of(self, scheme: str | None) -> int:
        """The hubs of a scheme; None: of all."""
        return self.of_all if scheme is None else self.of_scheme.get(scheme, 0)


def too_many(down: int, scheme: str | None, sizes: Sizes) -> bool:
    """More than a fifth of a scheme, or than 5 % of all: the bound itself is not too many."""
    share = OF_ALL if scheme is None else OF_A_SCHEME
    return down >= LEAST and down > share * sizes.of(scheme)


def areas(down: Sequence[Unit], sizes: Sizes) -> list[Area]:
    """The areas among units that are down, none overlapping.

    It is a matter of all, and then one area alone, when no scheme is hit by itself, or when those outside the
    scheme that is hit hardest are too many by themselves.
    """
    by_scheme: dict[str, list[Unit]] = {}
    for unit in down:
        if unit.scheme is not None:
            by_scheme.setdefault(unit.scheme, []).append(unit)
    of_schemes = [
        area
        for scheme, units in sorted(by_scheme.items())
        if (area := _area(units, scheme, sizes)) is not None
    ]
    everywhere = _area(down, None, sizes)
    if everywhere is None or not of_schemes:
        return [everywhere] if everywhere is not None else of_schemes
    hardest = max(of_schemes, key=lambda area: (len(area.units), area.scheme))
    outside = [unit for unit in everywhere.units if unit.scheme != hardest.scheme]
    return [everywhere] if _area(outside, None, sizes) is not None else of_schemes


def _area(down: Sequence[Unit], scheme: str | None, sizes: Sizes) -> Area | None:
    """The units of every span of ten minutes with too many in it."""
    ordered = sorted(down, key=lambda unit: (unit.since, unit.hub_id))
    found: dict[str, Unit] = {}
    since: datetime | None = None
    first = 0
    for last, unit in enumerate(ordered):
        while unit.since - ordered[first].since > TOGETHER:
            first += 1
        if too_many(last - first + 1, scheme, sizes):
            since = since or unit.since
            found |= {each.hub_id: each for each in ordered[first : last + 1]}
    if since is None:
        return None
    where = f"in {scheme}" if scheme is not None else "of all"
    reason = f"{len(found)} of {sizes.of(scheme)} units {where} within ten minutes"
    return Area(scheme, tuple(found.values()), since, reason)
