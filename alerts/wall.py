"""Wall times of on-call rotas as instants. Pure.

Not the rule of visits (domain/visits.md §1), which moves a whole visit by the gap: here times that touch on
the wall must touch in truth, so a time that does not exist is the moment at which the clocks jump.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


@lru_cache(maxsize=8192)
def instant(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """A wall time in UTC: the first where it exists twice, the jump of the clocks where it does not exist."""
    local = datetime.combine(day, wall)
    first, second = sorted(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second or first.astimezone(zone).replace(tzinfo=None) == local:
        return first
    before = first.astimezone(zone).utcoffset()
    while first.astimezone(zone).utcoffset() == before:
        first += timedelta(minutes=1)
    return first.replace(second=0, microsecond=0)
