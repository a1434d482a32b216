"""How files write durations, dates, wall times and instants (contract, head; §3, §4).

Each function takes the text as it stands in the file and raises ValueError with one sentence for people.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import lru_cache

_DURATION = re.compile(
    r"P(?:(?P<weeks>\d+)W|(?:(?P<days>\d+)D)?(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?"
    r"(?:(?P<seconds>\d+(?:[.,]\d{1,6})?)S)?)?)\Z"
)
_WALL = re.compile(r"(\d{1,2}):(\d{2})(?::00)?\Z")
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})\Z")
_OTHER_DAY = re.compile(r"\d{1,4}[./ -]\d{1,2}[./ -]\d{1,4}\Z")
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?P<zone>[Zz]|[+-]\d{2}:\d{2})?\Z", re.ASCII
)
_EARLIEST, _LATEST = date(1900, 1, 1), date(9000, 1, 1)
_LONGEST = timedelta(days=36_500)


def parse_duration(text: str) -> timedelta:
    """An ISO 8601 duration in weeks, or in days, hours, minutes and seconds: `PT30M`, `P1DT12H`."""
    found = _DURATION.match(text.strip().upper()) if text.isascii() else None
    given = {name: value for name, value in found.groupdict().items() if value} if found else {}
    if not given:
        raise ValueError(f"'{shown(text)}' is not an ISO 8601 duration such as PT30M")
    exact = {name: Fraction(value.replace(",", ".")) for name, value in given.items()}
    try:
        duration = timedelta(**{name: float(value) for name, value in exact.items()})
    except OverflowError:
        duration = timedelta.max
    if duration > _LONGEST:
        raise ValueError(f"'{shown(text)}' is longer than a hundred years")
    return duration


@lru_cache(maxsize=4096)
def parse_wall(text: str) -> time:
    """A wall time `HH:MM`. `8:00` and `08:00:00`, which spreadsheets make of it, are taken too."""
    found = _WALL.match(text) if text.isascii() else None
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise ValueError(f"'{shown(text)}' is not a wall time HH:MM")
    return time(int(found[1]), int(found[2]))


@lru_cache(maxsize=4096)
def parse_day(text: str) -> date:
    """A date `YYYY-MM-DD`. Day-first and month-first dates are refused: 03/04 cannot be told apart."""
    found = _DAY.match(text) if text.isascii() else None
    if found is None:
        if _OTHER_DAY.match(text):
            raise ValueError(
                f"'{shown(text)}' is not a date YYYY-MM-DD; other orders are refused, not guessed"
            )
        raise ValueError(f"'{shown(text)}' is not a date YYYY-MM-DD")
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise ValueError(f"'{text}' is not in the calendar") from None
    if not _EARLIEST <= day <= _LATEST:
        raise ValueError(f"'{text}' lies outside the years 1900 to 8999")
    return day


def parse_instant(text: str) -> datetime:
    """An instant of RFC 3339, in UTC. One without an offset is refused: nobody knows which hour it means."""
    found = _INSTANT.match(text) if text.isascii() else None
    if found is None:
        raise ValueError(f"'{shown(text)}' is not a time such as 2026-12-02T09:00:00+00:00")
    if found["zone"] is None:
        raise ValueError(f"'{text}' has no offset; write it as {text.replace(' ', 'T')}+00:00, say")
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError(f"'{text}' is not in the calendar or not on the clock") from None
    if not _EARLIEST < moment.date() < _LATEST:
        raise ValueError(f"'{text}' lies outside the years 1900 to 8999")
    return moment.astimezone(UTC)


def shown(text: str) -> str:
    """A value as a fault quotes it: on one line and not longer than people read."""
    plain = "".join(character if character.isprintable() else "?" for character in text)
    return plain if len(plain) <= 60 else plain[:57] + "..."
