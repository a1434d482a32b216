"""When a visit counts, is late and is missed by the rules as published: worked out apart from the platform.

The numbers are the defaults of domain/visits.md §2, written down once more on purpose. A simulator that
borrowed the platform's own arithmetic could never catch it out.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from device_sim.world.people import ZONE, wall

_M = timedelta(minutes=1)
COUNTS_FROM = {"critical": 30 * _M, "essential": 45 * _M, "standard": 60 * _M}
LATE_AFTER = {"critical": 15 * _M, "essential": 30 * _M, "standard": 45 * _M}
MISSED_AFTER = {"critical": 30 * _M, "essential": 60 * _M, "standard": 90 * _M}
DAY_BEGINS = time(4)
DAY_ENDS = time(23)


@dataclass(frozen=True, slots=True)
class Moments:
    """The four moments of a visit, in UTC."""

    counts_from: datetime
    late_at: datetime | None
    missed_at: datetime
    latest: datetime


def counts_from(tier: str, start: datetime) -> datetime:
    """From when an arrival counts."""
    if tier in COUNTS_FROM:
        return start - COUNTS_FROM[tier]
    today = wall(start.astimezone(ZONE).date(), DAY_BEGINS)
    return today if today <= start else wall(start.astimezone(ZONE).date() - timedelta(days=1), DAY_BEGINS)


def moments(tier: str, start: datetime, end: datetime, following: datetime | None) -> Moments:
    """The moments of a visit; `following` is the start of the next planned one of its package."""
    local = start.astimezone(ZONE).date()
    missed_at = start + MISSED_AFTER[tier] if tier in MISSED_AFTER else max(wall(local, DAY_ENDS), end)
    if following is not None:
        missed_at = min(missed_at, following)
    late_at = start + LATE_AFTER[tier] if tier in LATE_AFTER else None
    if late_at is not None and late_at >= missed_at:
        late_at = None
    after = max(end, missed_at)
    day_over = wall(after.astimezone(ZONE).date(), DAY_BEGINS)
    if day_over <= after:
        day_over = wall(after.astimezone(ZONE).date() + timedelta(days=1), DAY_BEGINS)
    if following is None or following >= day_over:
        latest = day_over
    else:
        latest = min(max(missed_at, counts_from(tier, following)), following)
    return Moments(counts_from(tier, start), late_at, missed_at, latest)
