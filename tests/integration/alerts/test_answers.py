"""What people do with duties, also when they do it at the same moment."""

import asyncio
from datetime import timedelta

import pytest

from alerts import service
from alerts.errors import (
    BadNote,
    DutyClosed,
    EtaOutOfRange,
    HeldByAnother,
    NoSuchDuty,
    NotHeld,
    UnknownOutcome,
)
from alerts.model import Actor, Duty, DutyState
from tests.integration.alerts.conftest import ADA, HUGH, NINE, OLGA, OTTO, World


async def pressed(world: World, device: str = "pendant-1", kind: str = "alarm.pendant") -> int:
    """The number of the centre's duty in a new alarm."""
    await world.hear(world.signal(kind, device=device))
    return int((await world.duty("north"))["id"])


async def test_of_two_who_claim_in_the_same_instant_one_is_told_who_has_it(world: World) -> None:
    """Twenty operators, one holder; the others are refused by name."""
    number = await pressed(world)

    async def claims(name: str) -> str:
        async with world.pool.connection() as conn:
            try:
                await service.claim(conn, number, Actor(name, "north"), world.now)
            except HeldByAnother as refusal:
                return refusal.holder
            return name

    answers = await asyncio.gather(*(claims(f"operator {index}") for index in range(20)))
    assert len(set(answers)) == 1
    assert (await world.duty("north"))["claimed_by"] == answers[0]
    assert len(await world.rows("SELECT * FROM alert_history WHERE what = 'claimed'")) == 1


async def test_operators_who_ask_for_the_next_call_together_get_different_ones(world: World) -> None:
    """Five calls, eight askers: five answers, no call twice."""
    for index in range(5):
        await pressed(world, f"pendant-{index}")

    async def asks(name: str) -> int | None:
        async with world.pool.connection() as conn:
            return await service.claim_next(conn, "north", Actor(name, "north"), world.now)

    answers = await asyncio.gather(*(asks(f"operator {index}") for index in range(8)))
    taken = [answer for answer in answers if answer is not None]
    assert len(taken) == len(set(taken)) == 5


async def test_the_next_call_is_the_most_urgent_and_the_oldest_of_its_class(world: World) -> None:
    """Life safety before welfare, within a class by age; another centre's are not looked at."""
    flood = await pressed(world, kind="alarm.flood")
    world.advance(seconds=1)
    first = await pressed(world, "pendant-1")
    world.advance(seconds=1)
    second = await pressed(world, "pendant-2")
    async with world.pool.connection() as conn:
        order = [await service.claim_next(conn, "north", OLGA, world.now) for _ in range(4)]
        assert order == [first, second, flood, None]
        assert await service.claim_next(conn, "south", OLGA, world.now) is None


async def test_a_claim_is_kept_alive_by_renewing_and_given_back_by_releasing(world: World) -> None:
    """A renewed claim outlasts thirty seconds; a released one is another's to take."""
    number = await pressed(world)
    async with world.pool.connection() as conn:
        await service.claim(conn, number, OLGA, world.now)
        await service.renew_claim(conn, number, OLGA, world.advance(seconds=25))
        with pytest.raises(HeldByAnother):
            await service.claim(conn, number, OTTO, world.advance(seconds=25))
        with pytest.raises(NotHeld):
            await service.release(conn, number, OTTO, world.now)
        await service.release(conn, number, OLGA, world.now)
        await service.claim(conn, number, OTTO, world.now)


async def test_an_answer_with_a_promise_is_written_down_and_re_armed(world: World) -> None:
    """Note and ETA are in the history; ten minutes after it the ladder starts again, and says why."""
    await world.raises(world.visit_alert())
    number = (await world.duty("bright"))["id"]
    eta = NINE + timedelta(minutes=20)
    async with world.pool.connection() as conn:
        after = await service.acknowledge(conn, number, ADA, world.now, note=" Joy goes ", eta=eta)
    assert (after.state, after.next_check_at) == (DutyState.ACKNOWLEDGED, eta + timedelta(minutes=10))
    (line,) = await world.rows("SELECT actor, detail FROM alert_history WHERE what = 'acknowledged'")
    assert line["actor"] == "Ana"
    assert line["detail"] == {"note": "Joy goes", "eta": eta.isoformat(), "organisation": "bright"}
    await world.passes(minutes=29, seconds=59)
    assert (await world.duty("bright"))["state"] == "acknowledged"
    await world.passes(seconds=1)
    assert (await world.duty("bright"))["state"] == "open"
    assert (await world.steps("bright")) == [(0, 1), (30, 1)]
    assert len(await world.rows("SELECT * FROM alert_history WHERE what = 'eta_passed'")) == 1


