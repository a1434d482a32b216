"""Lists as arguments of statements: written in one go, and read as what they were."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, LiteralString

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.pool import Pool, connection_arguments, fetch_one

NOON = datetime(2026, 11, 16, 12, 0, 0, 120, tzinfo=timezone(timedelta(hours=1)))


_AS: dict[str, LiteralString] = {
    kind: f"SELECT %(values)s::{kind} AS found" for kind in ("text[]", "timestamptz[]", "integer[]")
}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a", "b c", "", "NULL", "null", "{}", "a,b", 'quo"te', "back\\slash", '","', "é", " x "], "text[]"),
        (["plain", "words"], "text[]"),
        (["a", None, "b"], "text[]"),
        ([NOON, NOON.astimezone(UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)], "timestamptz[]"),
        ([NOON, None], "timestamptz[]"),
        ([1, 2], "integer[]"),
        ([["a", "b"], ["c", "d"]], "text[]"),
        ([], "text[]"),
    ],
)
async def test_a_list_arrives_as_it_was(pool: Pool, values: list[Any], kind: str) -> None:
    """Whatever stands in its words: quotes, braces, nothing at all, or the word NULL."""
    async with pool.connection() as conn:
        row = await fetch_one(conn, _AS[kind], values=values)
    assert row is not None
    assert row["found"] == values


def test_any_words_arrive_as_they_were(database_url: str) -> None:
    """No word is taken for another, or for two."""
    with psycopg.connect(database_url, **connection_arguments("test")) as conn:

        @given(
            st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=9)
        )
        @settings(max_examples=100, deadline=None)
        def arrives(words: list[str]) -> None:
            row = conn.execute("SELECT %s::text[] AS found", [words]).fetchone()
            assert row == {"found": words}

        arrives()
