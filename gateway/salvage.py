"""Reading what a JSON parser will not: the elements of a broken array, the id of a broken event.

A parser gives up on a whole message for one bad character. Here the neighbours of a bad event are cut
free, and its id and type are read where they can be read beyond doubt. Pure, and linear in the input.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

# A whole string, a structural character, or the quote that opens a string which never ends.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},:]|"', re.DOTALL)
_BLANK = b" \t\r\n"
_ID = re.compile(r"[\x20-\x7e]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What can be read of an event that cannot be decoded."""

    id: str | None
    type: str | None


def elements(payload: bytes) -> Iterator[bytes]:
    """The top-level elements of an array, each as its own bytes, however broken the inside of one is.

    What follows the closing bracket, or the unfinished last element of an array that was cut off,
    comes as an element of its own, so that nothing of the message is dropped.
    """
    begin = payload.index(b"[") + 1
    depth = 1
    for token in _TOKEN.finditer(payload, begin):
        mark = token.group()
        if mark in (b"[", b"{"):
            depth += 1
        elif mark in (b"]", b"}"):
            depth -= 1
        if depth == 0 or (depth == 1 and mark == b","):
            part = payload[begin : token.start()].strip(_BLANK)
            if part:
                yield part
            begin = token.end()
            if depth == 0:
                break
    rest = payload[begin:].strip(_BLANK)
    if rest:
        yield rest


def glimpse(raw: bytes) -> Glimpse:
    """The id and type of an event that is not valid JSON or not a valid event.

    Only strings that are values of the object's own `id` and `type` count: an id inside `data` belongs to
    something else, and a receipt that refused it would make the hub forget the wrong event. A key that
    occurs twice with different values is not readable.
    """
    found: dict[bytes, set[bytes]] = {b'"id"': set(), b'"type"': set()}
    depth = 0
    key: bytes | None = None
    expecting_value = False
    for token in _TOKEN.finditer(raw):
        mark = token.group()
        if mark in (b"[", b"{"):
            depth += 1
            key, expecting_value = None, False
        elif mark in (b"]", b"}"):
            depth -= 1
            key, expecting_value = None, False
        elif depth == 1 and mark == b":":
            expecting_value = key is not None
        elif depth == 1 and mark == b",":
            key, expecting_value = None, False
        elif depth == 1:
            if expecting_value and key in found:
                found[key].add(mark)
                key, expecting_value = None, False
            else:
                key = mark
    return Glimpse(id=_printable(found[b'"id"']), type=_text(found[b'"type"']))


def _text(values: set[bytes]) -> str | None:
    if len(values) != 1:
        return None
    try:
        return msgspec.json.decode(values.pop(), type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _printable(values: set[bytes]) -> str | None:
    text = _text(values)
    return text if text is not None and _ID.match(text) else None