async def test_an_answer_takes_back_what_nobody_has_read_yet(world: World) -> None:
    """Messages still in the outbox of an answered duty are withdrawn; the other party's go out."""
    await world.raises(world.visit_alert())
    async with world.pool.connection() as conn:
        await service.acknowledge(conn, (await world.duty("elm"))["id"], HUGH, world.now)
    await world.deliver()
    assert world.letters() == ["oncall@bright.example"]


async def test_the_alert_closes_with_its_last_duty(world: World) -> None:
    """One party's closing is its own."""
    await world.raises(world.visit_alert())
    async with world.pool.connection() as conn:
        await service.close(conn, (await world.duty("elm"))["id"], HUGH, "resident_well", world.now)
    assert (await world.rows("SELECT closed_at FROM alert"))[0]["closed_at"] is None
    async with world.pool.connection() as conn:
        await service.close(conn, (await world.duty("bright"))["id"], ADA, "carer_attended", world.now)
    assert (await world.rows("SELECT closed_at FROM alert"))[0]["closed_at"] == NINE


async def test_a_closed_duty_tells_nobody_and_climbs_no_more(world: World) -> None:
    """Neither letter nor step, hours later."""
    number = await pressed(world)
    async with world.pool.connection() as conn:
        await service.close(conn, number, OLGA, "reassurance", world.now, note="all well")
    await world.passes(hours=3)
    assert world.letters() == []
    assert await world.steps("north") == [(0, 1)]


async def test_every_refusal_leaves_the_duty_as_it_was(world: World) -> None:
    """Unknown outcomes and duties, impossible promises and notes: a sentence each, and nothing written."""
    number = await pressed(world)
    before = await world.duty("north")
    async with world.pool.connection() as conn:
        with pytest.raises(UnknownOutcome, match="carer_attended"):
            await service.close(conn, number, OLGA, "carer_attended", world.now)
        with pytest.raises(EtaOutOfRange):
            await service.acknowledge(conn, number, OLGA, world.now, eta=NINE - timedelta(seconds=1))
        with pytest.raises(EtaOutOfRange):
            await service.acknowledge(conn, number, OLGA, world.now, eta=NINE + timedelta(days=7))
        for text in ("", "   ", "x" * 5000, "nul\x00", "half\ud800"):
            with pytest.raises(BadNote):
                await service.add_note(conn, number, OLGA, text, world.now)
        for missing in (number + 1, 0, -1, 2**70):
            with pytest.raises(NoSuchDuty):
                await service.claim(conn, missing, OLGA, world.now)
    assert await world.duty("north") == before


async def test_a_closed_duty_refuses_every_answer_but_a_note(world: World) -> None:
    """It names who closed it; words may still be added."""
    number = await pressed(world)
    async with world.pool.connection() as conn:
        await service.close(conn, number, OLGA, "reassurance", world.now)
        for act in (service.claim, service.acknowledge):
            with pytest.raises(DutyClosed, match="Olga"):
                await act(conn, number, OTTO, world.now)
        with pytest.raises(DutyClosed):
            await service.close(conn, number, OTTO, "nonsense", world.now)
        await service.add_note(conn, number, OTTO, "she rang again, all well", world.now)
    lines = await world.rows("SELECT actor, detail FROM alert_history WHERE what = 'noted'")
    assert lines[0]["detail"]["note"] == "she rang again, all well"


async def test_a_press_and_a_closing_at_the_same_moment_lose_nothing(world: World) -> None:
    """Whichever comes first, the press is in the closed alert's record or is a new alert that stands open."""
    for round_ in range(10):
        number = await pressed(world, f"pendant-{round_}")

        async def closes(duty: int = number) -> Duty:
            async with world.pool.connection() as conn, conn.transaction():
                return await service.close(conn, duty, OLGA, "accidental", world.now)

        press = world.signal("alarm.pendant", device=f"pendant-{round_}")
        await asyncio.gather(closes(), world.hear(press))
        alerts = await world.rows(
            "SELECT id, press_count, closed_at FROM alert WHERE device = %s ORDER BY id", f"pendant-{round_}"
        )
        assert sum(alert["press_count"] for alert in alerts) == 2
        assert alerts[0]["closed_at"] is not None
        for alert in alerts[1:]:
            owed = await world.rows("SELECT state FROM duty WHERE alert_id = %s", alert["id"])
            assert [duty["state"] for duty in owed] == ["open"]
