"""An accepted event as it is stored, and as care and alerts see it. Pure."""

import hashlib
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from alerts.model import Signal
from care.model import HomeEvent, Scope
from gateway.clock import in_utc, timing
from gateway.model import Event

CREDENTIAL_LENGTH = 255
"""Longer than any fob; a longer one stays in `data` and matches nobody."""

MOST_TYPES = 1_024
"""Types of events of which it is remembered whom they concern."""

_ALERTS = ("alarm.", "technical.", "door.", "command.", "resident.")
_ALERTS_ALSO = frozenset({"test.call"})
_CARE = ("carer.", "door.")
_CARE_ALSO = frozenset({"heartbeat"})
_NEWS = ("alarm.", "carer.", "door.")

_encoder = msgspec.json.Encoder()


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """What stands in `event` and `receipt` of an event; `data` as JSON."""

    received_at: datetime
    hub_id: str
    id: str
    type: str
    at: datetime
    effective_at: datetime
    clock_suspect: bool
    device: str | None
    seq: int | None
    boot: str | None
    credential: str | None
    data: bytes
    digest: bytes


class Fact(msgspec.Struct, frozen=True):
    """An event of a known hub, with what we make of its clock."""

    event: Event
    row: EventRow

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same event however often it is sent."""
        return self.row.hub_id, self.row.id


def fact(hub: str, event: Event, received_at: datetime) -> Fact:
    """The event as it will be stored when it is new."""
    at = in_utc(event.at)
    when = timing(at, received_at)
    data = _encoder.encode(event.data)
    return Fact(
        event,
        EventRow(
            received_at=received_at,
            hub_id=hub,
            id=event.id,
            type=event.type,
            at=at,
            effective_at=when.effective_at,
            clock_suspect=when.clock_suspect,
            device=event.device,
            seq=event.seq,
            boot=event.boot,
            credential=_text(event.data, "credential"),
            data=data,
            digest=digest(event, data),
        ),
    )


def digest(event: Event, data: bytes) -> bytes:
    """Sixteen bytes that differ when two events of one id differ in more than their `at`.

    A hub may stamp an event anew when it sends it again; anything else that changes means that the id was
    given to two events.
    """
    contents = f"\x00{event.type!r}\x00{event.device!r}\x00{event.seq!r}\x00{event.boot!r}".encode()
    return hashlib.blake2b(data + contents, digest_size=16).digest()


@lru_cache(maxsize=MOST_TYPES)
def concerns_alerts(type_: str) -> bool:
    """Whether alerts decide on events of this type (docs/seams.md)."""
    return type_.startswith(_ALERTS) or type_ in _ALERTS_ALSO


@lru_cache(maxsize=MOST_TYPES)
def concerns_care(type_: str) -> bool:
    """Whether events of this type may be evidence, or speak of a hub's queue (docs/seams.md)."""
    return type_.startswith(_CARE) or type_ in _CARE_ALSO


@lru_cache(maxsize=MOST_TYPES)
def is_news(type_: str) -> bool:
    """Whether people who watch the live stream are told of events of this type."""
    return type_.startswith(_NEWS)


def signal(hub: str, event: Event, received_at: datetime, *, known_hub: bool) -> Signal:
    """The event as alerts see it."""
    when = timing(in_utc(event.at), received_at)
    return Signal(
        hub_id=hub,
        event_id=event.id,
        type=event.type,
        effective_at=when.effective_at,
        received_at=received_at,
        device=event.device,
        data=event.data,
        clock_suspect=when.clock_suspect,
        known_hub=known_hub,
    )


def home_event(hub: str, event: Event, received_at: datetime, arrival: int) -> HomeEvent:
    """The event as care sees it; `arrival` orders events of one receipt."""
    data = event.data
    at = in_utc(event.at)
    queued = data.get("queued")
    scope = data.get("scope")
    return HomeEvent(
        hub_id=hub,
        event_id=event.id,
        type=event.type,
        at=at,
        effective_at=timing(at, received_at).effective_at,
        received_at=received_at,
        arrival=arrival,
        device=event.device,
        panel=_text(data, "panel"),
        credential=_text(data, "credential"),
        method=_text(data, "method"),
        scope=Scope(scope) if isinstance(scope, str) and scope in _SCOPES else None,
        queued=queued if isinstance(queued, int) and not isinstance(queued, bool) else None,
    )


_SCOPES = frozenset(scope.value for scope in Scope)


def _text(data: dict[str, Any], name: str) -> str | None:
    value = data.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= CREDENTIAL_LENGTH else None
