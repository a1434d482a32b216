"""Rows of several statements: grouped by a key, and written in a single round trip."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, LiteralString

from psycopg.rows import DictRow

from db.pool import Connection


def grouped(rows: Iterable[DictRow], key: str) -> Mapping[Any, list[DictRow]]:
    """Rows by one of their columns; a key without rows has an empty list."""
    groups: defaultdict[Any, list[DictRow]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups


async def many(conn: Connection, statement: LiteralString, rows: list[dict[str, Any]]) -> None:
    """One statement for many rows, in a single round trip."""
    if rows:
        async with conn.cursor() as cursor:
            await cursor.executemany(statement, rows)
