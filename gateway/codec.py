"""Bytes to events and back (contract §2). Pure: never raises on what a home may send, never drops any of it.

Every byte of a message comes out either as an accepted event or as a `Rejected` with its reason.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from gateway.model import Command, Event, Receipts, Status
from gateway.salvage import Glimpse, elements, glimpse

MAX_EVENT_BYTES = 32 * 1024
MAX_DATA_BYTES = 16 * 1024
MAX_EVENTS = 500
# No message that keeps to the contract is larger; larger ones are kept without being searched for events.
MAX_MESSAGE_BYTES = MAX_EVENTS * (MAX_EVENT_BYTES + 1) + 2
# Cutting a broken array apart takes about a second for each 4 MiB, in which nothing else is decoded.
MAX_SALVAGED_BYTES = 1024 * 1024
# Real events nest two or three deep. PostgreSQL and Python both give up at some depth of their own that
# depends on their stacks; this one is ours, the same everywhere.
MAX_DEPTH = 32

ALARM_PREFIX = "alarm."
CANCELLED = "alarm.cancelled"

_BLANK = b" \t\r\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CONTAINERS = (dict, list)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class Reason(StrEnum):
    """Why a message was kept as rejected: the log field, the metric label and the words in the receipt."""

    RETAINED = "retained message on events"
    MESSAGE_TOO_LARGE = "message too large"
    EVENT_TOO_LARGE = "event larger than 32 KiB"
    DATA_TOO_LARGE = "data larger than 16 KiB"
    TOO_MANY = "more than 500 events in one message"
    EMPTY = "empty message"
    NOT_UTF8 = "not UTF-8"
    NOT_JSON = "invalid JSON"
    TOO_DEEP = "nested too deeply"
    SURROGATE = "lone surrogate in text"
    NUL = "NUL character in text"
    NUMBER = "number out of range"
    NOT_AN_OBJECT = "not an object"
    MISSING_FIELD = "missing field"
    BAD_ID = "id is not 1 to 64 printable ASCII characters"
    BAD_TIME = "time is not RFC 3339 with an offset"
    BAD_FIELD = "field of the wrong kind"
    UNKNOWN_HUB = "unknown hub"
    FOREIGN_TOPIC = "topic of no kind we know"
    UNKNOWN_DEVICE = "device that the estate does not map"
    ID_USED_TWICE = "id used twice with different contents"
    NOT_STORABLE = "could not be stored"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A piece of a message that could not be accepted: kept whole, shown to a person, replayable.

    `id` is present when the event's own id can be read beyond doubt; then the receipt names it.
    `detail` says where in the event the fault lies and never quotes a value: values may be PINs.
    """

    reason: Reason
    detail: str | None
    id: str | None
    type: str | None
    payload: bytes

    @property
    def looks_like_alarm(self) -> bool:
        """Whether a person may be calling for help behind this (domain/alarms.md §1).

        A readable type decides; without one, any mention of an alarm in the bytes is enough: a needless
        look costs an operator seconds.
        """
        if self.type is not None:
            return self.type.startswith(ALARM_PREFIX) and self.type != CANCELLED
        return b'"alarm.' in self.payload


class Decoded(NamedTuple):
    """What one message on `events` held."""

    events: tuple[Event, ...]
    rejected: tuple[Rejected, ...]


_event = msgspec.json.Decoder(Event)
_status = msgspec.json.Decoder(Status)
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])
_anything = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


def decode_events(payload: bytes, *, retained: bool) -> Decoded:
    """The events of one message on `events`, and what of it could not be accepted.

    `retained` is the broker's flag on this delivery: a retained event may be years old and is refused.
    Of an array longer than 500 the first 500 are accepted and each one after is rejected by its id.
    """
    if retained:
        return Decoded((), refuse_events(payload, Reason.RETAINED))
    body = payload.removeprefix(_BYTE_ORDER_MARK).strip(_BLANK)
    if body[:1] == b"{":
        outcome = decode_event(body)
        return Decoded((outcome,), ()) if isinstance(outcome, Event) else Decoded((), (outcome,))
    fault = _fault_of_message(body)
    if fault is not None:
        return Decoded((), (Rejected(fault, None, None, None, payload),))
    accepted: list[Event] = []
    rejected: list[Rejected] = []
    for index, raw in enumerate(_parts(body)):
        outcome = decode_event(raw) if index < MAX_EVENTS else _refuse(raw, Reason.TOO_MANY)
        if isinstance(outcome, Event):
            accepted.append(outcome)
        else:
            rejected.append(outcome)
    return Decoded(tuple(accepted), tuple(rejected))


def refuse_events(payload: bytes, reason: Reason) -> tuple[Rejected, ...]:
    """Every event of a message refused for a reason that lies outside of it, each kept as its own bytes."""
    body = payload.removeprefix(_BYTE_ORDER_MARK).strip(_BLANK)
    if (fault := _fault_of_message(body)) is not None:
        return (Rejected(fault, None, None, None, payload),)
    return tuple(_refuse(raw, reason) for raw in _parts(body))


def _fault_of_message(body: bytes) -> Reason | None:
    if not body:
        return Reason.EMPTY
    return Reason.MESSAGE_TOO_LARGE if len(body) > MAX_MESSAGE_BYTES else None


