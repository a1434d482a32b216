"""Windows of tests and suppression on a real database: held back, recorded, and over by themselves."""

from datetime import timedelta

import pytest

from alerts import service
from alerts.errors import NotAlone, WindowOver, WindowTooLong
from alerts.model import Actor
from alerts.suppression import Why
from alerts.windows import Opening, Place
from tests.integration.alerts.conftest import NINE, World
from tests.integration.alerts.test_silence import hears, looks

ELI = Actor("Eli", "north")
HOME, UNIT, SCHEME = Place(dwelling_id="elm-12"), Place(hub_id="hub-12"), Place(scheme="elm-court")


async def opens(world: World, why: Why, place: Place, **lasts: float) -> int:
    """Somebody opens a window from now on."""
    until = world.now + timedelta(**lasts)
    async with world.pool.connection() as conn:
        return await service.open_window(conn, Opening(why, place, world.now, until), ELI, world.now)


async def test_what_an_empty_home_gives_rise_to_is_recorded_and_tells_nobody(world: World) -> None:
    """It is over at once and says why; the same again is counted there; a press is a press."""
    await opens(world, Why.AWAY, HOME, hours=2)
    await world.hear(world.signal("alarm.inactivity"))
    await world.passes(minutes=30)
    await world.hear(world.signal("alarm.inactivity"), world.signal("alarm.pendant"))
    rows = await world.rows("SELECT kind, suppressed, press_count, closed_at FROM alert ORDER BY id")
    assert [tuple(row.values())[:3] for row in rows] == [
        ("alarm.inactivity", "suppressed: nobody at home, until 2026-11-21 11:00 UTC", 2),
        ("alarm.pendant", None, 1),
    ]
    assert (rows[0]["closed_at"], rows[1]["closed_at"]) == (NINE, None)
    duties = await world.rows("SELECT state, outcome FROM duty ORDER BY id")
    assert [tuple(duty.values()) for duty in duties] == [("closed", "suppressed"), ("open", None)]
    assert len(await world.rows("SELECT * FROM alert_event")) == 3


async def test_a_window_ends_by_itself(world: World) -> None:
    """What comes at its end is raised, as an alert of its own."""
    await opens(world, Why.AWAY, HOME, hours=1)
    await world.hear(world.signal("alarm.inactivity"))
    world.advance(hours=1)
    await world.hear(world.signal("alarm.inactivity"))
    rows = await world.rows("SELECT suppressed IS NULL AS told FROM alert ORDER BY id")
    assert [row["told"] for row in rows] == [False, True]


async def test_a_window_may_be_ended_sooner_and_not_twice(world: World) -> None:
    """From then on everything is raised again."""
    window = await opens(world, Why.INSTALLER_TEST, UNIT, hours=2)
    world.advance(minutes=5)
    async with world.pool.connection() as conn:
        await service.end_window(conn, window, ELI, world.now)
    await world.hear(world.signal("alarm.flood"))
    assert (await world.rows("SELECT suppressed FROM alert"))[0]["suppressed"] is None
    async with world.pool.connection() as conn:
        with pytest.raises(WindowOver):
            await service.end_window(conn, window, ELI, world.now)


async def test_a_press_within_a_test_is_marked_and_climbs_and_a_real_one_is_its_own(world: World) -> None:
    """The press that comes when the test is over never hides in the alert of the test."""
    await opens(world, Why.TEST, UNIT, hours=1)
    await world.hear(world.signal("alarm.pendant"), world.signal("alarm.pendant"))
    world.advance(hours=1)
    await world.hear(world.signal("alarm.pendant"))
    rows = await world.rows("SELECT is_test, press_count, closed_at FROM alert ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [(True, 2, None), (False, 1, None)]
    assert [row["state"] for row in await world.rows("SELECT state FROM duty")] == ["open", "open"]


async def test_what_lasts_longer_than_the_works_is_raised_as_of_their_end(world: World) -> None:
    """A silent unit and a fault: shown as suppressed once, then somebody's to answer."""
    await opens(world, Why.SCHEME_WORKS, SCHEME, hours=2)
    await hears(world)
    await world.hear(world.signal("technical.link_failed", device="gsm"))
    for _ in range(6):
        await looks(world, minutes=15)
    rows = await world.rows("SELECT kind, press_count, suppressed FROM alert ORDER BY id")
    assert [(row["kind"], row["press_count"], row["suppressed"] is None) for row in rows] == [
        ("technical.link_failed", 1, False),
        ("hub.silent", 1, False),
    ]
    for _ in range(3):
        await looks(world, minutes=15)
    rows = await world.rows("SELECT kind, raised_at FROM alert WHERE suppressed IS NULL ORDER BY kind")
    over = NINE + timedelta(hours=2)
    assert [tuple(row.values()) for row in rows] == [("hub.silent", over), ("technical.link_failed", over)]


async def test_a_fault_that_ends_within_the_works_is_never_told(world: World) -> None:
    """Its record stays."""
    await opens(world, Why.SCHEME_WORKS, SCHEME, hours=1)
    await world.hear(world.signal("technical.link_failed", device="gsm"))
    await world.passes(minutes=20)
    await world.hear(world.signal("technical.link_restored", device="gsm"))
    await world.passes(hours=2)
    assert [row["closed_at"] is None for row in await world.rows("SELECT closed_at FROM alert")] == [False]


@pytest.mark.parametrize("overtaken", [False, True])
async def test_away_at_the_unit_opens_a_window_and_home_ends_it(world: World, overtaken: bool) -> None:
    """In either order of arrival; without a homecoming it is over after a day."""
    away = world.signal("resident.away", device=None)
    home = world.signal("resident.home", device=None, effective_at=NINE + timedelta(hours=1))
    await world.hear(*([home, away] if overtaken else [away, home]))
    (window,) = await world.rows("SELECT reason, from_at, until_at, created_by FROM suppression")
    assert tuple(window.values()) == ("away", NINE, NINE + timedelta(hours=1), "unit hub-12")
    world.advance(days=1)
    await world.hear(world.signal("resident.away", device=None))
    await world.hear(world.signal("alarm.bed"))
    world.advance(days=1)
    await world.hear(world.signal("alarm.bed"))
    rows = await world.rows("SELECT suppressed IS NULL AS told FROM alert ORDER BY id")
    assert [row["told"] for row in rows] == [False, True]


async def test_nobody_is_away_from_a_home_where_others_live(world: World) -> None:
    """By the unit's switch it is only recorded, by a person it is refused."""
    await world.rows(
        "INSERT INTO resident (id, dwelling_id, name, monitoring_centre_id)"
        " VALUES ('eve', 'elm-12', 'Eve', 'north') RETURNING id"
    )
    await world.hear(world.signal("resident.away", device=None))
    with pytest.raises(NotAlone, match="others live there too"):
        await opens(world, Why.AWAY, HOME, hours=1)
    assert await world.rows("SELECT * FROM suppression") == []


async def test_a_window_that_is_over_or_too_long_is_refused(world: World) -> None:
    """Each in one sentence."""
    with pytest.raises(WindowOver):
        await opens(world, Why.TEST, UNIT, hours=-1)
    with pytest.raises(WindowTooLong, match="8 hours at most"):
        await opens(world, Why.TEST, UNIT, hours=9)
