"""What callers may send: times with an offset, texts that a database can keep, identifiers."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema

_RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


def moment(value: Any) -> datetime:
    """A time of RFC 3339 with its offset, in UTC. Raises ValueError with what is wrong, for people."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time needs an offset, e.g. 2026-11-21T18:04:05+00:00")
        return value.astimezone(UTC)
    # In a query an unescaped plus arrives as a space; that is what was meant.
    text = re.sub(r" (\d{2}:\d{2})$", r"+\1", value) if isinstance(value, str) else ""
    if not _RFC_3339.fullmatch(text):
        raise ValueError("give a time of RFC 3339 with an offset, e.g. 2026-11-21T18:04:05+00:00")
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.upper())).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("there is no such time") from None


def storable(value: str) -> str:
    """The text, if a database can keep it. Raises ValueError with what is wrong, for people."""
    if "\0" in value or any(0xD800 <= ord(letter) <= 0xDFFF for letter in value):
        raise ValueError("this text holds a character that cannot be kept")
    return value


Moment = Annotated[
    datetime, BeforeValidator(moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), AfterValidator(storable)
]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(storable)]