def _parts(body: bytes) -> list[bytes]:
    if body[:1] != b"[":
        return [body]
    try:
        return [bytes(raw).strip(_BLANK) for raw in _raw_list.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return list(elements(body)) if len(body) <= MAX_SALVAGED_BYTES else [body]


def decode_event(raw: bytes) -> Event | Rejected:
    """One event, or why it is none. `raw` is the JSON of a single object."""
    if len(raw) > MAX_EVENT_BYTES:
        return _refuse(raw, Reason.EVENT_TOO_LARGE)
    fault = _fault_of_text(raw)
    if fault is not None:
        return _refuse(raw, fault)
    try:
        event = _event.decode(raw)
    except RecursionError:
        return _refuse(raw, Reason.TOO_DEEP)
    except msgspec.ValidationError as error:
        return _decode_with_nulls(raw) or _refuse(raw, *_why(raw, error))
    except msgspec.DecodeError:
        lone = _SURROGATE.search(raw) is not None and _is_grammatical(raw)
        return _refuse(raw, Reason.SURROGATE if lone else Reason.NOT_JSON)
    # Fewer brackets than the depth allows are no deeper: counting them is quicker than walking the data.
    if event.data and raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _too_deep(event.data):
        return _refuse(raw, Reason.TOO_DEEP)
    if len(raw) > MAX_DATA_BYTES and len(_encoder.encode(event.data)) > MAX_DATA_BYTES:
        return _refuse(raw, Reason.DATA_TOO_LARGE)
    return event


def _decode_with_nulls(raw: bytes) -> Event | None:
    """An event whose only peculiarity is `"data": null`, which some firmware writes for "none"."""
    if b"null" not in raw:
        return None
    try:
        fields = _anything.decode(raw)
        if not isinstance(fields, dict) or fields.get("data", 0) is not None:
            return None
        return _event.decode(_encoder.encode({name: fields[name] for name in fields if name != "data"}))
    except (msgspec.DecodeError, RecursionError):
        return None


def _fault_of_text(raw: bytes) -> Reason | None:
    """What the decoder would let pass, or die of, and the database would not take."""
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError:
            return Reason.NOT_UTF8
    if b"\\u0000" in raw and _has_nul(raw):
        return Reason.NUL
    return None


def _is_grammatical(raw: bytes) -> bool:
    """Whether the text would be JSON if its surrogate escapes were ordinary characters."""
    try:
        msgspec.json.decode(_SURROGATE.sub(b"\\\\u00", raw))
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _has_nul(raw: bytes) -> bool:
    """Whether a NUL is written as an escape; `\\\\u0000` is a backslash followed by five characters."""
    return b"\\u0000" in raw.replace(b"\\\\", b"")


def _too_deep(data: dict[str, Any]) -> bool:
    """Whether any value lies more than `MAX_DEPTH` containers down."""
    level: list[Any] = [inner for inner in data.values() if isinstance(inner, _CONTAINERS)]
    for _ in range(MAX_DEPTH - 1):
        if not level:
            return False
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, _CONTAINERS)
        ]
    return bool(level)


def _why(raw: bytes, error: msgspec.ValidationError) -> tuple[Reason, str | None]:
    """Our reason for the decoder's complaint. The complaint's path is kept, its values are not."""
    message = str(error)
    path = message.rpartition(" - at `$")[2].rstrip("`").lstrip(".") if " - at `$" in message else ""
    if raw[:1] != b"{":
        return Reason.NOT_AN_OBJECT, None
    if "missing required field" in message:
        return Reason.MISSING_FIELD, message.rpartition("required field ")[2].strip("`")
    if path == "id":
        return Reason.BAD_ID, None
    if path == "at":
        return Reason.BAD_TIME, None
    if "out of range" in message or (path == "seq" and "Expected `int` " in message):
        return Reason.NUMBER, path
    return Reason.BAD_FIELD, path.partition("[")[0] or None


def _refuse(raw: bytes, reason: Reason, detail: str | None = None) -> Rejected:
    seen = glimpse(raw[:MAX_EVENT_BYTES]) if raw[:1] == b"{" else Glimpse(None, None)
    return Rejected(reason, detail, seen.id, seen.type, raw)


def decode_status(payload: bytes) -> Status | Rejected:
    """A hub's status, or why it is none."""
    body = payload.removeprefix(_BYTE_ORDER_MARK).strip(_BLANK)
    if not body:
        return Rejected(Reason.EMPTY, None, None, None, payload)
    fault = Reason.EVENT_TOO_LARGE if len(body) > MAX_EVENT_BYTES else _fault_of_text(body)
    if fault is not None:
        return Rejected(fault, None, None, None, payload)
    try:
        return _status.decode(body)
    except RecursionError:
        return Rejected(Reason.TOO_DEEP, None, None, None, payload)
    except msgspec.ValidationError as error:
        reason, detail = _why(body, error)
        return Rejected(reason, detail, None, None, payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Rejected(Reason.NOT_JSON, None, None, None, payload)


def encode_receipts(receipts: Receipts) -> bytes:
    """The payload of a message on `receipts`."""
    return _encoder.encode(receipts)


def encode_command(command: Command) -> bytes:
    """The payload of a message on `commands`."""
    return _encoder.encode(command)


def encode_data(event: Event) -> str:
    """An event's `data` as JSON text that PostgreSQL's jsonb takes."""
    return _encoder.encode(event.data).decode()


def encode_event(event: Event) -> bytes:
    """An event as a hub would send it."""
    return _encoder.encode(event)
