"""The live stream's rows: appended in the transaction that decided, read in commit-safe order.

A plain `WHERE id > last` misses a row that took its id early and committed late. So a reader orders by
(transaction id, id) and stops short of the oldest transaction still running.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import msgspec

from db.pool import Connection, execute, fetch_all
from db.sql import Queries
from db.wake import LIVE

_Q = Queries("db")
_json = msgspec.json.Encoder()
_CURSOR = re.compile(r"([0-9]{1,19})-([0-9]{1,19})")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the stream; its text form is the `Last-Event-ID` of server-sent events."""

    xid: int = 0
    id: int = 0

    def __str__(self) -> str:
        return f"{self.xid}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """The cursor that `str` gave, or None when the text is none of ours."""
        match = _CURSOR.fullmatch(text)
        if match is None or max(numbers := [int(part) for part in match.groups()]) >= 2**63:
            return None
        return cls(*numbers)


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One thing that happened: thin, the reader fetches the rest under its own rights."""

    cursor: Cursor
    at: datetime
    topic: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell some organisations; of their roles only these, when given."""

    topic: str
    organisations: Sequence[str]
    payload: Mapping[str, Any]
    roles: Sequence[str] | None = None


async def append(
    conn: Connection,
    topic: str,
    organisations: Sequence[str],
    payload: dict[str, Any],
    at: datetime,
    roles: Sequence[str] | None = None,
) -> None:
    """Tells those organisations (only these roles, when given) in the same transaction as the fact itself."""
    await append_all(conn, [News(topic, organisations, payload, roles)], at)


async def append_all(conn: Connection, news: Iterable[News], at: datetime) -> None:
    """`append` for many at once; what concerns nobody is left out. The statement wakes the stream, too."""
    rows = [
        {
            "topic": topic,
            "organisations": organisations,
            "roles": roles,
            "payloads": [each.payload for each in alike],
        }
        for (topic, organisations, roles), alike in groupby(news, _whom)
        if organisations
    ]
    if rows:
        await execute(conn, _Q["append_feed"], rows=_json.encode(rows).decode(), at=at, channel=LIVE)


def _whom(news: News) -> tuple[str, list[str], Sequence[str] | None]:
    """Of what, and whom: said once where one thing after the other concerns the same."""
    return news.topic, sorted(set(news.organisations)), news.roles


async def read_after(conn: Connection, cursor: Cursor, limit: int = 500) -> list[FeedRow]:
    """What was committed after `cursor`, oldest first; what row security hides is not among it."""
    rows = await fetch_all(conn, _Q["read_feed"], xid=cursor.xid, id=cursor.id, limit=limit)
    return [FeedRow(Cursor(row["xid"], row["id"]), row["at"], row["topic"], row["payload"]) for row in rows]


async def newest(conn: Connection) -> Cursor:
    """Where a reader begins that wants only what comes from now on."""
    rows = await fetch_all(conn, _Q["newest_feed"])
    return Cursor(rows[0]["xid"], rows[0]["id"])


async def trim(conn: Connection, before: datetime) -> int:
    """Removes rows older than `before`; a reader that was away longer re-reads the open set instead."""
    return await execute(conn, _Q["trim_feed"], before=before)
