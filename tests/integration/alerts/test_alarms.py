"""From a press to an operator: one press, one alert, and every press kept."""

from datetime import timedelta

import pytest

from alerts import service
from tests.integration.alerts.conftest import NINE, OLGA, World


async def alerts(world: World) -> list[tuple[str, int, int]]:
    """(kind, priority, presses) of every alert in order."""
    rows = await world.rows("SELECT kind, priority, press_count FROM alert ORDER BY id")
    return [(row["kind"], row["priority"], row["press_count"]) for row in rows]


async def test_a_press_is_one_duty_of_the_residents_centre(world: World) -> None:
    """Raised at its receipt, in the queue at once, with the resident and the home on it."""
    await world.hear(world.signal("alarm.pendant", data={"location": "bathroom"}))
    assert await alerts(world) == [("alarm.pendant", 1, 1)]
    (alert,) = await world.rows("SELECT * FROM alert")
    assert (alert["resident_id"], alert["dwelling_id"], alert["raised_at"]) == ("ada", "elm-12", NINE)
    assert alert["data"] == {"location": "bathroom"}
    duties = await world.rows("SELECT organisation_id, role, state FROM duty")
    assert [tuple(duty.values()) for duty in duties] == [("north", "monitoring_centre", "open")]


async def test_repeats_fold_and_every_press_is_kept(world: World) -> None:
    """Ten presses, in one batch and in others, are one alert with ten pieces of evidence."""
    await world.hear(*(world.signal("alarm.pendant") for _ in range(4)))
    for _ in range(6):
        world.advance(seconds=5)
        await world.hear(world.signal("alarm.pendant"))
    assert await alerts(world) == [("alarm.pendant", 1, 10)]
    assert len(await world.rows("SELECT * FROM alert_event")) == 10
    assert len(await world.rows("SELECT * FROM duty")) == 1


async def test_kinds_and_devices_are_never_merged(world: World) -> None:
    """A fall is not a press, and another pendant is another person's."""
    await world.hear(
        world.signal("alarm.pendant"),
        world.signal("alarm.fall"),
        world.signal("alarm.pendant", device="pendant-2"),
        world.signal("alarm.pendant", device=None),
    )
    assert len(await alerts(world)) == 4


async def test_a_press_after_closing_is_a_new_alert(world: World) -> None:
    """What was closed stays closed, and the new call waits for its own answer."""
    await world.hear(world.signal("alarm.pendant"))
    duty = await world.duty("north")
    async with world.pool.connection() as conn:
        await service.close(conn, duty["id"], OLGA, "accidental", world.now)
    await world.hear(world.signal("alarm.pendant"))
    assert await alerts(world) == [("alarm.pendant", 1, 1), ("alarm.pendant", 1, 1)]
    assert (await world.duty("north"))["state"] == "open"


async def test_an_unclaimed_press_climbs_after_a_minute_and_after_three(world: World) -> None:
    """The queue, every operator and the supervisor, the fallback, and again every minute."""
    await world.hear(world.signal("alarm.pendant"))
    await world.deliver()
    assert world.letters() == []
    await world.passes(seconds=59)
    assert world.letters() == []
    await world.passes(seconds=1)
    assert world.letters() == ["supervisor@north.example"]
    for _ in range(4):
        await world.passes(minutes=1)
    assert await world.steps("north") == [(0, 1), (1, 2), (3, 3), (4, 3), (5, 3)]


async def test_a_claim_stops_the_climb_and_its_end_puts_the_press_back_in_its_old_place(world: World) -> None:
    """A console that goes away for thirty seconds gives the call back; nothing raised since overtakes it."""
    await world.hear(world.signal("alarm.pendant"))
    duty = await world.duty("north")
    async with world.pool.connection() as conn:
        await service.claim(conn, duty["id"], OLGA, world.now)
    await world.passes(seconds=20)
    await world.hear(world.signal("alarm.pendant", device="pendant-2"))
    assert (await world.steps("north")) == [(0, 1), (pytest.approx(1 / 3), 1)]
    await world.passes(seconds=10)
    async with world.pool.connection() as conn:
        assert await service.claim_next(conn, "north", OLGA, world.now) == duty["id"]
    (line,) = await world.rows("SELECT at, detail FROM alert_history WHERE what = 'released'")
    assert (line["at"], line["detail"]["from"]) == (NINE + timedelta(seconds=30), "Olga")


@pytest.mark.parametrize("cancel_first", [True, False])
async def test_a_cancel_annotates_in_either_order_and_closes_nothing(
    world: World, cancel_first: bool
) -> None:
    """The press stays open; the cancel is written beside it, once."""
    press = world.signal("alarm.pendant")
    cancel = world.signal("alarm.cancelled", effective_at=NINE + timedelta(seconds=5))
    world.advance(seconds=10)
    for signal in (cancel, press) if cancel_first else (press, cancel):
        await world.hear(signal)
    assert await alerts(world) == [("alarm.pendant", 1, 1)]
    lines = await world.rows("SELECT what FROM alert_history WHERE what = 'cancelled_at_unit'")
    assert len(lines) == 1
    assert (await world.duty("north"))["state"] == "open"
    types = await world.rows("SELECT type FROM alert_event ORDER BY type")
    assert [row["type"] for row in types] == ["alarm.cancelled", "alarm.pendant"]


async def test_a_cancel_and_its_press_in_one_batch_annotate_once(world: World) -> None:
    """Their order in the batch does not matter either."""
    cancel = world.signal("alarm.cancelled")
    await world.hear(cancel, world.signal("alarm.pendant"))
    assert len(await world.rows("SELECT * FROM alert_event")) == 2
    assert len(await world.rows("SELECT * FROM alert_history WHERE what = 'cancelled_at_unit'")) == 1


