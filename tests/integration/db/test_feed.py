"""The live stream's order under concurrent commits, and who sees what of it."""

from datetime import UTC, datetime, timedelta

from db import feed
from db.caller import Caller, reading_as
from db.pool import Pool

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OPERATOR = Caller("northgate", "operator", "Kim", 1)


async def _append(pool: Pool, number: int, organisation: str = "northgate") -> None:
    async with pool.connection() as conn:
        await feed.append(conn, "event", [organisation], {"number": number}, NOW)


async def _read(pool: Pool, cursor: feed.Cursor, caller: Caller = OPERATOR) -> list[feed.FeedRow]:
    async with reading_as(pool, caller) as conn:
        return await feed.read_after(conn, cursor)


async def test_row_that_commits_late_is_not_skipped(any_pool: Pool) -> None:
    """A reader never passes over a transaction that began earlier and commits after it looked."""
    async with any_pool.connection() as slow, slow.transaction():
        await feed.append(slow, "event", ["northgate"], {"number": 1}, NOW)
        await _append(any_pool, 2)
        seen_meanwhile = await _read(any_pool, feed.Cursor())
    last = seen_meanwhile[-1].cursor if seen_meanwhile else feed.Cursor()
    seen_after = await _read(any_pool, last)
    assert [row.payload["number"] for row in [*seen_meanwhile, *seen_after]] == [1, 2]


async def test_reader_goes_on_where_it_stopped(any_pool: Pool) -> None:
    """After a cursor comes only what was not read before."""
    for number in range(3):
        await _append(any_pool, number)
    first = await _read(any_pool, feed.Cursor())
    assert [row.payload["number"] for row in await _read(any_pool, first[0].cursor)] == [1, 2]
    assert await _read(any_pool, first[-1].cursor) == []


async def test_newest_begins_with_what_comes_next(any_pool: Pool) -> None:
    """A reader that starts at the newest place sees later rows only."""
    await _append(any_pool, 1)
    async with any_pool.connection() as conn:
        start = await feed.newest(conn)
    await _append(any_pool, 2)
    assert [row.payload["number"] for row in await _read(any_pool, start)] == [2]


async def test_other_organisations_rows_stay_hidden(any_pool: Pool) -> None:
    """Row security withholds what is addressed to others."""
    await _append(any_pool, 1, "elm-housing")
    await _append(any_pool, 2)
    assert [row.payload["number"] for row in await _read(any_pool, feed.Cursor())] == [2]


async def test_what_is_told_together_keeps_its_order_and_its_readers(any_pool: Pool) -> None:
    """Of things told at once all read their own, in order, and what concerns nobody is left out."""
    told = [
        (["northgate"], None),
        (["northgate", "elm-housing"], None),
        (["elm-housing", "northgate", "elm-housing"], None),
        ([], None),
        (["northgate"], ["operator"]),
        (["northgate"], ["engineer"]),
        (["elm-housing"], None),
        (["northgate"], None),
    ]
    news = [feed.News("event", whom, {"number": number}, roles) for number, (whom, roles) in enumerate(told)]
    async with any_pool.connection() as conn:
        await feed.append_all(conn, news, NOW)
    landlord = Caller("elm-housing", "housing_officer", "Jo", 2)
    read = {
        caller.organisation_id: [
            row.payload["number"] for row in await _read(any_pool, feed.Cursor(), caller)
        ]
        for caller in (OPERATOR, landlord)
    }
    assert read == {"northgate": [0, 1, 2, 4, 7], "elm-housing": [1, 2, 6]}


async def test_old_rows_are_trimmed(any_pool: Pool) -> None:
    """What is past its time goes, the rest stays."""
    await _append(any_pool, 1)
    async with any_pool.connection() as conn:
        assert await feed.trim(conn, NOW) == 0
        assert await feed.trim(conn, NOW + timedelta(seconds=1)) == 1
