"""Who is on call at this moment? Pure: a rota and an instant in, names and the reason out.

A rota speaks in local time. A shift belongs to the date on which it begins, and so do a holiday's other
pattern and a swap: the night of the 24th that ends on the 25th is the 24th's. Where clocks change, a time
that does not exist is the moment at which the clocks jump, and one that exists twice is its first. So shifts
that touch on the wall touch in truth: nobody is on call twice, and no minute is left to nobody.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from alerts.calendars import Event, events_around
from alerts.wall import DAY, instant

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class Hours:
    """Wall times on some days of the week (0 is Monday); an end not after the beginning is the next day's."""

    starts: time
    ends: time
    days: frozenset[int] = EVERY_DAY

    def on(self, day: date, time_zone: str) -> tuple[datetime, datetime]:
        """The span that begins on this date, whatever day of the week it is."""
        zone = ZoneInfo(time_zone)
        last = day if self.ends > self.starts else day + DAY
        return instant(day, self.starts, zone), instant(last, self.ends, zone)

    def cover(self, at: datetime, time_zone: str) -> bool:
        """Whether the moment lies in them; the end does not."""
        today = at.astimezone(ZoneInfo(time_zone)).date()
        for day in (today - DAY, today):
            starts, ends = self.on(day, time_zone)
            if day.weekday() in self.days and starts <= at < ends:
                return True
        return False


@dataclass(frozen=True, slots=True)
class Shift:
    """One contact's hours, by the contact's name."""

    contact: str
    hours: Hours


@dataclass(frozen=True, slots=True)
class Holiday:
    """A date whose pattern differs: it has these shifts, whatever day of the week it is, and no others."""

    day: date
    shifts: tuple[Shift, ...]


@dataclass(frozen=True, slots=True)
class Swap:
    """Shifts of `instead_of` that begin on these dates, both included, are `who`'s."""

    first: date
    last: date
    who: str
    instead_of: str


@dataclass(frozen=True, slots=True)
class Rota:
    """Who is on call when: a weekly pattern, or a calendar (iCalendar text) whose summaries name contacts."""

    weekly: tuple[Shift, ...] = ()
    calendar: str | None = None
    holidays: tuple[Holiday, ...] = ()
    swaps: tuple[Swap, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """One stretch of one contact's duty, in UTC. `day` is the local date to which it belongs."""

    contact: str
    starts: datetime
    ends: datetime
    day: date
    reason: str


@dataclass(frozen=True, slots=True)
class OnCall:
    """Who it is, each once, and why; nobody: the rota has a gap."""

    contacts: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which nobody is on call."""

    starts: datetime
    ends: datetime


def on_call(rota: Rota, at: datetime, time_zone: str) -> OnCall:
    """Who is on call at an instant; a turn's end does not belong to it."""
    turns = [turn for turn in turns_between(rota, at, at, time_zone) if turn.starts <= at < turn.ends]
    local = at.astimezone(ZoneInfo(time_zone))
    if not turns:
        return OnCall((), f"nobody is on call at {local:%H:%M on %a %d %b}: the rota has a gap")
    names = tuple(dict.fromkeys(turn.contact for turn in turns))
    return OnCall(names, "; ".join(dict.fromkeys(turn.reason for turn in turns)))


def gaps(rota: Rota, since: datetime, until: datetime, time_zone: str) -> list[Gap]:
    """The stretches between two moments in which nobody is on call, in order."""
    found = []
    covered = since
    for turn in sorted(turns_between(rota, since, until, time_zone), key=lambda turn: turn.starts):
        if turn.ends <= covered:
            continue
        if turn.starts > covered:
            found.append(Gap(covered, min(turn.starts, until)))
        covered = max(covered, turn.ends)
        if covered >= until:
            break
    if covered < until:
        found.append(Gap(covered, until))
    return [gap for gap in found if gap.ends > gap.starts]


def turns_between(rota: Rota, since: datetime, until: datetime, time_zone: str) -> list[Turn]:
    """Every turn that may touch the span, those of holidays and swaps included."""
    zone = ZoneInfo(time_zone)
    first, last = since.astimezone(zone).date() - DAY, until.astimezone(zone).date()
    found: list[Turn] = []
    holidays = {holiday.day: holiday for holiday in rota.holidays}
    if rota.calendar is not None:
        events = events_around(rota.calendar, since - DAY, until + DAY, time_zone)
        found += [_turn_of(event) for event in events if event.day not in holidays]
    for day in _dates(first, last):
        holiday = holidays.get(day)
        if holiday is not None:
            found += _turns(holiday.shifts, day, time_zone, f"the holiday pattern of {day}")
        else:
            weekly = [shift for shift in rota.weekly if day.weekday() in shift.hours.days]
            found += _turns(weekly, day, time_zone, f"the weekly pattern of {DAYS[day.weekday()]}")
    return [_swapped(turn, rota.swaps) for turn in found]


def _dates(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += DAY


def _turns(shifts: Sequence[Shift], day: date, time_zone: str, reason: str) -> list[Turn]:
    return [Turn(shift.contact, *shift.hours.on(day, time_zone), day, reason) for shift in shifts]


def _turn_of(event: Event) -> Turn:
    return Turn(event.summary, event.starts, event.ends, event.day, f"the calendar's entry of {event.day}")


def _swapped(turn: Turn, swaps: Sequence[Swap]) -> Turn:
    """The last swap that fits decides, and is itself not swapped on."""
    for swap in reversed(swaps):
        if swap.instead_of == turn.contact and swap.first <= turn.day <= swap.last:
            reason = f"{swap.who} for {swap.instead_of} from {swap.first} to {swap.last}"
            return replace(turn, contact=swap.who, reason=reason)
    return turn
