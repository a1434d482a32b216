"""Rows for COPY in PostgreSQL's binary format: the cheapest way in for many rows, on both sides.

psycopg would look up how to write each value; the writer of a table knows it beforehand. Pure.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

HEADER = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0"
TRAILER = b"\xff\xff"
MOST_REMEMBERED = 16_384
"""Names whose bytes are remembered."""
NULL = b"\xff\xff\xff\xff"

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def timestamp(moment: datetime) -> bytes:
    """A timestamptz."""
    return b"\0\0\0\x08" + ((moment - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True)


def text(value: str | None) -> bytes:
    """A text, or null."""
    if value is None:
        return NULL
    raw = value.encode()
    return len(raw).to_bytes(4, "big") + raw


@lru_cache(maxsize=MOST_REMEMBERED)
def name(value: str | None) -> bytes:
    """A text that occurs again and again, such as a device's name."""
    return text(value)


_OF_TEXTS = b"\0\0\0\0" + (25).to_bytes(4, "big")  # no nulls, and the number of the type text


@lru_cache(maxsize=MOST_REMEMBERED)
def names(values: tuple[str, ...]) -> bytes:
    """An array of texts that occur together again and again, such as who came."""
    if not values:
        return b"\0\0\0\x0c\0\0\0\0" + _OF_TEXTS
    raw = b"\0\0\0\1" + _OF_TEXTS + len(values).to_bytes(4, "big") + b"\0\0\0\1" + b"".join(map(text, values))
    return len(raw).to_bytes(4, "big") + raw


def integer(value: int) -> bytes:
    """An integer."""
    return b"\0\0\0\x04" + value.to_bytes(4, "big", signed=True)


def bigint(value: int | None) -> bytes:
    """A bigint, or null."""
    return NULL if value is None else b"\0\0\0\x08" + value.to_bytes(8, "big", signed=True)


def boolean(value: bool) -> bytes:
    """A boolean."""
    return b"\0\0\0\x01\x01" if value else b"\0\0\0\x01\0"


def jsonb(json: bytes) -> bytes:
    """A jsonb from JSON text; the byte before it is the version of the format."""
    return (len(json) + 1).to_bytes(4, "big") + b"\x01" + json


def row(*fields: bytes) -> bytes:
    """One row of fields that are written already."""
    return len(fields).to_bytes(2, "big") + b"".join(fields)
