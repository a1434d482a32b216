"""One record of an estate file, field by field, collecting every fault on the way.

A reader that stopped at the first fault would be run once for each. So a faulty field is noted and a stand-in
returned, and reading goes on; an estate is handed out only when nothing was noted.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from care.errors import Fault
from care.notation import parse_day, parse_duration, parse_instant, parse_wall, shown
from care.yamltree import Mapped, Node, Scalar, Sequence, merged

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

_MAX_TEXT = 4_000
_MAX_ID = 128
_DETAILS_BUDGET = 2_000  # values in one contact sheet, aliases counted each time
_YES = frozenset(("true", "yes", "on"))
_NO = frozenset(("false", "no", "off"))
_TIME = time(0)
_DAY = date(2000, 1, 1)


class Faults:
    """What was found wrong in one file."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.found: list[Fault] = []

    def note(self, line: int, field: str, sentence: str) -> None:
        """Keeps a fault; `line` counts from 1."""
        self.found.append(Fault(self.source, line, field, sentence))


class Record:
    """A mapping of the file under a name such as `packages[pkg-ada]`; unknown fields are never looked at."""

    def __init__(self, node: Mapped, path: str, faults: Faults) -> None:
        self.line = node.line
        self.path = path
        self.faults = faults
        self.fields: dict[str, Node] = {}
        for key, value in merged(node):
            if not isinstance(key, Scalar) or key.text is None:
                continue
            if key.text in self.fields:
                self.note(key.text, "given twice", key.line)
            self.fields[key.text] = value

    def note(self, field: str, sentence: str, line: int | None = None) -> None:
        """Keeps a fault of one field, at the line of its value unless told otherwise."""
        node = self.fields.get(field)
        place = line or (node.line if node else self.line)
        self.faults.note(place, f"{self.path}.{field}".lstrip("."), sentence)

    def has(self, field: str) -> bool:
        """Whether the field is there and not null."""
        node = self.fields.get(field)
        return node is not None and not (isinstance(node, Scalar) and node.text is None)

    def optional_text(self, field: str) -> str | None:
        """Text as written, without blanks around it; None when left out, null or empty."""
        if not self.has(field):
            return None
        node = self.fields[field]
        if not isinstance(node, Scalar) or node.text is None:
            self.note(field, f"must be a text, not a {_kind(node)}")
            return None
        return self._clean(field, node.text, node.line) or None

    def text(self, field: str) -> str:
        """Text that must be there."""
        found = self.optional_text(field)
        if found is None and not self._faulty(field):
            self.note(field, "is missing")
        return found or ""

    def identifier(self, field: str, forbidden: str = "") -> str:
        """An id: text that stands in references, addresses and topics."""
        found = self.text(field)
        if len(found) > _MAX_ID:
            self.note(field, f"is longer than {_MAX_ID} characters")
        elif any(character in forbidden or character.isspace() for character in found):
            signs = f" nor any of {' '.join(forbidden)}" if forbidden else ""
            self.note(field, f"'{shown(found)}' may hold no blank{signs}")
        return found

    def choice(self, field: str, kinds: type[E], default: E | None = None) -> E:
        """One of a list of words."""
        stand_in = default or next(iter(kinds))
        found = self.optional_text(field)
        if found is None:
            if default is None and not self._faulty(field):
                self.note(field, f"is missing; one of {', '.join(kinds)}")
            return stand_in
        try:
            return kinds(found)
        except ValueError:
            self.note(field, f"'{shown(found)}' is none of {', '.join(kinds)}")
            return stand_in

    def flag(self, field: str) -> bool:
        """Yes or no; no when left out."""
        found = (self.optional_text(field) or "no").lower()
        if found not in _YES and found not in _NO:
            self.note(field, f"'{shown(found)}' is neither true nor false")
        return found in _YES

    def whole(self, field: str, least: int, most: int, default: int | None = None) -> int:
        """A whole number within bounds, both included."""
        if default is not None and not self.has(field):
            return default
        found = self.text(field)
        if not found:
            return least
        number = (
            int(found) if found.lstrip("+-").isdecimal() and found.isascii() and len(found) < 12 else None
        )
        if number is None:
            self.note(field, f"'{shown(found)}' is not a whole number")
        elif not least <= number <= most:
            self.note(field, f"{number} is not between {least} and {most}")
        else:
            return number
        return least

    def wall(self, field: str) -> time:
        """A wall time; required."""
        found = self.text(field)
        if found.isdecimal():
            # Another program has read 08:00 as a number to the base of sixty and written that down.
            self.note(field, f"'{shown(found)}' is a number; write the wall time in quotes, as \"08:00\"")
            return _TIME
        return self._parsed(field, found, parse_wall, _TIME) if found else _TIME

    def optional_day(self, field: str) -> date | None:
        """A date; None when left out."""
        found = self.optional_text(field)
        return None if found is None else self._parsed(field, found, parse_day, _DAY)

    def optional_instant(self, field: str) -> datetime | None:
        """An instant with an offset, in UTC; None when left out or null."""
        found = self.optional_text(field)
        return None if found is None else self._parsed(field, found, parse_instant, None)

    def duration(self, field: str, default: timedelta) -> timedelta:
        """An ISO 8601 duration above zero."""
        found = self.optional_text(field)
        length = default if found is None else self._parsed(field, found, parse_duration, default)
        if length <= timedelta(0):
            self.note(field, "must be longer than zero")
            return default
        return length

    def record(self, field: str) -> "Record | None":
        """A mapping within this one."""
        if not self.has(field):
            return None
        node = self.fields[field]
        if not isinstance(node, Mapped):
            self.note(field, f"must be a mapping, not a {_kind(node)}")
            return None
        return Record(node, f"{self.path}.{field}", self.faults)

    def records(self, field: str, name_by: str = "id") -> Iterator["Record"]:
        """The mappings of a list, each named by its `id` (or its number in the list)."""
        for number, node in enumerate(self._items(field), start=1):
            inner = f"{self.path}.{field}" if self.path else field
            if not isinstance(node, Mapped):
                self.faults.note(node.line, f"{inner}[{number}]", f"must be a mapping, not a {_kind(node)}")
                continue
            name = next((v for k, v in node.entries if isinstance(k, Scalar) and k.text == name_by), None)
            label = shown(name.text) if isinstance(name, Scalar) and name.text else str(number)
            yield Record(node, f"{inner}[{label}]", self.faults)

    def texts(self, field: str) -> list[tuple[str, int]]:
        """The texts of a list, each with its line."""
        found: list[tuple[str, int]] = []
        for node in self._items(field):
            if not isinstance(node, Scalar) or node.text is None:
                self.note(field, f"holds a {_kind(node)} where a text must be; quote it", node.line)
                continue
            text = self._clean(field, node.text, node.line)
            if text:
                found.append((text, node.line))
        return found

    def details(self, field: str) -> dict[str, Any]:
        """Free structure of mappings, lists and texts, as JSON will hold it; numbers stay text."""
        if not self.has(field):
            return {}
        node = self.fields[field]
        if not isinstance(node, Mapped):
            self.note(field, f"must be a mapping, not a {_kind(node)}")
            return {}
        budget = [_DETAILS_BUDGET]
        plain = self._plain(field, node, budget)
        if budget[0] < 0:
            self.note(field, f"holds more than {_DETAILS_BUDGET} values")
        return plain if isinstance(plain, dict) else {}

    def _plain(self, field: str, node: Node, budget: list[int]) -> Any:
        budget[0] -= 1
        if budget[0] < 0:
            return None
        if isinstance(node, Sequence):
            return [self._plain(field, item, budget) for item in node.items]
        if isinstance(node, Mapped):
            entries = ((key.text, value) for key, value in merged(node) if isinstance(key, Scalar))
            return {key: self._plain(field, value, budget) for key, value in entries if key}
        return None if node.text is None else self._clean(field, node.text, node.line)

    def _items(self, field: str) -> list[Node]:
        if not self.has(field):
            return []
        node = self.fields[field]
        if isinstance(node, Sequence):
            return node.items
        self.note(field, f"must be a list, not a {_kind(node)}")
        return []

    def _parsed(self, field: str, text: str, parse: Callable[[str], T], stand_in: T) -> T:
        try:
            return parse(text)
        except ValueError as error:
            self.note(field, str(error))
            return stand_in

    def _clean(self, field: str, text: str, line: int) -> str:
        if len(text) > _MAX_TEXT:
            self.note(field, f"is longer than {_MAX_TEXT} characters", line)
            return text[:_MAX_TEXT]
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            self.note(field, "holds a character that cannot be stored", line)
            return "?"
        return text.strip()

    def _faulty(self, field: str) -> bool:
        place = f"{self.path}.{field}".lstrip(".")
        return bool(self.faults.found) and self.faults.found[-1].field == place


def _kind(node: Node) -> str:
    if isinstance(node, Sequence):
        return "list"
    return "mapping" if isinstance(node, Mapped) else "single value"
