"""The sweep: several at once, after kills, and past rows that cannot be decided."""

import asyncio
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from alerts.sweep import POISON_PAUSE, sweep_due
from tests.integration.alerts.conftest import NINE, World


async def test_three_sweeps_at_once_take_each_step_once(world: World) -> None:
    """Sixty duties fall due together; every step is written once, every message stands once in the outbox."""
    for index in range(30):
        await world.raises(world.visit_alert(visit_ref=f"v{index}"))
    world.advance(minutes=30)

    async def drains() -> None:
        while await sweep_due(world.pool, world.now):
            pass

    await asyncio.gather(drains(), drains(), drains())
    steps = await world.rows(
        "SELECT duty_id, detail ->> 'step' AS step, count(*) AS times FROM alert_history"
        " WHERE what = 'step' GROUP BY 1, 2"
    )
    assert {row["times"] for row in steps} == {1}
    assert len(steps) == 60 * 3 + 30
    centres = await world.rows("SELECT count(*) AS duties FROM duty WHERE role = 'monitoring_centre'")
    assert centres[0]["duties"] == 30


async def test_a_sweep_that_dies_leaves_nothing_half_done(world: World) -> None:
    """What was not committed is found again, with the same due time."""
    await world.raises(world.visit_alert())
    world.advance(minutes=15)
    async with world.pool.connection() as conn:
        await conn.execute(
            "CREATE FUNCTION dies() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;"
            "CREATE TRIGGER dies BEFORE INSERT ON delivery FOR EACH STATEMENT EXECUTE FUNCTION dies()"
        )
    with pytest.raises(Exception, match="terminat"):
        await sweep_due(world.pool, world.now)
    assert await world.steps("elm") == [(0, 1)]
    async with world.pool.connection() as conn:
        await conn.execute("DROP TRIGGER dies ON delivery")
    world.advance(minutes=1)
    await world.sweep()
    assert await world.steps("elm") == [(0, 1), (15, 2)]


async def test_one_poisoned_duty_does_not_stop_the_line(world: World) -> None:
    """It is pushed forward and counted; its neighbours take their steps."""
    await world.raises(world.visit_alert())
    await world.raises(world.visit_alert(visit_ref="v2"))
    poisoned = (await world.duty("elm"))["id"]
    await world.rows("UPDATE duty SET ladder = 'no such ladder' WHERE id = %s RETURNING id", poisoned)
    before = REGISTRY.get_sample_value("threshold_sweep_poisoned_rows_total", {"sweep": "duties"}) or 0
    world.advance(minutes=15)
    await world.sweep()
    after = REGISTRY.get_sample_value("threshold_sweep_poisoned_rows_total", {"sweep": "duties"})
    assert after == before + 1
    rows = await world.rows("SELECT id, step, next_check_at FROM duty ORDER BY id")
    assert [row["step"] for row in rows if row["id"] != poisoned] == [2, 2, 2]
    assert next(row["next_check_at"] for row in rows if row["id"] == poisoned) == world.now + POISON_PAUSE


async def test_every_open_duty_has_a_future_check_after_a_sweep(world: World) -> None:
    """Whatever was raised, answered or let lie."""
    await world.raises(world.visit_alert())
    await world.hear(world.signal("alarm.pendant"), world.signal("alarm.flood"), world.signal("door.held"))
    for _ in range(6):
        await world.passes(minutes=7)
        unwatched = await world.rows(
            "SELECT * FROM duty WHERE state = 'open' AND (next_check_at IS NULL OR next_check_at <= %s)",
            world.now,
        )
        assert unwatched == []


async def test_the_centre_is_called_once_by_sweeps_that_meet_in_the_same_alerts(world: World) -> None:
    """Each party's third step in a sweep of its own, at the same moment, over many alerts: no deadlock."""
    for index in range(40):
        await world.raises(world.visit_alert(visit_ref=f"v{index}"))
    world.advance(minutes=30)
    await asyncio.gather(*(sweep_due(world.pool, world.now) for _ in range(4)))
    await world.sweep()
    (row,) = await world.rows("SELECT count(*) AS duties FROM duty WHERE role = 'monitoring_centre'")
    assert row["duties"] == 40


async def test_a_fault_is_told_after_a_quarter_of_an_hour_and_closed_by_its_end(world: World) -> None:
    """The centre's technical list, with the true time; the restoring event stands it down."""
    await world.hear(world.signal("technical.link_failed", device=None))
    await world.passes(minutes=14)
    assert await world.rows("SELECT * FROM alert") == []
    await world.passes(minutes=3)
    (alert,) = await world.rows("SELECT kind, priority, raised_at FROM alert")
    assert tuple(alert.values()) == ("technical.link_failed", 4, NINE + timedelta(minutes=15))
    await world.hear(world.signal("technical.link_failed", device=None))
    assert (await world.rows("SELECT press_count FROM alert"))[0]["press_count"] == 2
    await world.hear(world.signal("technical.link_restored", device=None))
    (alert,) = await world.rows("SELECT stood_down_at, stand_down_cause FROM alert")
    assert alert["stood_down_at"] == world.now
    assert alert["stand_down_cause"] == "the unit reported that it is over (technical.link_restored)"
    assert (await world.duty("north"))["outcome"] == "stood_down"


@pytest.mark.parametrize("batches", [1, 2])
@pytest.mark.parametrize("restored_first", [True, False])
async def test_a_fault_that_is_over_in_time_is_nobodys_business(
    world: World, batches: int, restored_first: bool
) -> None:
    """In one batch or in two, and in either order."""
    failing = world.signal("technical.mains_failed", device=None)
    world.advance(minutes=1)
    restored = world.signal("technical.mains_restored", device=None)
    signals = [restored, failing] if restored_first else [failing, restored]
    if batches == 1:
        await world.hear(*signals)
    else:
        for signal in signals:
            await world.hear(signal)
    await world.passes(hours=48)
    assert await world.rows("SELECT * FROM alert") == []


async def test_a_fault_that_comes_back_is_told_again(world: World) -> None:
    """After its end a new failure has a quarter of an hour of its own."""
    await world.hear(world.signal("technical.battery_low"))
    await world.passes(minutes=15)
    await world.hear(world.signal("technical.battery_ok"))
    await world.passes(minutes=1)
    await world.hear(world.signal("technical.battery_low"))
    await world.passes(minutes=15)
    assert len(await world.rows("SELECT * FROM alert")) == 2


async def test_the_battery_of_a_unit_without_mains_is_counted_down(world: World) -> None:
    """Nobody is told while the unit says that it has enough."""
    await world.rows("UPDATE hub SET status = '{\"battery\": 0.9}' WHERE id = 'hub-12' RETURNING id")
    await world.hear(world.signal("technical.mains_failed", device=None))
    await world.passes(hours=2)
    assert await world.rows("SELECT * FROM alert") == []
    await world.rows("UPDATE hub SET status = '{\"battery\": 0.2}' WHERE id = 'hub-12' RETURNING id")
    await world.passes(minutes=5)
    (alert,) = await world.rows("SELECT reason FROM alert")
    assert alert["reason"] == "The mains supply failed, the unit's battery is down to 20%"


async def test_a_press_on_a_home_with_an_open_fault_is_its_own_alert(world: World) -> None:
    """A technical alert swallows no call for help."""
    await world.hear(world.signal("technical.fault"))
    await world.passes(minutes=15)
    await world.hear(world.signal("alarm.pendant"))
    kinds = await world.rows("SELECT kind FROM alert ORDER BY id")
    assert [row["kind"] for row in kinds] == ["technical.fault", "alarm.pendant"]
