"""Entries of an on-call calendar (iCalendar, RFC 5545) between two moments. Pure.

Floating times and whole days are those of the rota's own zone. An entry that repeats keeps its wall time.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar

from alerts.wall import DAY, instant


@dataclass(frozen=True, slots=True)
class Event:
    """One occurrence, in UTC. `day` is the local date on which it begins."""

    summary: str
    starts: datetime
    ends: datetime
    day: date


def names_in(text: str) -> list[str]:
    """The summaries of a calendar's entries, each once. Raises ValueError with what is wrong."""
    calendar = _calendar(text)
    found = [" ".join(str(event.get("SUMMARY", "")).split()) for event in calendar.walk("VEVENT")]
    if not found:
        raise ValueError("the calendar has no entries")
    return list(dict.fromkeys(found))


def events_around(text: str, since: datetime, until: datetime, time_zone: str) -> list[Event]:
    """Every occurrence that touches the span. Raises ValueError for what is no calendar."""
    zone = ZoneInfo(time_zone)
    query = recurring_ical_events.of(_calendar(text), skip_bad_series=True)
    found = []
    for event in query.between(since - DAY, until + DAY):
        starts, ends = event.start, event.end
        found.append(
            Event(
                " ".join(str(event.get("SUMMARY", "")).split()),
                _instant(starts, zone),
                _instant(ends, zone),
                _instant(starts, zone).astimezone(zone).date(),
            )
        )
    return [event for event in found if event.starts < event.ends and event.ends > since]


@lru_cache(maxsize=64)
def _calendar(text: str) -> Calendar:
    try:
        found = Calendar.from_ical(text)
    except (ValueError, KeyError, IndexError) as error:
        raise ValueError(f"is no iCalendar: {error}") from None
    if not isinstance(found, Calendar):
        raise ValueError("is no iCalendar: it does not begin with a calendar")
    return found


def _local(moment: date | datetime, zone: ZoneInfo) -> datetime:
    """On the wall of its own zone, or of the rota's where it names none."""
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time(0), tzinfo=zone)
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment


def _instant(moment: date | datetime, zone: ZoneInfo) -> datetime:
    local = _local(moment, zone)
    if isinstance(local.tzinfo, ZoneInfo):
        return instant(local.date(), local.time(), local.tzinfo)
    return local.astimezone(UTC)
