"""What a device's clock is worth (contract §2, domain/visits.md §1). Pure."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

# Beyond these an `at` says more about a dead battery than about the moment (contract §2).
FURTHEST_AHEAD = timedelta(hours=24)
FURTHEST_BEHIND = timedelta(days=30)

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)


class Timing(NamedTuple):
    """When an event counts as having happened, and whether its device's clock can be believed."""

    effective_at: datetime
    clock_suspect: bool


def timing(at: datetime, received_at: datetime) -> Timing:
    """The effective time of an event stamped `at` by its device and received at `received_at`.

    It is `at`, but never later than the receipt; with a suspect clock it is the receipt.
    Both times are aware; a difference of exactly 24 hours or 30 days is still believed.
    """
    offset = at - received_at
    if offset > FURTHEST_AHEAD or offset < -FURTHEST_BEHIND:
        return Timing(received_at, True)
    return Timing(at if at <= received_at else received_at, False)


def in_utc(at: datetime) -> datetime:
    """The same moment in UTC; the first or last moment that can be written where UTC has none for it.

    `0001-01-01T00:00:00+14:00` is a valid time on the wire and lies before year 1 in UTC.
    """
    if at.tzinfo is UTC:
        return at
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return _EARLIEST if at.year == 1 else _LATEST
