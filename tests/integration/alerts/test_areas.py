"""One alert for many units that fail together, and none that is forgotten (domain/alarms.md §1)."""

import asyncio
from datetime import datetime, timedelta

import pytest

from alerts import service
from tests.integration.alerts.conftest import NINE, OLGA, World
from tests.integration.alerts.test_silence import hears, intake, looks

OAK = """
INSERT INTO dwelling SELECT 'oak-' || n, 'elm', 'oak', 'Oak ' || n, 'Europe/London'
FROM generate_series(1, 20) AS n;
INSERT INTO resident (id, dwelling_id, name, monitoring_centre_id)
SELECT 'r' || n, 'oak-' || n, 'Resident ' || n, CASE n WHEN 20 THEN 'south' ELSE 'north' END
FROM generate_series(1, 20) AS n;
INSERT INTO hub (id, dwelling_id, heartbeat_every) SELECT 'oak-' || n, 'oak-' || n, 'PT10M'
FROM generate_series(1, 20) AS n;
INSERT INTO dwelling SELECT 'far-' || n, 'elm', NULL, 'Far ' || n, 'Europe/London'
FROM generate_series(1, 180) AS n;
INSERT INTO hub (id, dwelling_id, first_heard_at, last_heard_at)
SELECT 'far-' || n, 'far-' || n, '2026-11-01Z', '2027-11-01Z' FROM generate_series(1, 180) AS n;
"""


@pytest.fixture
async def oak(world: World) -> World:
    """Twenty homes of a scheme, heard at nine, among two hundred in service."""
    async with world.pool.connection() as conn:
        await conn.execute(OAK)
    await hear_all(world, *range(1, 21))
    return world


async def hear_all(world: World, *numbers: int) -> None:
    """Intake hears these hubs of the scheme now."""
    for number in numbers:
        await hears(world, f"oak-{number}")


async def fails(
    world: World, *numbers: int, kind: str = "technical.mains_failed", at: datetime | None = None
) -> None:
    """We hear now that the mains of these homes failed or came back, now or `at` another time."""
    when = at or world.now
    signals = [world.signal(kind, hub_id=f"oak-{n}", device=None, effective_at=when) for n in numbers]
    await world.hear(*signals)


async def shown(world: World, *, every: bool = False) -> list[tuple[str, int]]:
    """Kind and priority of each alert that is open; or of every one."""
    rows = await world.rows("SELECT kind, priority, closed_at FROM alert ORDER BY kind, id")
    return [(row["kind"], row["priority"]) for row in rows if every or row["closed_at"] is None]


async def units(world: World) -> set[str]:
    """The hubs for which an area alert stands."""
    return {row["hub_id"] for row in await world.rows("SELECT hub_id FROM area_hub WHERE over_at IS NULL")}


async def test_a_scheme_that_falls_silent_is_one_alert(oak: World) -> None:
    """More than a fifth within ten minutes; raised when the fifth of them was overdue, for both centres."""
    await looks(oak, minutes=10)
    await hear_all(oak, *range(7, 20))
    await looks(oak, minutes=16)
    assert await shown(oak, every=True) == [("area.silent", 4)]
    (alert,) = await oak.rows("SELECT id, scheme, reason, raised_at, hub_id FROM alert")
    assert tuple(alert.values())[1:] == (
        "oak",
        "7 of 20 units in oak within ten minutes have fallen silent",
        NINE + timedelta(minutes=25),
        None,
    )
    assert await units(oak) == {f"oak-{n}" for n in (1, 2, 3, 4, 5, 6, 20)}
    duties = await oak.rows("SELECT organisation_id, ladder FROM duty ORDER BY organisation_id")
    assert [tuple(duty.values()) for duty in duties] == [("north", "technical"), ("south", "technical")]


async def test_those_raised_before_there_were_enough_are_answered_as_one(oak: World) -> None:
    """Their own alerts are stood down with the cause, and nothing is raised twice while it lasts."""
    await looks(oak, minutes=8)
    await hear_all(oak, *range(4, 21))
    await looks(oak, minutes=18)
    assert await shown(oak) == [("hub.silent", 4)] * 3
    await hear_all(oak, *range(7, 21))
    await looks(oak, minutes=8)
    assert await shown(oak) == [("area.silent", 4)]
    causes = {row["stand_down_cause"] for row in await oak.rows("SELECT stand_down_cause FROM alert")}
    assert causes == {
        None,
        "one of many, and answered as one: 6 of 20 units in oak within ten minutes have fallen silent",
    }
    for _ in range(5):
        await looks(oak, minutes=1)
    assert len(await shown(oak, every=True)) == 4


async def test_an_area_that_recovers_lets_go_of_those_that_stay_silent(oak: World) -> None:
    """With a fifth left it is over: the rest is raised each for itself."""
    await looks(oak, minutes=10)
    await hear_all(oak, *range(7, 21))
    await looks(oak, minutes=16)
    await hear_all(oak, *range(5, 21))
    await looks(oak, minutes=2)
    assert await shown(oak) == [("hub.silent", 4)] * 4
    (area,) = await oak.rows("SELECT stand_down_cause FROM alert WHERE kind = 'area.silent'")
    assert area["stand_down_cause"] == "4 of 6 units are still down"
    await hear_all(oak, *range(1, 21))
    await looks(oak, seconds=30)
    assert await shown(oak) == []


