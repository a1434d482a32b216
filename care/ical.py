"""A calendar feed (iCalendar, RFC 5545) as a roster: the occurrences of one package's visits. Pure.

A visit is wall time on the dwelling's clock (domain/visits.md §1), so each occurrence becomes a roster row.
Times of other zones and of UTC are read off that clock; the libraries' own readings of an hour that is not
there or comes twice are not used.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import zip_longest
from typing import Any

import recurring_ical_events
from icalendar import Calendar

from care.errors import Fault, RosterErrors
from care.estate import MAX_CARERS
from care.ical_lines import Block, blocks, unfolded
from care.model import Carer, Estate, Plan, RosterRow, Tier
from care.notation import shown
from care.planning import visit_of_row
from care.recurrence import check
from care.roster import Roster, prefix_of
from care.walltime import DAY, zone

Properties = Any
"""A component as the library reads it: each property is one of some thirty types, or a list of them."""

NUMBER = "X-THRESHOLD-CARERS"
TIER = "X-THRESHOLD-TIER"

_NOT_EXPECTED = frozenset({"DECLINED", "DELEGATED"})
_NO_PERSON = frozenset({"RESOURCE", "ROOM"})
_TWICE = ("RRULE", "DTSTART", "DTEND", "DURATION", "STATUS", "RECURRENCE-ID", NUMBER, TIER)


def read_calendar(
    text: str | bytes, source: str, estate: Estate, package_id: str, now: datetime, last: date
) -> Roster:
    """The occurrences that have not ended, up to and including the service date `last`, as rows of a roster.

    A ref is made of the package, the event's UID and the date on which the occurrence belongs in its series,
    so that it stays the same when the occurrence is moved. Raises RosterErrors with all faults.
    """
    package = estate.packages[package_id]
    dwelling = estate.dwellings[estate.residents[package.resident_id].dwelling_id]
    carers = [carer for carer in estate.carers.values() if carer.provider_id == package.provider_id]
    reading = _Reading(source, package_id, dwelling.time_zone, carers)
    body = _decoded(text, source)
    components = list(_components(body, reading))
    rows: dict[str, RosterRow] = {}
    for series in _by_uid(components):
        rows |= {row.visit_ref: row for row in reading.rows(series, now, last)}
    if reading.faults:
        raise RosterErrors(reading.faults)
    coming = [row for row in rows.values() if visit_of_row(row, package, dwelling).end_at > now]
    return Roster(source, tuple(coming), tuple(reading.warnings), calendar_of=package_id)


def _decoded(text: str | bytes, source: str) -> str:
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RosterErrors([Fault(source, line, "", "not UTF-8, as a calendar has to be")]) from None


@dataclass(frozen=True, slots=True)
class _Component:
    """One VEVENT with the lines on which it stands."""

    event: Properties
    block: Block

    @property
    def uid(self) -> str:
        return str(self.event["UID"])

    @property
    def overrides(self) -> bool:
        """It speaks of one occurrence of a series, or of it and those that follow."""
        return "RECURRENCE-ID" in self.event


def _components(body: str, reading: "_Reading") -> Iterator[_Component]:
    """The events of the file that can be understood by themselves."""
    try:
        calendar: Properties = Calendar.from_ical(body)
    except (ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        reading.fault(0, "", f"is no iCalendar: {shown(str(error))}")
        return
    cancels = str(calendar.get("METHOD", "")).upper() == "CANCEL"
    for event, block in zip_longest(calendar.walk("VEVENT"), blocks(unfolded(body), "VEVENT")):
        if event is None or block is None:
            reading.fault(0, "", "is no iCalendar: its components do not begin and end in pairs")
            return
        if cancels:
            event["STATUS"] = "CANCELLED"
        component = _Component(event, block)
        if reading.understands(component):
            yield component


def _by_uid(components: Iterable[_Component]) -> Iterable[list[_Component]]:
    series: dict[str, list[_Component]] = {}
    for component in components:
        series.setdefault(component.uid, []).append(component)
    return series.values()


@dataclass(slots=True)
class _Reading:
    source: str
    package_id: str
    zone_name: str
    carers: list[Carer]
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)

    def fault(self, line: int, name: str, sentence: str) -> None:
        """Tells a fault once, however many occurrences have it."""
        found = Fault(self.source, line, name, sentence)
        if found not in self.faults:
            self.faults.append(found)

    def warn(self, line: int, name: str, sentence: str) -> None:
        """Likewise what may stand and yet deserves a look."""
        found = Fault(self.source, line, name, sentence)
        if found not in self.warnings:
            self.warnings.append(found)

    def understands(self, component: _Component) -> bool:
        """Whether an event says what a visit needs; what it lacks is told. A banner is passed over."""
        event, block = component.event, component.block
        before = len(self.faults)
        for name, sentence in event.errors:
            self.fault(block.line_of(name or ""), name or "", shown(str(sentence)))
        if len(self.faults) > before:
            return False
        if not str(event.get("UID", "")).strip():
            self.fault(block.line, "UID", "is missing: without it no change could be told from a new visit")
        for name in _TWICE:
            if isinstance(event.get(name), list):
                self.fault(block.line_of(name), name, "is given more than once")
        if "EXRULE" in event:
            self.fault(block.line_of("EXRULE"), "EXRULE", "is no longer part of iCalendar; use EXDATE")
        if len(self.faults) == before and self._has_times(component):
            self._check_rule(component)
            return len(self.faults) == before
        return False

    def _has_times(self, component: _Component) -> bool:
        """Whether it begins at a time of day on a clock that we know, and lasts."""
        event, block = component.event, component.block
        if "DTSTART" not in event:
            self.fault(block.line, "DTSTART", "is missing")
            return False
        if not isinstance(event["DTSTART"].dt, datetime):
            line = block.line_of("DTSTART")
            if str(event.get("TRANSP", "")).upper() == "TRANSPARENT":
                self.warn(line, "DTSTART", "a whole day that takes no time is passed over")
            else:
                self.fault(line, "DTSTART", "is a whole day; a visit has a time")
            return False
        fine = True
        for name in ("DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE", "RDATE"):
            for found in _listed(event.get(name)):
                place = found.params.get("TZID")
                if place is not None and any(each.tzinfo is None for each in _moments(found)):
                    self.fault(block.line_of(name), name, f"there is no time zone '{shown(str(place))}'")
                    fine = False
        if fine and "DTEND" in event:
            start = self._wall(event["DTSTART"].dt)
            if self._end(event, start) <= start:
                # Asked here, because the library would exchange the two.
                self.fault(block.line_of("DTEND"), "DTEND", "lasts no time")
                return False
        return fine

    def _check_rule(self, component: _Component) -> None:
        if "RRULE" not in component.event:
            return
        event = component.event
        start = event["DTSTART"].dt
        rule = event["RRULE"].to_ical().decode()
        try:
            check(rule, start.date(), start.time(), self.zone_name)
        except ValueError as error:
            self.fault(component.block.line_of("RRULE"), "RRULE", shown(str(error)))

    def rows(self, series: list[_Component], now: datetime, last: date) -> Iterator[RosterRow]:
        """What one event and the exceptions to it make, from today on."""
        today = now.astimezone(zone(self.zone_name)).date()
        calendar = Calendar()
        for component in series:
            calendar.add_component(component.event)
        # A day more on either side: what the libraries compare is not always what the clock shows.
        since = datetime.combine(today - 2 * DAY, datetime.min.time())
        until = datetime.combine(last + 2 * DAY, datetime.min.time())
        try:
            found = recurring_ical_events.of(calendar).between(since, until)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            self.fault(series[0].block.line, "", f"cannot be told apart into dates: {shown(str(error))}")
            return
        dated = any("RDATE" in component.event for component in series)
        for event in found:
            component = _speaker(event, series)
            row = self._row(event, component, dated)
            if row is not None and row.service_date <= last:
                yield row

    def _row(self, event: Properties, component: _Component, dated: bool) -> RosterRow | None:
        before, block = len(self.faults), component.block
        start = self._wall(event["DTSTART"].dt)
        end = self._end(event, start)
        if any(moment.second or moment.microsecond for moment in (start, end)):
            self.fault(block.line_of("DTSTART"), "DTSTART", "begins or ends between two minutes")
        if not start < end <= start + DAY:
            self.fault(
                block.line_of("DTEND" if "DTEND" in component.event else "DURATION"),
                "DTEND",
                "lasts no time" if end <= start else "lasts longer than a day",
            )
        number, tier = self._number(event, component), self._tier(event, component)
        carers = tuple(self._rostered(event, component))
        if len(self.faults) > before:
            return None
        cancelled = str(event.get("STATUS", "")).upper() == "CANCELLED"
        told_apart = cancelled or component.overrides
        return RosterRow(
            visit_ref=self._ref(component.uid, event, dated),
            package_id=self.package_id,
            service_date=start.date(),
            start=start.time(),
            end=end.time(),
            carers_required=number or max(1, len(carers)),
            carers=carers,
            tier=tier,
            plan=Plan.CANCELLED if cancelled else Plan.PLANNED,
            # Of a whole series it says nothing of one day: a new end would silence this morning's miss.
            changed_at=_changed_at(event) if told_apart else None,
        )

    def _ref(self, uid: str, event: Properties, dated: bool) -> str:
        """Named after the occurrence's place in its series, which the libraries give to each."""
        place = event["RECURRENCE-ID" if "RECURRENCE-ID" in event else "DTSTART"].dt
        if isinstance(place, datetime):
            place = self._wall(place)
        form = "%Y-%m-%dT%H%M" if dated else "%Y-%m-%d"
        return f"{prefix_of(self.package_id)}{sha256(uid.encode()).hexdigest()[:12]}/{place.strftime(form)}"

    def _wall(self, moment: datetime) -> datetime:
        """What the dwelling's clock shows at an event's time; floating times are that clock's own."""
        if moment.tzinfo is None or getattr(moment.tzinfo, "key", None) == self.zone_name:
            return moment.replace(tzinfo=None, fold=0)
        return moment.astimezone(UTC).astimezone(zone(self.zone_name)).replace(tzinfo=None, fold=0)

    def _end(self, event: Properties, start: datetime) -> datetime:
        """The end on the same clock. Where an hour comes twice it may seem to lie before the start."""
        if "DTEND" not in event or not isinstance(event["DTEND"].dt, datetime):
            return start
        begins, ends = event["DTSTART"].dt, event["DTEND"].dt
        end = self._wall(ends)
        if end <= start and begins.tzinfo is not None and ends.tzinfo is not None:
            elapsed: timedelta = ends.astimezone(UTC) - begins.astimezone(UTC)
            return start + elapsed
        return end

    def _number(self, event: Properties, component: _Component) -> int | None:
        text = str(event.get(NUMBER, "")).strip()
        if not text:
            return None
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0
        if not 1 <= number <= MAX_CARERS:
            line = component.block.line_of(NUMBER)
            self.fault(line, NUMBER, f"'{shown(text)}' is not a number from 1 to {MAX_CARERS}")
        return number

    def _tier(self, event: Properties, component: _Component) -> Tier | None:
        text = str(event.get(TIER, "")).strip().lower()
        if not text:
            return None
        if text not in set(Tier):
            self.fault(component.block.line_of(TIER), TIER, f"'{shown(text)}' is none of {', '.join(Tier)}")
            return None
        return Tier(text)

    def _rostered(self, event: Properties, component: _Component) -> Iterator[str]:
        """The provider's carers among the attendees. Others are told once and otherwise left alone."""
        found: list[str] = []
        for attendee in _listed(event.get("ATTENDEE")):
            said = {name: str(value).upper() for name, value in attendee.params.items()}
            if said.get("PARTSTAT") in _NOT_EXPECTED or said.get("CUTYPE") in _NO_PERSON:
                continue
            carer = self._carer(str(attendee), str(attendee.params.get("CN", "")))
            if carer is not None and carer not in found:
                found.append(carer)
            elif carer is None:
                who = shown(str(attendee.params.get("CN") or attendee))
                line = component.block.line_of("ATTENDEE")
                self.warn(line, "ATTENDEE", f"'{who}' is no carer of this provider")
        return iter(found)

    def _carer(self, address: str, name: str) -> str | None:
        """By id: the address, or what stands before its @; else by the carer's name, if only one has it."""
        plain = re.sub(r"\A[a-z]+:", "", address, flags=re.IGNORECASE)
        ids = {carer.id.casefold(): carer.id for carer in self.carers}
        for said in (plain, plain.partition("@")[0], name):
            if said.casefold() in ids:
                return ids[said.casefold()]
        alike = [carer.id for carer in self.carers if name and carer.name.casefold() == name.casefold()]
        return alike[0] if len(alike) == 1 else None


def _speaker(event: Properties, series: list[_Component]) -> _Component:
    """Which event of the file an occurrence was made from."""
    place = event["RECURRENCE-ID"].dt if "RECURRENCE-ID" in event else None
    for component in series:
        if component.overrides and component.event["RECURRENCE-ID"].dt == place:
            return component
    return next((component for component in series if not component.overrides), series[0])


def _changed_at(event: Properties) -> datetime | None:
    found = event.get("LAST-MODIFIED")
    moment = found.dt if found is not None and not isinstance(found, list) else None
    return moment.astimezone(UTC) if isinstance(moment, datetime) and moment.tzinfo is not None else None


def _listed(found: Any) -> list[Any]:
    return [] if found is None else found if isinstance(found, list) else [found]


def _moments(found: Any) -> Iterator[datetime]:
    """The times that a property holds; whole days and spans have none that could lack a zone."""
    for each in getattr(found, "dts", [found]):
        if isinstance(each.dt, datetime):
            yield each.dt
