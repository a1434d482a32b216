"""The rolling horizon: visits exist eight weeks ahead, whatever rosters have said of them."""

from datetime import date, timedelta

from care.horizon import extend_horizon
from db.pool import Pool
from tests.integration.care.world import NOW, at, estate, load, rows, sweep, visit

DAY = timedelta(days=1)


async def extend(pool: Pool, days: int) -> None:
    """Extends the horizon, so many days after the load."""
    while await extend_horizon(pool, NOW + days * DAY, batch=1):
        pass


async def last_dates(pool: Pool) -> dict[str, date]:
    """The last service date of each package."""
    found = await rows(pool, "SELECT package_id, max(service_date) AS last FROM visit GROUP BY 1")
    return {row["package_id"]: row["last"] for row in found}


async def test_each_day_makes_one_day_more(pool: Pool) -> None:
    """What a load made is not made again; a day later one day is missing, a week later seven."""
    await load(pool, estate(("ada", "bob")))
    assert await extend_horizon(pool, NOW) == 0
    before = (await rows(pool, "SELECT count(*) AS many FROM visit"))[0]["many"]
    await extend(pool, 7)

    assert (await rows(pool, "SELECT count(*) AS many FROM visit"))[0]["many"] == before + 2 * 7
    assert set((await last_dates(pool)).values()) == {date(2027, 1, 18)}
    assert (await visit(pool, "pkg-ada/morning/2027-01-18"))["next_check_at"] is not None


async def test_what_a_roster_said_ahead_of_the_horizon_stands(pool: Pool) -> None:
    """An occurrence that was moved or cancelled before the horizon came to it is not made anew."""
    await load(
        pool,
        estate(),
        "pkg-ada/morning/2027-01-14,pkg-ada,2027-01-14,10:00,10:30,,,,,planned,\n"
        "pkg-ada/morning/2027-01-15,pkg-ada,2027-01-15,08:00,08:30,,,,,cancelled,\n",
    )
    await extend(pool, 14)

    assert (await visit(pool, "pkg-ada/morning/2027-01-14"))["start_wall"] == "10:00"
    assert (await visit(pool, "pkg-ada/morning/2027-01-15"))["plan"] == "cancelled"
    assert (await visit(pool, "pkg-ada/morning/2027-01-16"))["start_wall"] == "08:00"


async def test_visits_made_during_a_suspension_say_so_at_once(pool: Pool) -> None:
    """A visit that the horizon makes for somebody who is away is judged at once, and is suspended."""
    away = 'suspensions: [{resident: ada, from: "2026-11-10T09:00:00+00:00", until: null, reason: hospital}]'
    await load(pool, estate(more=away))
    await extend(pool, 7)
    await sweep(pool, NOW + 7 * DAY)
    assert (await visit(pool, "pkg-ada/morning/2027-01-18"))["state"] == "suspended"


async def test_after_a_long_absence_the_past_is_not_made(pool: Pool) -> None:
    """Days before yesterday stay without visits: nobody was listening then."""
    await load(pool, estate())
    await extend(pool, 100)
    made = await rows(pool, "SELECT service_date FROM visit WHERE service_date > '2027-01-12' ORDER BY 1")
    assert made[0]["service_date"] == (at(0) + 100 * DAY).date()
