"""Nouns of intake: what arrived, what became of it, and what the home is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from msgspec.structs import replace

from gateway.adapters.contract import Report
from gateway.adapters.edges import Delivery, alarm_of
from gateway.codec import ALARM_PREFIX, Reason, Rejected, decode_events, decode_status
from gateway.model import Event, Receipts, Refusal, Status
from gateway.topics import EVENTS, STATUS, Topics


@dataclass(frozen=True, slots=True)
class Adapted:
    """What another maker's message says, before it is known what of it is news (`ingest.adapted`).

    `hubs` were heard by it; without a `report` it says no more than that.
    """

    hubs: tuple[str, ...]
    report: Report | None = None
    delivery: Delivery | None = None
    may_call: bool = False


class Arrival(msgspec.Struct, frozen=True):
    """One message, decoded. `hub` is None for a topic of no kind we know.

    `retained` tells that the broker kept it: it says how things stand, not that the hub spoke just now.
    """

    topic: str
    hub: str | None
    received_at: datetime
    payload: bytes
    retained: bool = False
    events: tuple[Event, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    status: Status | None = None
    adapted: Adapted | None = None

    @property
    def weight(self) -> int:
        """What it adds to a batch, counted in events."""
        return max(1, len(self.events) + len(self.rejected))

    @property
    def is_urgent(self) -> bool:
        """Somebody may be calling for help in it: it waits for no other message (DESIGN, promise 7)."""
        for event in self.events:
            if event.type.startswith(ALARM_PREFIX):
                return True
        for rejected in self.rejected:
            if rejected.looks_like_alarm:
                return True
        return self.adapted is not None and self.adapted.may_call

    @property
    def is_spoken(self) -> bool:
        """Whether the hub itself spoke: any message, good or bad, but a last will or what the broker kept.

        Source: domain/visits.md §6 ("not a last will").
        """
        return not self.retained and (self.status is None or self.status.online)

    @property
    def adapted_alarm(self) -> str | None:
        """The alarm under which a person sees another maker's message that cannot be stored."""
        said = self.adapted
        if said is None or said.report is None or not said.may_call:
            return None
        return alarm_of(said.report.device, said.report.defaults)

    def halves(self) -> "tuple[Arrival, Arrival] | None":
        """The same message as two, to find which event cannot be stored; None when it has only one."""
        if len(self.events) < 2:
            return None
        middle = len(self.events) // 2
        return replace(self, events=self.events[:middle]), replace(
            self, events=self.events[middle:], rejected=()
        )


def read(topic: str, payload: bytes, *, retained: bool, received_at: datetime, topics: Topics) -> Arrival:
    """Decodes a message. Pure; whatever it is, something is kept of it."""
    # The one character that MQTT forbids in a topic and PostgreSQL in a text.
    topic = topic.replace("\x00", "\ufffd")
    hub, leaf = topics.parse(topic) or (None, "")
    if hub is not None and leaf == EVENTS:
        decoded = decode_events(payload, retained=retained)
        return Arrival(topic, hub, received_at, payload, retained, decoded.events, decoded.rejected)
    if hub is not None and leaf == STATUS:
        status = decode_status(payload)
        if isinstance(status, Status):
            return Arrival(topic, hub, received_at, payload, retained, status=status)
        return Arrival(topic, hub, received_at, payload, retained, rejected=(status,))
    foreign = Rejected(Reason.FOREIGN_TOPIC, None, None, None, payload)
    return Arrival(topic, hub, received_at, payload, retained, rejected=(foreign,))


def unreadable(topic: str, payload: bytes, received_at: datetime) -> Arrival:
    """A message on which a reader of ours choked: kept whole for a person, and its neighbours go on."""
    whole = Rejected(Reason.NOT_STORABLE, None, None, None, payload)
    return Arrival(topic.replace("\x00", "\ufffd"), None, received_at, payload, rejected=(whole,))


@dataclass(slots=True)
class Answer:
    """What one hub is told after the commit."""

    stored: dict[str, None] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def receipts(self, most: int) -> Sequence[Receipts]:
        """The receipts as messages of at most `most` ids each.

        An id that was stored is never called rejected, even when a second event of that id was.
        """
        stored = tuple(self.stored)
        refused = tuple(Refusal(id, reason) for id, reason in self.refused.items() if id not in self.stored)
        messages = [Receipts(stored=stored[at : at + most]) for at in range(0, len(stored), most)]
        messages += [Receipts(rejected=refused[at : at + most]) for at in range(0, len(refused), most)]
        if len(stored) + len(refused) <= most and messages:
            return [Receipts(stored, refused)]
        return messages


@dataclass(slots=True)
class Recorded:
    """What a transaction will have done once it commits."""

    answers: dict[str, Answer] = field(default_factory=dict)
    stored: int = 0
    repeated: int = 0
    rejected: dict[str, int] = field(default_factory=dict)

    def answer(self, hub: str) -> Answer:
        """The answer to a hub, begun when there is none yet."""
        found = self.answers.get(hub)
        if found is None:
            found = self.answers[hub] = Answer()
        return found
