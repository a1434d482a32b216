"""The roster (contract §4): CSV as people and spreadsheets write it, to rows; or every fault with its line.

Comma or semicolon, byte order mark, Excel's `="08:00"` and its `sep=;` line are taken; a day-first date is
refused rather than guessed. Rows come in the order of the file; of a ref the last one counts
(`care.planning.last_rows`).
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import TypeVar

from care.errors import Fault, RosterErrors
from care.estate import MAX_CARERS
from care.model import Estate, Plan, RosterRow, Tier
from care.notation import parse_day, parse_instant, parse_wall, shown

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

REQUIRED = ("visit_ref", "package", "service_date", "start", "end")
COLUMNS = (*REQUIRED, "carers_required", "carer_1", "carer_2", "tier", "status", "changed_at")
_MAX_REF = 200
_DELIMITERS = ",;"


@dataclass(frozen=True, slots=True)
class Known:
    """What a roster may refer to: packages with their recurrences' ids, and carers with their provider."""

    packages: Mapping[str, frozenset[str]]
    providers: Mapping[str, str]
    carers: Mapping[str, str]

    @classmethod
    def of(cls, estate: Estate) -> "Known":
        """What this estate holds."""
        return cls(
            {
                package.id: frozenset(r.id for r in package.recurrences)
                for package in estate.packages.values()
            },
            {package.id: package.provider_id for package in estate.packages.values()},
            {carer.id: carer.provider_id for carer in estate.carers.values()},
        )


@dataclass(frozen=True, slots=True)
class Roster:
    """One file's rows, in its order, and what in it may stand and yet deserves a look.

    `calendar_of`: the package whose visits a calendar holds; it is the whole of what it made before.
    """

    source: str
    rows: tuple[RosterRow, ...]
    warnings: tuple[Fault, ...] = ()
    calendar_of: str | None = None

    @property
    def dates(self) -> frozenset[date]:
        """The service dates that the file mentions."""
        return frozenset(row.service_date for row in self.rows)


def prefix_of(package_id: str) -> str:
    """How the refs of a package's visits begin that came out of calendars (`care.ical`)."""
    return f"{package_id}/ics:"


def read_roster(text: str | bytes, source: str, known: Known) -> Roster:
    """The rows of a roster. Raises RosterErrors with all faults: a missing column, an unknown package, a
    date or time of another form, a number of carers that nobody sends, a status or tier that there is not."""
    body = _decoded(text, source)
    reading = _Reading(source, known)
    lines = _numbered(body, reading)
    header = next(lines, None)
    if header is None and not reading.faults:
        raise RosterErrors([Fault(source, 0, "", "is empty; a header row names the columns")])
    if header is not None:
        places = _places(header, reading)
        rows = [row for number, cells in lines if (row := reading.row(number, cells, places)) is not None]
    if reading.faults:
        raise RosterErrors(reading.faults)
    return Roster(source, tuple(rows), tuple(reading.warnings))


def _decoded(text: str | bytes, source: str) -> str:
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise RosterErrors([Fault(source, 0, "", "is UTF-16; save it as CSV UTF-8")])
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RosterErrors([Fault(source, line, "", "not UTF-8; save it as CSV UTF-8")]) from None


def _numbered(body: str, reading: "_Reading") -> Iterator[tuple[int, list[str]]]:
    """Every row that is not blank, with the line on which it begins."""
    first, _, rest = body.partition("\n")
    skipped = 0
    if first.strip().strip('"').lower() in {f"sep={sign}" for sign in _DELIMITERS}:
        body, skipped = rest, 1
        first = body.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, strict=True)
    while True:
        begins = reader.line_num + 1 + skipped
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reading.faults.append(Fault(reading.source, begins, "", f"not CSV: {error}"))
            return
        cells = [_bare(cell) for cell in cells]
        if any(cells):
            yield begins, cells


def _bare(cell: str) -> str:
    cell = cell.strip()
    if cell.startswith('="') and cell.endswith('"') and len(cell) > 2:
        return cell[2:-1].strip()
    return cell


def _places(header: tuple[int, list[str]], reading: "_Reading") -> dict[str, int]:
    line, cells = header
    places: dict[str, int] = {}
    for place, cell in enumerate(cells):
        name = cell.lower()
        if name in places and name in COLUMNS:
            reading.faults.append(Fault(reading.source, line, name, "is the name of two columns"))
        places.setdefault(name, place)
    for name in REQUIRED:
        if name not in places:
            reading.faults.append(Fault(reading.source, line, name, "this column is missing in the header"))
    return places


