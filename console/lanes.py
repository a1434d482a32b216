"""The day's visits as lanes on one axis of time. Pure: visits in, places in per cent out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from api.model import VisitOut
from care.walltime import DAY, last_at_or_before, local_date, resolve
from console.words import zone

SHORTEST_AXIS: Final = timedelta(hours=3)
DAY_BEGINS: Final = time(4)
"""The service day begins at 04:00 local (domain/visits.md §2)."""
ATTENTION: Final = ("missed", "unverified", "late", "due", "in_progress")
_NARROWEST: Final = 1.6


@dataclass(frozen=True, slots=True)
class Bar:
    """One visit on its lane; places and widths in per cent of the axis, `row` from 0 where visits overlap."""

    visit: VisitOut
    x: float
    width: float
    row: int
    came_x: float | None
    came_width: float | None


@dataclass(frozen=True, slots=True)
class Lane:
    """One resident's day."""

    resident_id: str
    name: str
    address: str
    bars: tuple[Bar, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A full hour (or half) on the axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Day:
    """The whole picture. `now_x` None: now is not on the axis."""

    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    now_x: float | None


def service_date(moment: datetime, time_zone: str) -> date:
    """The service date that a moment belongs to in a zone."""
    return local_date(last_at_or_before(moment, DAY_BEGINS, time_zone), time_zone)


def service_day(on: date, time_zone: str) -> tuple[datetime, datetime]:
    """When a service day begins in a zone, and when the next one does."""
    return resolve(on, DAY_BEGINS, time_zone)[0], resolve(on + DAY, DAY_BEGINS, time_zone)[0]


def day(visits: Sequence[VisitOut], now: datetime) -> Day:
    """Lanes by resident: those that need a look first, then by the first visit."""
    if not visits:
        return Day((), (), None)
    begins, ends = _axis(visits, now)
    by_resident: dict[str, list[VisitOut]] = {}
    for visit in visits:
        by_resident.setdefault(visit.resident.id, []).append(visit)
    ordered = sorted(by_resident.values(), key=_urgency)
    lanes = tuple(_lane(own, begins, ends, now) for own in ordered)
    place = _x(now, begins, ends)
    return Day(
        lanes,
        _ticks(begins, ends, visits[0].dwelling.time_zone),
        place if 0 <= place <= 100 else None,
    )


def _urgency(visits: list[VisitOut]) -> tuple[int, datetime, str]:
    ranks = [ATTENTION.index(visit.state) for visit in visits if visit.state in ATTENTION]
    return (min(ranks, default=len(ATTENTION)), min(visit.start for visit in visits), visits[0].resident.name)


def _axis(visits: Sequence[VisitOut], now: datetime) -> tuple[datetime, datetime]:
    moments = [visit.start for visit in visits] + [visit.end for visit in visits]
    moments += [moment for visit in visits for moment in (visit.arrived_at, visit.departed_at) if moment]
    begins, ends = min(moments), max(moments)
    if begins - timedelta(hours=2) <= now <= ends + timedelta(hours=2):
        begins, ends = min(begins, now), max(ends, now)
    step = _step(ends - begins)
    begins, ends = _floor(begins - step / 4, step), _floor(ends + step * 5 / 4, step)
    if ends - begins < SHORTEST_AXIS:
        begins, ends = begins - step, begins - step + SHORTEST_AXIS
        ends = max(ends, _floor(max(moments) + step, step))
    return begins, ends


def _step(length: timedelta) -> timedelta:
    if length <= timedelta(hours=4):
        return timedelta(minutes=30)
    return timedelta(hours=1) if length <= timedelta(hours=9) else timedelta(hours=2)


def _floor(moment: datetime, step: timedelta) -> datetime:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + step * ((moment - midnight) // step)


def _x(moment: datetime, begins: datetime, ends: datetime) -> float:
    return round((moment - begins) / (ends - begins) * 100, 3)


def _ticks(begins: datetime, ends: datetime, time_zone: str) -> tuple[Tick, ...]:
    step = _step(ends - begins)
    ticks = []
    at = begins + step
    while at < ends:
        ticks.append(Tick(_x(at, begins, ends), f"{at.astimezone(zone(time_zone)):%H:%M}"))
        at += step
    return tuple(ticks)


def _lane(visits: list[VisitOut], begins: datetime, ends: datetime, now: datetime) -> Lane:
    free: list[datetime] = []
    bars = []
    for visit in sorted(visits, key=lambda one: (one.start, one.ref)):
        row = next((index for index, until in enumerate(free) if until <= visit.start), len(free))
        until = max(visit.end, visit.departed_at or visit.end)
        if row == len(free):
            free.append(until)
        free[row] = until
        bars.append(_bar(visit, row, begins, ends, now))
    first = visits[0]
    return Lane(first.resident.id, first.resident.name, first.dwelling.address, tuple(bars), len(free))


def _bar(visit: VisitOut, row: int, begins: datetime, ends: datetime, now: datetime) -> Bar:
    came_x = came_width = None
    if visit.arrived_at is not None:
        left = visit.departed_at or (now if visit.state == "in_progress" else visit.arrived_at)
        came_x = _x(visit.arrived_at, begins, ends)
        came_width = max(_x(left, begins, ends) - came_x, _NARROWEST / 2)
    x = _x(visit.start, begins, ends)
    return Bar(visit, x, max(_x(visit.end, begins, ends) - x, _NARROWEST), row, came_x, came_width)
