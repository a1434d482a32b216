"""What really happened, in a file that the service never sees: one JSON object a line.

The platform's words (missed, unverified) do not occur in it; those are conclusions. What the rules make of a
visit's times is written down beside it, worked out here and not by the platform, so that a score is a check.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec


class WorldFact(msgspec.Struct, frozen=True, tag_field="fact", tag="world"):
    """The first line: which world it is, and from when to when it was watched."""

    seed: int
    homes: int
    days: int
    begin: datetime
    until: datetime
    faults: dict[str, float] = {}
    sizes: list[str] = []
    """The magnitudes that were changed, as they were given."""

    def __str__(self) -> str:
        homes, days = (
            f"{count:,} {word}{'' if count == 1 else 's'}"
            for count, word in ((self.homes, "home"), (self.days, "day"))
        )
        return f"seed {self.seed}: {homes}, {days}{''.join(f', {size}' for size in self.sizes)}"


class Attended(msgspec.Struct, frozen=True):
    """One carer's presence. `logged`: fob, pin, button, or nothing that counts."""

    carer: str
    arrived: datetime
    departed: datetime
    logged: str
    departure_logged: bool
    rostered: bool


class VisitFact(msgspec.Struct, frozen=True, tag_field="fact", tag="visit"):
    """One planned visit and who really came; `why` says why somebody did not.

    `standing`: planned, cancelled or suspended. The four moments are those of domain/visits.md §2.
    """

    ref: str
    package: str
    resident: str
    hub: str
    tier: str
    start: datetime
    end: datetime
    carers_required: int
    standing: str
    counts_from: datetime
    late_at: datetime | None
    missed_at: datetime
    latest: datetime
    attended: tuple[Attended, ...] = ()
    why: str | None = None


class CallFact(msgspec.Struct, frozen=True, tag_field="fact", tag="call"):
    """A call for help. `need`: reassurance, visit or 999."""

    hub: str
    device: str
    type: str
    at: datetime
    presses: int
    cancelled: bool
    need: str


class OutageFact(msgspec.Struct, frozen=True, tag_field="fact", tag="outage"):
    """A time in which a home could not speak; without an end its hub is dead."""

    hub: str
    begin: datetime
    end: datetime | None
    why: str


class SaidFact(msgspec.Struct, frozen=True, tag_field="fact", tag="said"):
    """One event that a home said: when it happened, what its clock said, and when it was first received.

    `received_at` None: it never was. Written when a world is rendered to a file; a live fleet has its ledger.
    """

    hub: str
    id: str
    type: str
    happened: datetime
    at: datetime
    received_at: datetime | None
    visit: str | None = None
    counts: bool = False
    """Whether it can make a visit attended (domain/visits.md §3)."""


Fact = WorldFact | VisitFact | CallFact | OutageFact | SaidFact


class Truth(msgspec.Struct, frozen=True):
    """Everything that a file of truth holds."""

    world: WorldFact
    visits: tuple[VisitFact, ...] = ()
    calls: tuple[CallFact, ...] = ()
    outages: tuple[OutageFact, ...] = ()
    said: tuple[SaidFact, ...] = ()

    def facts(self) -> Iterable[Fact]:
        """Every line of the file, in its order."""
        yield self.world
        yield from self.visits
        yield from self.calls
        yield from self.outages
        yield from self.said


def write_truth(truth: Truth, path: Path) -> None:
    """Write the file whole. Raises OSError."""
    encoder = msgspec.json.Encoder()
    with path.open("wb") as file:
        for fact in truth.facts():
            file.write(encoder.encode(fact) + b"\n")


def read_truth(path: Path) -> Truth:
    """Read the file. Raises OSError, and ValueError naming the line that is not what it should be."""
    decoder: msgspec.json.Decoder[Fact] = msgspec.json.Decoder(Fact)
    world: WorldFact | None = None
    visits: list[VisitFact] = []
    calls: list[CallFact] = []
    outages: list[OutageFact] = []
    said: list[SaidFact] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                fact = decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise ValueError(f"{path}:{number}: {error}") from None
            match fact:
                case WorldFact():
                    world = fact
                case VisitFact():
                    visits.append(fact)
                case CallFact():
                    calls.append(fact)
                case OutageFact():
                    outages.append(fact)
                case SaidFact():
                    said.append(fact)
    if world is None:
        raise ValueError(f"{path}: no line says which world it is")
    return Truth(world, tuple(visits), tuple(calls), tuple(outages), tuple(said))
