"""What can be wrong with what people give us, each in one sentence that they can act on."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault in a file. `line` counts from 1; 0 when the whole file is meant."""

    source: str
    line: int
    field: str
    sentence: str

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line else self.source
        return f"{place}: {self.field}: {self.sentence}" if self.field else f"{place}: {self.sentence}"


class FileErrors(ValueError):
    """A file that cannot be taken; `faults` holds every one of them, in order of lines."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.source, fault.line)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class EstateErrors(FileErrors):
    """Faults of an estate file (contract §3)."""


class RosterErrors(FileErrors):
    """Faults of a roster (contract §4)."""


class EmptiedDay(FileErrors):
    """A full roster that would cancel more than a fifth of a day's visits (contract §4)."""


class CareRefused(Exception):
    """Something that a person asked for and that cannot be done, in one sentence for them."""


class NoSuchVisit(CareRefused):
    """No visit has that ref."""


class NoSuchResident(CareRefused):
    """No resident has that id."""


class NoSuchSuspension(CareRefused):
    """No suspension has that id."""


class UnknownReason(CareRefused):
    """A reason that is not on the list."""


class BadTimes(CareRefused):
    """Times that contradict each other, or the visit."""


class TooLate(CareRefused):
    """Something that can no longer be done."""