@dataclass(slots=True)
class _Reading:
    source: str
    known: Known
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)

    def row(self, line: int, cells: list[str], places: Mapping[str, int]) -> RosterRow | None:
        """The row, or None when anything in it is at fault (or the header was)."""
        if not all(name in places for name in REQUIRED):
            return None
        before = len(self.faults)
        if len(cells) > len(places) and any(cells[len(places) :]):
            self.fault(line, "", f"has {len(cells)} fields under {len(places)} columns")
        said = _Cells(self, line, cells, places)
        ref, package = said.ref(), said.package()
        day = said.parsed("service_date", parse_day, date(2000, 1, 1))
        start, end = said.parsed("start", parse_wall, time(0)), said.parsed("end", parse_wall, time(0))
        row = RosterRow(
            ref,
            package,
            day,
            start,
            end,
            said.carers_required(),
            said.carers(package),
            said.word("tier", Tier),
            said.word("status", Plan) or Plan.PLANNED,
            said.changed_at(),
        )
        self.check_owner(line, row)
        return row if len(self.faults) == before else None

    def check_owner(self, line: int, row: RosterRow) -> None:
        """A ref of the form of another package's occurrence would take that package's visit away."""
        owner, _, rest = row.visit_ref.partition("/")
        visit = rest.rpartition("/")[0]
        if owner != row.package_id and visit in self.known.packages.get(owner, frozenset()):
            self.fault(line, "visit_ref", f"'{shown(row.visit_ref)}' is an occurrence of package '{owner}'")

    def fault(self, line: int, name: str, sentence: str) -> None:
        self.faults.append(Fault(self.source, line, name, sentence))


class _Cells:
    """The cells of one row by column."""

    def __init__(self, reading: _Reading, line: int, cells: list[str], places: Mapping[str, int]) -> None:
        self.reading = reading
        self.line = line
        self.cells = cells
        self.places = places

    def get(self, name: str) -> str:
        place = self.places.get(name)
        return self.cells[place] if place is not None and place < len(self.cells) else ""

    def fault(self, name: str, sentence: str) -> None:
        self.reading.fault(self.line, name, sentence)

    def ref(self) -> str:
        found = self.get("visit_ref")
        if not found:
            self.fault("visit_ref", "is missing")
        elif len(found) > _MAX_REF:
            self.fault("visit_ref", f"is longer than {_MAX_REF} characters")
        elif not found.isprintable():
            self.fault("visit_ref", f"'{shown(found)}' holds a character that cannot be printed")
        return found

    def package(self) -> str:
        found = self.get("package")
        if not found:
            self.fault("package", "is missing")
        elif found not in self.reading.known.packages:
            self.fault("package", f"there is no package '{shown(found)}' in the estate")
        return found

    def parsed(self, name: str, parse: Callable[[str], T], stand_in: T) -> T:
        found = self.get(name)
        if not found:
            self.fault(name, "is missing")
            return stand_in
        try:
            return parse(found)
        except ValueError as error:
            self.fault(name, str(error))
            return stand_in

    def word(self, name: str, kinds: type[E]) -> E | None:
        found = self.get(name)
        try:
            return kinds(found.lower()) if found else None
        except ValueError:
            self.fault(name, f"'{shown(found)}' is none of {', '.join(kinds)}")
            return None

    def changed_at(self) -> datetime | None:
        return self.parsed("changed_at", parse_instant, None) if self.get("changed_at") else None

    def carers_required(self) -> int:
        found = self.get("carers_required")
        if not found:
            return 1
        number = int(found) if found.isdecimal() and found.isascii() and len(found) < 6 else 0
        if not 1 <= number <= MAX_CARERS:
            self.fault("carers_required", f"'{shown(found)}' is not a number from 1 to {MAX_CARERS}")
        return number

    def carers(self, package: str) -> tuple[str, ...]:
        """The rostered carers. One whom the estate does not hold is a warning: rosters run ahead of it."""
        named = list(dict.fromkeys(carer for name in ("carer_1", "carer_2") if (carer := self.get(name))))
        provider = self.reading.known.providers.get(package)
        for carer in named:
            employer = self.reading.known.carers.get(carer)
            if employer is None:
                self.warn(f"there is no carer '{shown(carer)}' in the estate")
            elif provider is not None and employer != provider:
                self.warn(f"carer '{shown(carer)}' works for '{employer}', the package is with '{provider}'")
        return tuple(named)

    def warn(self, sentence: str) -> None:
        self.reading.warnings.append(Fault(self.reading.source, self.line, "carer", sentence))
