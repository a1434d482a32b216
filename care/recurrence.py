"""On which dates does a recurring visit fall (domain/visits.md §8)? RFC 5545 rules, in wall time.

A rule speaks of dates only: the visit's own wall time is laid on each by `care.planning`. So a rule never
meets a change of clocks, and an occurrence can be neither dropped nor doubled by one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice

from dateutil.rrule import rrulestr

from care.walltime import zone

_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_TIME_PARTS = ("BYHOUR", "BYMINUTE", "BYSECOND")
_GREATEST = {"BYMONTH": 12, "BYMONTHDAY": 31, "BYYEARDAY": 366, "BYWEEKNO": 53}
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_UNTIL = re.compile(r"^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})(Z?))?$")


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule taken apart as far as we need."""

    body: str  # the rule without UNTIL and COUNT, which we keep ourselves
    last: date | None
    count: int | None
    period_days: int | None  # of daily and weekly rules without a COUNT: whole periods may be skipped


def dates(text: str, from_date: date, start: time, zone_name: str, first: date, last: date) -> Iterator[date]:
    """Every date in [first, last] on which the rule falls, in order.

    The rule counts from `from_date`; a `COUNT` or an interval therefore does too. Raises ValueError with one
    sentence for a rule that cannot be read.
    """
    rule = _parsed(text, from_date, start, zone_name)
    if rule.last is not None:
        last = min(last, rule.last)
    begin = from_date
    if rule.period_days is not None and first > from_date:
        # Else a daily visit of six years' standing is counted through from its first day each time.
        begin += timedelta(days=(first - from_date).days // rule.period_days * rule.period_days)
    if last < begin or last < first:
        return
    found = rrulestr(f"{rule.body};UNTIL={last:%Y%m%d}", dtstart=datetime.combine(begin, time()))
    for moment in islice(found, rule.count):
        if moment.date() >= first:
            yield moment.date()


def check(text: str, from_date: date, start: time, zone_name: str) -> None:
    """Raises ValueError with one sentence when this is no rule for a visit."""
    _parsed(text, from_date, start, zone_name)


@lru_cache(maxsize=16384)
def _parsed(text: str, from_date: date, start: time, zone_name: str) -> _Rule:
    parts = dict(_part(item) for item in text.strip().upper().removeprefix("RRULE:").split(";") if item)
    _refuse_what_has_no_meaning(parts)
    last = _last_date(parts.pop("UNTIL"), start, zone_name) if "UNTIL" in parts else None
    count = int(parts.pop("COUNT")) if "COUNT" in parts else None
    body = ";".join(f"{name}={value}" for name, value in parts.items())
    try:
        rrulestr(body, dtstart=datetime.combine(from_date, time()))
        interval = int(parts.get("INTERVAL", "1"))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise ValueError(f"not a recurrence rule: {error}") from error
    days = {"DAILY": 1, "WEEKLY": 7}.get(parts["FREQ"])
    period = None if days is None or count is not None else days * interval
    return _Rule(body, last, count, period)


def _refuse_what_has_no_meaning(parts: dict[str, str]) -> None:
    if parts.get("FREQ") not in _FREQUENCIES:
        raise ValueError(f"FREQ must be one of {', '.join(_FREQUENCIES)}")
    for name in _TIME_PARTS:
        if name in parts:
            raise ValueError(f"{name} has no meaning here: the visit's own start is its time")
    if "DTSTART" in parts:
        raise ValueError("DTSTART belongs in 'from'")
    for name in ("INTERVAL", "COUNT"):
        number = parts.get(name, "1")
        if not number.isascii() or not number.isdigit() or not 1 <= int(number[:6]) <= 99_999:
            raise ValueError(f"{name} must be a whole number from 1 to 99999")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("COUNT and UNTIL exclude each other")
    for name, greatest in _GREATEST.items():
        for number in filter(None, parts.get(name, "").split(",")):
            if not number.lstrip("+-").isdigit() or not 1 <= abs(int(number[:6])) <= greatest:
                raise ValueError(f"{name}={number} falls on no date")
    months = [int(month) for month in parts.get("BYMONTH", "").split(",") if month]
    days = [int(day) for day in parts.get("BYMONTHDAY", "").split(",") if day]
    if months and days and all(abs(day) > _LONGEST[month - 1] for month in months for day in days):
        raise ValueError(f"BYMONTHDAY={parts['BYMONTHDAY']} falls on no date of BYMONTH={parts['BYMONTH']}")


def _part(item: str) -> tuple[str, str]:
    name, equals, value = item.partition("=")
    if not equals or not value or not name.strip():
        raise ValueError(f"'{item}' is not NAME=VALUE")
    return name.strip(), value.strip()


def _last_date(text: str, start: time, zone_name: str) -> date:
    """The last date on which a visit at `start` is not after UNTIL; a date alone includes its whole day."""
    match = _UNTIL.match(text)
    if match is None:
        raise ValueError(f"UNTIL '{text}' is neither YYYYMMDD nor YYYYMMDDTHHMMSS, with or without Z")
    year, month, day, hour, minute, second, universal = match.groups()
    on = date(int(year), int(month), int(day))
    if hour is None:
        return on
    wall = datetime.combine(on, time(int(hour), int(minute), int(second)))
    if universal:
        wall = wall.replace(tzinfo=UTC).astimezone(zone(zone_name)).replace(tzinfo=None)
    return wall.date() if start <= wall.time() else wall.date() - timedelta(days=1)
