"""Paging by cursor: opaque text that names the last row of a page, so that new rows move nothing."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from api.problem import invalid

Row = TypeVar("Row")

MOST = 200
"""Rows of one page at most: a page is read by people or fetched again."""

Limit = Annotated[int, Query(ge=1, le=MOST, description="most items of one page")]
After = Annotated[
    str | None, Query(alias="cursor", max_length=400, description="`next` of the page before this one")
]


class Page(BaseModel):
    """What every list has in common."""

    next: str | None = Field(None, description="`cursor` of the next page; null: this is the last")


def encode(*key: object) -> str:
    """The cursor that names a row by its sort key (times, whole numbers, texts)."""
    plain = [part.isoformat() if isinstance(part, datetime) else part for part in key]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(cursor: str | None, *kinds: type) -> tuple[object, ...]:
    """The sort key in `cursor`, of these types; Nones when there is no cursor. Raises a 422 Problem."""
    if cursor is None:
        return (None,) * len(kinds)
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(parts, list) or len(parts) != len(kinds):
            raise ValueError
        return tuple(_as(kind, part) for kind, part in zip(kinds, parts, strict=True))
    except (ValueError, binascii.Error, RecursionError):
        raise invalid("query.cursor", "this is no cursor that this list gave") from None


def cut(rows: Sequence[Row], limit: int) -> tuple[Sequence[Row], Row | None]:
    """The rows of a page, and the last of them when there are more: ask the database for `limit + 1`."""
    page = rows[:limit]
    return page, (page[-1] if len(rows) > limit else None)


def _as(kind: type, part: object) -> object:
    if kind is datetime and isinstance(part, str):
        moment = datetime.fromisoformat(part)
        if moment.tzinfo is None:
            raise ValueError
        return moment
    if type(part) is not kind or (isinstance(part, str) and "\0" in part):
        raise ValueError
    if isinstance(part, int) and abs(part) >= 2**63:
        raise ValueError
    return part
