"""Silent hubs: found by due rows, raised once, never while we cannot hear (domain/alarms.md §1)."""

from datetime import datetime, timedelta

from alerts import service
from tests.integration.alerts.conftest import NINE, OLGA, World


async def hears(world: World, hub: str = "hub-12") -> None:
    """Intake hears the hub now."""
    await world.rows(
        "UPDATE hub SET first_heard_at = coalesce(first_heard_at, %s), last_heard_at = %s WHERE id = %s"
        " RETURNING id",
        world.now,
        world.now,
        hub,
    )


async def intake(world: World, *, since: datetime = NINE, connected: bool = True) -> None:
    """Our own ears, as intake's row has them now."""
    await world.rows(
        "INSERT INTO intake (id, beat_at, connected_at, caught_up_at) VALUES ('mqtt', %s, %s, %s)"
        " ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at, connected_at = excluded.connected_at,"
        " caught_up_at = excluded.caught_up_at RETURNING id",
        world.now,
        since if connected else None,
        since if connected else None,
    )


async def looks(world: World, **duration: float) -> None:
    """Time passes with intake listening, and supervision looks."""
    world.advance(**duration)
    await intake(world)
    await world.sweep()


async def test_a_silent_hub_is_raised_once_and_over_when_it_is_heard(world: World) -> None:
    """After two and a half intervals, with the true time; heard again, it is stood down."""
    await hears(world)
    await looks(world, minutes=25)
    assert await world.rows("SELECT * FROM alert") == []
    await looks(world, minutes=5)
    (alert,) = await world.rows("SELECT kind, priority, raised_at, hub_id FROM alert")
    assert tuple(alert.values()) == ("hub.silent", 4, NINE + timedelta(minutes=25), "hub-12")
    for _ in range(5):
        await looks(world, minutes=2)
    (alert,) = await world.rows("SELECT press_count, closed_at FROM alert")
    assert tuple(alert.values()) == (1, None)
    world.advance(seconds=30)
    await hears(world)
    heard_at = world.now
    await looks(world, seconds=30)
    (alert,) = await world.rows("SELECT stood_down_at FROM alert")
    assert alert["stood_down_at"] == heard_at


async def test_a_hub_that_keeps_speaking_is_never_called_silent(world: World) -> None:
    """Looked at when its own bound would pass, not at every message."""
    for _ in range(12):
        await hears(world)
        await looks(world, minutes=10)
    assert await world.rows("SELECT * FROM alert") == []


async def test_an_operator_who_closed_it_is_not_told_of_the_same_silence_again(world: World) -> None:
    """The next silence is another."""
    await hears(world)
    await looks(world, minutes=30)
    async with world.pool.connection() as conn:
        await service.close(conn, (await world.duty("north"))["id"], OLGA, "engineer_booked", world.now)
    await looks(world, hours=2)
    assert len(await world.rows("SELECT * FROM alert")) == 1
    await hears(world)
    await looks(world, minutes=1)
    await looks(world, minutes=30)
    assert len(await world.rows("SELECT * FROM alert")) == 2


async def test_our_own_absence_is_no_homes_silence(world: World) -> None:
    """While intake is away nothing is concluded; after it, silence counts from its return."""
    await hears(world)
    world.advance(minutes=10)
    await intake(world, connected=False)
    world.advance(hours=3)
    await world.sweep()
    assert await world.rows("SELECT * FROM alert") == []
    back = world.now
    await intake(world, since=back)
    world.advance(minutes=25)
    await intake(world, since=back)
    await world.sweep()
    assert await world.rows("SELECT * FROM alert") == []
    world.advance(minutes=2)
    await intake(world, since=back)
    await world.sweep()
    (alert,) = await world.rows("SELECT raised_at FROM alert")
    assert alert["raised_at"] == back + timedelta(minutes=25)


async def test_silence_at_a_person_of_high_risk_is_welfare_at_once(world: World) -> None:
    """Priority 2, on the ladder of welfare."""
    await world.rows("UPDATE resident SET high_risk = true WHERE id = 'ada' RETURNING id")
    await hears(world)
    await looks(world, minutes=30)
    duty = await world.duty("north")
    assert (duty["priority"], duty["ladder"]) == (2, "alarm.2")


async def test_a_day_of_silence_becomes_welfare_once(world: World) -> None:
    """An engineer's fault until then, even an acknowledged one; then an operator's, from the first step."""
    await hears(world)
    await looks(world, minutes=30)
    async with world.pool.connection() as conn:
        await service.acknowledge(conn, (await world.duty("north"))["id"], OLGA, world.now)
    await looks(world, hours=24)
    duty = await world.duty("north")
    assert (duty["priority"], duty["ladder"], duty["state"]) == (2, "alarm.2", "open")
    assert (await world.rows("SELECT priority FROM alert"))[0]["priority"] == 2
    await looks(world, minutes=2)
    assert len(await world.rows("SELECT * FROM alert_history WHERE what = 'escalated'")) == 1


async def test_a_hub_that_was_never_heard_is_left_alone(world: World) -> None:
    """It is not in service; `threshold doctor` lists it."""
    await looks(world, days=3)
    assert await world.rows("SELECT * FROM alert") == []
