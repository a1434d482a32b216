"""What is written as a binary COPY is what PostgreSQL reads."""

from datetime import UTC, datetime

from db.copy import HEADER, TRAILER, bigint, boolean, integer, jsonb, name, names, row, text, timestamp
from db.pool import Pool, fetch_all

WHEN = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


async def test_every_kind_of_field_arrives_as_it_was(pool: Pool) -> None:
    """Times before and after the epoch, the largest numbers, any texts, nulls and JSON come back."""
    rows = [
        (
            WHEN,
            "tab\t, line\n, \\ and ö",
            None,
            -(2**63),
            -(2**31),
            True,
            ("ö", ""),
            b'{"a": [1, "\\u00e9"]}',
        ),
        (datetime.max.replace(tzinfo=UTC), "", "again", None, 0, False, (), b"{}"),
        (
            datetime.min.replace(tzinfo=UTC),
            "x" * 70_000,
            "again",
            2**63 - 1,
            2**31 - 1,
            True,
            ("NULL",),
            b'"text"',
        ),
    ]
    async with pool.connection() as conn:
        await conn.execute(
            "CREATE TEMP TABLE kinds"
            " (t timestamptz, a text, b text, n bigint, i integer, f boolean, x text[], j jsonb)"
        )
        async with conn.cursor() as cursor, cursor.copy("COPY kinds FROM STDIN (FORMAT binary)") as copy:
            written = [
                row(timestamp(t), text(a), name(b), bigint(n), integer(i), boolean(f), names(x), jsonb(j))
                for t, a, b, n, i, f, x, j in rows
            ]
            await copy.write(HEADER + b"".join(written) + TRAILER)
        found = [
            tuple(one.values())
            for one in await fetch_all(conn, "SELECT * FROM kinds ORDER BY t = %(t)s DESC, t DESC", t=WHEN)
        ]
    assert [one[:6] for one in found] == [one[:6] for one in rows]
    assert [tuple(one[6]) for one in found] == [one[6] for one in rows]
    assert [one[7] for one in found] == [{"a": [1, "é"]}, {}, "text"]