async def test_a_cancel_of_yesterday_says_nothing_of_todays_press(world: World) -> None:
    """Made before the press, or at another device, it is not about it."""
    await world.hear(world.signal("alarm.pendant"))
    await world.hear(
        world.signal("alarm.cancelled", effective_at=NINE - timedelta(hours=1)),
        world.signal("alarm.cancelled", device="pendant-2"),
        world.signal("alarm.cancelled", hub_id="hub-14"),
    )
    assert await world.rows("SELECT * FROM alert_history WHERE what = 'cancelled_at_unit'") == []


async def test_an_unknown_alarm_reaches_an_operator(world: World) -> None:
    """A type that nobody has thought of yet is a matter of life."""
    await world.hear(world.signal("alarm.earthquake"))
    assert await alerts(world) == [("alarm.earthquake", 1, 1)]


async def test_the_alarm_of_an_unknown_hub_reaches_every_centre(world: World) -> None:
    """Nobody knows yet whose home it is."""
    await world.hear(world.signal("alarm.pendant", hub_id="stranger", known_hub=False))
    owed = await world.rows("SELECT organisation_id FROM duty ORDER BY organisation_id")
    assert [duty["organisation_id"] for duty in owed] == ["north", "south"]


async def test_what_cannot_be_read_but_looks_like_an_alarm_reaches_an_operator(world: World) -> None:
    """At the hub's own centre when the hub is known, at every centre when not; repeats fold."""
    async with world.pool.connection() as conn:
        for number in (1, 2):
            await service.handle_unreadable(
                conn, number, "hub-12", "threshold/v1/hub-12/events", "invalid JSON", NINE, NINE
            )
        await service.handle_unreadable(conn, 3, None, "threshold/v1/what/events", "invalid JSON", NINE, NINE)
    assert await alerts(world) == [("alarm.unreadable", 1, 2), ("alarm.unreadable", 1, 1)]
    owed = await world.rows("SELECT organisation_id FROM duty ORDER BY id")
    assert [duty["organisation_id"] for duty in owed] == ["north", "north", "south"]


async def test_with_no_centre_at_all_the_alert_still_stands(world: World) -> None:
    """Nobody can be told, which is written down; the press is not lost."""
    await world.rows("UPDATE resident SET monitoring_centre_id = NULL RETURNING id")
    await world.rows("DELETE FROM organisation WHERE kind = 'monitoring_centre' RETURNING id")
    await world.hear(world.signal("alarm.pendant"))
    assert await alerts(world) == [("alarm.pendant", 1, 1)]
    (line,) = await world.rows("SELECT detail FROM alert_history WHERE what = 'raised'")
    assert line["detail"]["missing"] == ["no monitoring centre exists: nobody can be told"]


async def test_what_is_for_the_record_touches_nothing(world: World) -> None:
    """Test calls, ordinary doors and residents' words write no row of ours."""
    await world.hear(
        world.signal("test.call"),
        world.signal("door.opened"),
        world.signal("door.call"),
        world.signal("resident.away"),
        world.signal("command.done"),
    )
    for table in ("alert", "fault", "feed", "alert_history"):
        assert await world.rows(f"SELECT * FROM {table}") == []


async def test_a_caller_with_a_strangers_credential_is_the_operators(world: World) -> None:
    """A carer's own credential at the panel is expected company; one that nobody holds is not."""
    await world.hear(
        world.signal("door.call", device=None, data={"panel": "p1", "credential": "fob:04A1B2"}),
        world.signal("door.call", device=None, data={"panel": "p1", "credential": "fob:STRANGER"}),
    )
    assert await alerts(world) == [("door.call", 3, 1)]


async def test_a_schemes_door_becomes_the_landlords_once_the_call_is_closed(world: World) -> None:
    """As a fault of its own, so that the next call at that door is the operator's again."""
    forced = {"hub_id": "hub-door", "device": None, "data": {"panel": "front"}}
    await world.hear(world.signal("door.forced", **forced))
    duty = await world.duty("north")
    async with world.pool.connection() as conn:
        await service.close(conn, duty["id"], OLGA, "police", world.now)
    assert await alerts(world) == [("door.forced", 3, 1), ("technical.door", 4, 1)]
    assert (await world.duty("elm"))["role"] == "landlord"
    await world.deliver()
    assert world.letters() == ["duty@elm.example"]
    await world.hear(world.signal("door.forced", **forced))
    assert (await world.duty("north"))["state"] == "open"


async def test_the_unit_is_told_that_help_is_coming_but_not_where_somebody_may_listen(world: World) -> None:
    """A command goes down for a pendant, none for a panic alarm."""
    for kind in ("alarm.pendant", "alarm.panic"):
        await world.hear(world.signal(kind))
        duty = await world.duty("north")
        async with world.pool.connection() as conn:
            await service.acknowledge(conn, duty["id"], OLGA, world.now)
            await service.acknowledge(conn, duty["id"], OLGA, world.now)
    commands = await world.rows("SELECT hub_id, type, data FROM command")
    assert [(row["hub_id"], row["type"]) for row in commands] == [("hub-12", "alarm.acknowledged")]


async def test_a_couples_alarm_names_neither(world: World) -> None:
    """Two people live there, and the unit does not say which of them called."""
    await world.rows(
        "INSERT INTO resident (id, dwelling_id, name, monitoring_centre_id)"
        " VALUES ('bea', 'elm-12', 'Bea Byrne', 'south') RETURNING id"
    )
    await world.hear(world.signal("alarm.pendant"))
    (alert,) = await world.rows("SELECT resident_id FROM alert")
    assert alert["resident_id"] is None
    assert len(await world.rows("SELECT * FROM duty")) == 2
