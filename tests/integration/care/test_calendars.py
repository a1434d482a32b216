"""Calendars loaded into PostgreSQL: what a feed makes, keeps, moves and takes away."""

from datetime import datetime

import pytest

from care.errors import EmptiedDay
from care.ical import read_calendar
from care.loading import Loading, apply, prepare
from care.replanning import last_date
from care.revision import Outcome
from db.pool import Pool
from tests.integration.care.world import NOW, at, estate, load, rows

DAILY = "UID:noon@rota\nDTSTART;TZID=Europe/London:20261101T120000\nDURATION:PT30M\nRRULE:FREQ=DAILY"
ESTATE = estate()
FEED = "SELECT * FROM visit WHERE starts_with(ref, 'pkg-ada/ics:') ORDER BY start_at"


async def follow(pool: Pool, *events: str, now: datetime = NOW, force: bool = False) -> Loading:
    """Loads a calendar of these events for Ada's package, as the command does."""
    body = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\n{body}END:VCALENDAR\n"
    roster = read_calendar(text, "rota.ics", ESTATE, "pkg-ada", now, last_date(now))
    async with pool.connection() as conn, conn.transaction():
        loading = await prepare(conn, ESTATE, [roster], now, force=force)
        await apply(conn, loading, now)
    return loading


async def test_a_calendar_makes_its_visits_and_leaves_all_others(pool: Pool) -> None:
    """Its occurrences stand beside those of the package's own recurrence, up to the same horizon."""
    await load(pool, ESTATE)
    await follow(pool, DAILY)

    made = await rows(pool, FEED)
    assert (made[0]["start_at"], made[0]["end_at"], made[0]["source"]) == (at(12), at(12.5), "roster")
    assert len(made) == 57
    assert {row["plan"] for row in await rows(pool, "SELECT plan FROM visit")} == {"planned"}
    assert not (await follow(pool, DAILY)).changes_anything


async def test_a_moved_occurrence_is_the_same_visit(pool: Pool) -> None:
    """An occurrence that moves in the calendar moves; none is added, none is cancelled."""
    await load(pool, ESTATE)
    await follow(pool, DAILY)
    moved = "UID:noon@rota\nRECURRENCE-ID:20261118T120000Z\nDTSTART:20261118T153000Z\nDURATION:PT30M"
    loading = await follow(pool, DAILY, moved)

    assert [revision.outcome for revision in loading.revisions if revision.writes] == [Outcome.CHANGED]
    assert (await rows(pool, FEED))[2]["start_at"] == at(15.5, 18)
    assert len(await rows(pool, FEED)) == 57


async def test_what_vanishes_from_a_calendar_is_cancelled(pool: Pool) -> None:
    """An occurrence that is left out, or cancelled in words, is cancelled, and comes back when it returns."""
    await load(pool, ESTATE)
    await follow(pool, DAILY)
    said = "UID:noon@rota\nRECURRENCE-ID:20261119T120000Z\nDTSTART:20261119T120000Z\nSTATUS:CANCELLED"
    await follow(pool, DAILY + "\nEXDATE;TZID=Europe/London:20261118T120000", said + "\nDURATION:PT30M")
    gone = await rows(
        pool, "SELECT service_date, plan_reason FROM visit WHERE plan = 'cancelled' ORDER BY ref"
    )
    assert [(row["service_date"].day, row["plan_reason"]) for row in gone] == [
        (18, "no longer in the calendar"),
        (19, "cancelled in the roster"),
    ]
    await follow(pool, DAILY)
    assert not await rows(pool, "SELECT FROM visit WHERE plan = 'cancelled'")


async def test_a_calendar_that_leaves_out_the_past_cancels_nothing_of_it(pool: Pool) -> None:
    """What has begun stays as it was planned, though the calendar begins tomorrow."""
    await load(pool, ESTATE)
    await follow(pool, DAILY)
    loading = await follow(pool, DAILY.replace("20261101", "20261117"), now=at(12.1))
    assert not [revision for revision in loading.revisions if revision.outcome is Outcome.CANCELLED]
    assert (await rows(pool, FEED))[0]["plan"] == "planned"


async def test_a_calendar_that_is_nearly_emptied_is_refused(pool: Pool) -> None:
    """More than a fifth of what it made and has not begun: refused with both numbers, unless forced."""
    await load(pool, ESTATE)
    await follow(pool, DAILY)
    until = DAILY + ";UNTIL=20261220T235959Z"  # 35 of 57 remain
    with pytest.raises(EmptiedDay) as raised:
        await follow(pool, until)
    assert str(raised.value) == "rota.ics: would cancel 22 of the 57 visits to come that it made"
    assert {row["plan"] for row in await rows(pool, FEED)} == {"planned"}

    await follow(pool, until, force=True)
    assert sum(row["plan"] == "cancelled" for row in await rows(pool, FEED)) == 22
    await follow(pool, DAILY + ";UNTIL=20261213T235959Z")  # seven of 35 are a fifth, and not more


async def test_what_is_over_before_a_calendar_is_first_loaded_is_no_visit(pool: Pool) -> None:
    """Nobody watched for it: this morning's visit of a calendar that comes at noon is not made up."""
    await load(pool, ESTATE)
    await follow(pool, DAILY.replace("T12", "T07"), now=at(9))
    assert (await rows(pool, FEED))[0]["start_at"] == at(7, 17)
