"""Wall times of a dwelling's zone and instants in UTC (domain/visits.md §1).

Two times of one zone subtract and compare by their wall reading, wrongly over a change of clocks; so
everything here ends in UTC before any arithmetic.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
# Beyond these `datetime` itself cannot go a day and a zone's offset further; no visit lies there.
FIRST_DATE = date(1900, 1, 1)
LAST_DATE = date(9000, 1, 1)


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The zone of that name. Raises `zoneinfo.ZoneInfoNotFoundError` or `ValueError` for none."""
    return ZoneInfo(name)


@lru_cache(maxsize=65536)
def resolve(day: date, wall: time, zone_name: str) -> tuple[datetime, bool]:
    """The instant of a wall time on a date, and whether it had to move.

    A wall time that does not exist that day moves forward by the gap; one that exists twice takes the first.
    """
    place = zone(zone_name)
    # With fold=0 a time inside a gap is read with the offset before it, which is the move by the gap.
    local = datetime.combine(day, wall, tzinfo=place).replace(fold=0)
    instant = local.astimezone(UTC)
    moved = instant.astimezone(place).replace(tzinfo=None) != local.replace(tzinfo=None)
    return instant, moved


def local_date(instant: datetime, zone_name: str) -> date:
    """The date on the dwelling's wall at that instant."""
    return instant.astimezone(zone(zone_name)).date()


@lru_cache(maxsize=65536)
def last_at_or_before(instant: datetime, wall: time, zone_name: str) -> datetime:
    """The latest moment at which the wall read `wall`, not after `instant`."""
    day = local_date(instant, zone_name)
    found, _ = resolve(day, wall, zone_name)
    # A day may lack the time altogether, or have had it only later; one step back is not always enough.
    while found > instant:
        day -= DAY
        found, _ = resolve(day, wall, zone_name)
    return found


@lru_cache(maxsize=65536)
def first_after(instant: datetime, wall: time, zone_name: str) -> datetime:
    """The first moment strictly after `instant` at which the wall reads `wall`."""
    day = local_date(instant, zone_name) - DAY
    found, _ = resolve(day, wall, zone_name)
    while found <= instant:
        day += DAY
        found, _ = resolve(day, wall, zone_name)
    return found


@lru_cache(maxsize=65536)
def clock(instant: datetime, zone_name: str) -> str:
    """`HH:MM` on the dwelling's wall, for sentences that people read."""
    wall = instant.astimezone(zone(zone_name))
    return f"{wall.hour:02}:{wall.minute:02}"
