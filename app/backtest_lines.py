"""The lines of an events file (contract §5), decoded: many at once where that is as good as one by one.

A month of a county has ten million lines, nearly all of them heartbeats. A piece of the file in which every
line is an object in plain characters is decoded in one call; the lines of any other piece are looked at one
by one, as carefully as the gateway looks at a message.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Annotated, BinaryIO

import msgspec

from gateway.codec import MAX_DATA_BYTES, Rejected, decode_event, decode_status
from gateway.model import AwareTime, Event, Status

EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""No line is believed that says to be older or newer."""

_BLANK = b" \t\r\n"
# Some hundred lines: one odd line among them costs a second look at its neighbours only.
_PIECE = 64 * 1024
_TOGETHER = 400


class _PlainEvent(Event, frozen=True, gc=False):
    """An event with nothing in its data to go astray in; in plain characters any id so long is good."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    data: dict[str, str | int | float | bool | None] = msgspec.field(default_factory=dict)


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line. UNSET: it says nothing of that; `Rejected`: what it says is no event or status."""

    hub: str
    received_at: AwareTime
    event: Event | Rejected | msgspec.UnsetType = msgspec.UNSET
    status: Status | Rejected | msgspec.UnsetType = msgspec.UNSET


class PlainLine(msgspec.Struct, frozen=True, gc=False):
    """A line that was decoded together with its neighbours."""

    hub: str
    received_at: AwareTime
    event: _PlainEvent | msgspec.UnsetType = msgspec.UNSET
    status: Status | msgspec.UnsetType = msgspec.UNSET


AnyLine = Line | PlainLine


class _BareLine(msgspec.Struct, frozen=True):
    """A line whose event and status are looked into afterwards."""

    hub: str
    received_at: AwareTime
    event: msgspec.Raw = msgspec.Raw()
    status: msgspec.Raw = msgspec.Raw()


class _Stamp(msgspec.Struct, frozen=True, gc=False):
    received_at: AwareTime


_plain = msgspec.json.Decoder(PlainLine)
_bare = msgspec.json.Decoder(_BareLine)
_stamp = msgspec.json.Decoder(_Stamp)


def lines_of(file: BinaryIO) -> Iterator[AnyLine | None]:
    """What each line holds, in the order of the file; None for one that is no line of this kind of file.

    Blank lines are passed over.
    """
    return chain.from_iterable(map(_decoded, _pieces(file)))


def sorted_lines_of(file: BinaryIO) -> Iterator[AnyLine | None]:
    """As `lines_of`, in order of receipt; lines of one moment stay in the order of the file.

    The file is held in memory, undecoded.
    """
    stamped = [
        (_received(body), body)
        for piece in _pieces(file)
        for raw in piece.split(b"\n")
        if (body := raw.strip(_BLANK))
    ]
    stamped.sort(key=lambda pair: pair[0])
    for start in range(0, len(stamped), _TOGETHER):
        lines = (body + b"\n" for _, body in stamped[start : start + _TOGETHER])
        yield from _decoded(b"".join(lines))


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """The file in pieces of whole lines, each of them ended."""
    rest = [b""]
    while read := file.read(_PIECE):
        end = read.rfind(b"\n") + 1
        if not end:
            rest.append(read)
            continue
        yield b"".join((*rest, read[:end]))
        rest = [read[end:]]
    last = b"".join(rest)
    if last:
        yield last + b"\n"


def _received(body: bytes) -> datetime:
    try:
        return _stamp.decode(body).received_at
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return EARLIEST


def _decoded(piece: bytes) -> Sequence[AnyLine | None]:
    if b"\r" in piece:
        piece = piece.replace(b"\r\n", b"\n")
    if count := _plain_lines(piece):
        try:
            lines = _plain.decode_lines(piece)
        except msgspec.DecodeError:
            lines = []
        if len(lines) == count:
            return lines
    return [_by_itself(body) for raw in piece.split(b"\n") if (body := raw.strip(_BLANK))]


def _plain_lines(piece: bytes) -> int:
    """How many lines there are, when every line is an object of plain characters, and short enough for all
    that it may hold; else 0.

    Inside JSON no line can end in a brace with the next one beginning with one: so each line holds whole
    objects, and as many objects as lines are one in each.
    """
    if not (piece.isascii() and b"\\" not in piece and b"\x7f" not in piece):
        return 0
    lines = piece.count(b"\n")
    if not (piece.startswith(b"{") and piece.endswith(b"}\n") and piece.count(b"}\n{") == lines - 1):
        return 0
    start = 0
    while start < len(piece):
        end = piece.rfind(b"\n", start, start + MAX_DATA_BYTES)
        if end < 0:
            return 0
        start = end + 1
    return lines


def _by_itself(body: bytes) -> AnyLine | None:
    """One line, as carefully as a message is looked at; None when it is no line of this file at all."""
    if _plain_lines(body + b"\n"):
        try:
            return _plain.decode(body)
        except msgspec.DecodeError:
            pass
    try:
        line = _bare.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return Line(
        line.hub,
        line.received_at,
        decode_event(bytes(line.event)) if len(line.event) else msgspec.UNSET,
        decode_status(bytes(line.status)) if len(line.status) else msgspec.UNSET,
    )