async def test_a_press_is_never_held_in_an_area(oak: World) -> None:
    """Whatever has become of the unit otherwise."""
    await looks(oak, minutes=26)
    await oak.hear(oak.signal("alarm.pendant", hub_id="oak-1"))
    assert await shown(oak) == [("alarm.pendant", 1), ("area.silent", 4)]


async def test_an_area_with_a_person_at_high_risk_is_welfare(oak: World) -> None:
    """One of its homes is enough."""
    await oak.rows("UPDATE resident SET high_risk = true WHERE id = 'r3' RETURNING id")
    await looks(oak, minutes=26)
    assert await shown(oak) == [("area.silent", 2)]
    assert {duty["ladder"] for duty in await oak.rows("SELECT ladder FROM duty")} == {"alarm.2"}


async def test_a_day_of_silence_makes_an_area_welfare_and_nothing_is_lost_if_it_was_closed(
    oak: World,
) -> None:
    """While it is open it becomes urgent itself; when somebody has closed it, each of its units does."""
    await looks(oak, minutes=26)
    for organisation in ("north", "south"):
        async with oak.pool.connection() as conn:
            number = (await oak.duty(organisation))["id"]
            await service.close(conn, number, OLGA, "power_cut", oak.now)
    await looks(oak, hours=12)
    assert await shown(oak) == []
    await looks(oak, hours=12)
    assert await shown(oak) == [("hub.silent", 2)] * 20


async def test_a_day_of_silence_makes_an_open_area_welfare(oak: World) -> None:
    """Once."""
    await looks(oak, minutes=26)
    await looks(oak, hours=24)
    await looks(oak, minutes=2)
    assert await shown(oak) == [("area.silent", 2)]
    assert len(await oak.rows("SELECT * FROM alert_history WHERE what = 'escalated'")) == 1


async def test_our_own_absence_makes_no_area(oak: World) -> None:
    """All homes are silent when we do not listen."""
    oak.advance(minutes=5)
    await intake(oak, connected=False)
    oak.advance(hours=2)
    await oak.sweep()
    back = oak.now
    for _ in range(3):
        await intake(oak, since=back)
        oak.advance(minutes=8)
        await oak.sweep()
    assert await shown(oak, every=True) == []


async def test_a_power_cut_is_one_alert_after_its_delay(oak: World) -> None:
    """Full batteries or not; a short one is none, and the mains' return ends it."""
    await fails(oak, 1, 2, 3, 4, 5, 6)
    await oak.passes(minutes=10)
    await fails(oak, 1, 2, kind="technical.mains_restored")
    await oak.passes(minutes=30)
    assert await shown(oak, every=True) == [("technical.mains_failed", 4)] * 4
    await fails(oak, 3, 4, 5, 6, kind="technical.mains_restored")
    await oak.rows("UPDATE hub SET status = '{\"battery\": 1}' WHERE id LIKE 'oak%%' RETURNING id")
    oak.advance(minutes=1)
    await fails(oak, *range(1, 9))
    await oak.passes(minutes=16)
    assert await shown(oak) == [("area.mains", 4)]
    for _ in range(3):
        await oak.passes(minutes=6)
    assert await shown(oak) == [("area.mains", 4)]
    await fails(oak, *range(1, 5), kind="technical.mains_restored")
    await oak.passes(seconds=10)
    assert await shown(oak) == []


async def test_batteries_near_their_end_make_a_power_cut_welfare(oak: World) -> None:
    """Those homes will not be heard much longer; who stays without mains after it is told of by itself."""
    await oak.rows("UPDATE hub SET status = '{\"battery\": 1}' RETURNING id")
    await fails(oak, *range(1, 9))
    await oak.passes(minutes=16)
    await oak.rows("UPDATE hub SET status = '{\"battery\": 0.2}' WHERE id = 'oak-1' RETURNING id")
    await oak.passes(minutes=6)
    assert await shown(oak) == [("area.mains", 2)]
    await fails(oak, *range(2, 9), kind="technical.mains_restored")
    await oak.passes(minutes=6)
    assert await shown(oak) == [("technical.mains_failed", 4)]


async def test_mains_failures_that_were_raised_before_are_taken_over_and_let_go_of(oak: World) -> None:
    """Three are told singly; word of three more comes late and makes it one; two that stay are two again."""
    await fails(oak, 1, 2, 3)
    await oak.passes(minutes=16)
    assert await shown(oak) == [("technical.mains_failed", 4)] * 3
    await fails(oak, 4, 5, 6, at=NINE + timedelta(minutes=8))
    await oak.passes(minutes=16)
    assert await shown(oak) == [("area.mains", 4)]
    await fails(oak, 3, 4, 5, 6, kind="technical.mains_restored")
    await oak.passes(seconds=1)
    await oak.passes(seconds=1)
    assert await shown(oak) == [("technical.mains_failed", 4)] * 2
    await fails(oak, 1, 2, kind="technical.mains_restored")
    assert await shown(oak) == []


async def test_two_sweeps_at_once_raise_one_area(oak: World) -> None:
    """Whichever comes first."""
    oak.advance(minutes=26)
    await intake(oak)
    await asyncio.gather(*(oak.sweep() for _ in range(3)))
    assert await shown(oak, every=True) == [("area.silent", 4)]
    assert len(await units(oak)) == 20
