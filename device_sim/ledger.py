"""The ledger: what homes really said, written down before they say it. (faults.md, "The ledger")

After a test of faults the ledger is set beside what the platform holds: an event receipted and not held
was lost, one held and not in the ledger is a phantom. Each line is one JSON object:
`{"hub", "event": {…}}` before the first sending, `{"hub", "stored": id}` or
`{"hub", "rejected": id, "reason"}` for each receipt that settles an event.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from gateway.model import Event


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a ledger. Exactly one of `event`, `stored` and `rejected` is set."""

    hub: str
    event: Event | None = None
    stored: str | None = None
    rejected: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A ledger read back: keys are (hub, event id)."""

    said: dict[tuple[str, str], Event]
    stored: frozenset[tuple[str, str]]
    rejected: dict[tuple[str, str], str]

    @property
    def open(self) -> frozenset[tuple[str, str]]:
        """What was said and has no receipt yet."""
        return frozenset(self.said) - self.stored - frozenset(self.rejected)

    def unsettled(self, hub: str) -> tuple[Event, ...]:
        """The events that this hub still owes the platform, in the order they were made."""
        return tuple(event for key, event in self.said.items() if key[0] == hub and key in self.open)


class Ledger:
    """Appends to one file; many homes of one process may share it.

    Each line has left this process when the call returns, so it outlives a kill of the process. It is
    not forced to the disk: a power cut of the machine may take the last lines.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._encoder = msgspec.json.Encoder()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; nothing may be written afterwards."""
        self._file.close()

    def said(self, hub: str, body: bytes) -> None:
        """An event, as encoded for the wire, is about to be sent for the first time."""
        self._file.write(b'{"hub":' + self._encoder.encode(hub) + b',"event":' + body + b"}\n")

    def stored(self, hub: str, event_id: str) -> None:
        """A receipt said that this event is stored."""
        self._write(Line(hub, stored=event_id))

    def rejected(self, hub: str, event_id: str, reason: str) -> None:
        """A receipt said that this event was rejected."""
        self._write(Line(hub, rejected=event_id, reason=reason))

    def _write(self, line: Line) -> None:
        self._file.write(self._encoder.encode(line) + b"\n")


def lines(path: Path) -> Iterator[Line]:
    """Every whole line. A last line without its end is one that a kill cut short: it was never sent."""
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Line)
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if not raw.endswith(b"\n"):
                return
            try:
                yield decoder.decode(raw)
            except msgspec.DecodeError as error:
                raise ValueError(f"{path}:{number}: {error}") from None


def read_ledger(path: Path) -> Account:
    """The account that a ledger file gives. Raises ValueError naming file and line when it is damaged."""
    said: dict[tuple[str, str], Event] = {}
    stored: set[tuple[str, str]] = set()
    rejected: dict[tuple[str, str], str] = {}
    for line in lines(path):
        if line.event is not None:
            said[line.hub, line.event.id] = line.event
        if line.stored is not None:
            stored.add((line.hub, line.stored))
        if line.rejected is not None:
            rejected[line.hub, line.rejected] = line.reason or ""
    return Account(said, frozenset(stored), rejected)
