"""A missed visit: two duties, two ladders, one centre, and a stand-down for those who were told."""

from datetime import timedelta

from alerts import service
from alerts.model import VisitAlertKind
from alerts.retry import Permanent, Retryable
from tests.integration.alerts.conftest import ADA, HUGH, NINE, A, World


async def test_a_missed_visit_opens_two_duties_and_tells_those_on_call(world: World) -> None:
    """Landlord and provider each get a duty of their own, and their contacts on call a message at once."""
    await world.raises(world.visit_alert())
    duties = await world.rows("SELECT organisation_id, role, state FROM duty ORDER BY role DESC")
    assert [(duty["organisation_id"], duty["role"], duty["state"]) for duty in duties] == [
        ("elm", "landlord", "open"),
        ("bright", "care_provider", "open"),
    ]
    await world.deliver()
    assert world.letters() == ["duty@elm.example", "oncall@bright.example"]
    assert [hook.webhook_url for hook in world.hooks.sent] == ["https://bright.example/hook"]


async def test_the_second_step_tells_every_contact(world: World) -> None:
    """After a, those who are not on call are told too."""
    await world.raises(world.visit_alert())
    await world.deliver()
    world.letters()
    await world.passes(minutes=14, seconds=59)
    assert world.letters() == []
    await world.passes(seconds=1)
    assert world.letters() == ["duty@elm.example", "manager@elm.example", "oncall@bright.example"]


async def test_one_partys_answer_leaves_the_others_ladder_running(world: World) -> None:
    """The landlord answers; the provider is told again, and the centre joins for the provider's ladder."""
    await world.raises(world.visit_alert())
    elm = await world.duty("elm")
    async with world.pool.connection() as conn:
        await service.acknowledge(conn, elm["id"], HUGH, world.now)
    await world.passes(minutes=45)
    assert await world.steps("elm") == [(0, 1)]
    assert await world.steps("bright") == [(0, 1), (15, 2), (30, 3), (45, 3)]
    assert await world.steps("north") == [(30, 1), (45, 2)]


async def test_the_centre_joins_once_whichever_ladder_gets_there_first(world: World) -> None:
    """Both third steps fall due at the same moment, and one welfare call comes of them."""
    await world.raises(world.visit_alert())
    await world.passes(minutes=30)
    await world.passes(minutes=60)
    duties = await world.rows("SELECT raised_at, priority FROM duty WHERE role = 'monitoring_centre'")
    assert [(duty["raised_at"], duty["priority"]) for duty in duties] == [(NINE + 2 * A, 2)]


async def test_a_centre_that_has_closed_its_welfare_call_is_not_called_again(world: World) -> None:
    """Once means once: the parties' ladders go on to their own contacts."""
    await world.raises(world.visit_alert())
    await world.passes(minutes=30)
    north = await world.duty("north")
    async with world.pool.connection() as conn:
        await service.close(conn, north["id"], ADA, "reassurance", world.now)
    for _ in range(4):
        await world.passes(minutes=15)
    assert await world.steps("north") == [(30, 1)]
    assert (await world.steps("elm"))[-1] == (90, 3)


async def test_an_exhausted_ladder_repeats_its_last_step(world: World) -> None:
    """Four hours later it still speaks, every a."""
    await world.raises(world.visit_alert())
    for _ in range(16):
        await world.passes(minutes=15)
    assert (await world.steps("bright"))[-3:] == [(210, 3), (225, 3), (240, 3)]


async def test_a_sweep_that_slept_for_six_hours_writes_true_times_and_sends_one_message_each(
    world: World,
) -> None:
    """History has every rung with its due time; nobody's letter-box is filled."""
    await world.raises(world.visit_alert())
    await world.deliver()
    world.letters()
    await world.passes(hours=6)
    assert await world.steps("elm") == [(0, 1), (15, 2), (30, 3), (45, 3)]
    (last,) = await world.rows(
        "SELECT detail FROM alert_history JOIN duty ON duty.id = duty_id"
        " WHERE organisation_id = 'elm' AND what = 'step' AND detail ? 'times'"
    )
    assert last["detail"]["times"] == 22
    letters = world.letters()
    assert letters == sorted(set(letters))


async def test_late_takes_one_step_and_stays_looked_after(world: World) -> None:
    """The provider alone, once; the open duty keeps a next check."""
    await world.raises(world.visit_alert(VisitAlertKind.LATE))
    await world.passes(hours=5)
    assert await world.steps("bright") == [(0, 1)]
    duties = await world.rows("SELECT next_check_at FROM duty")
    assert len(duties) == 1
    assert duties[0]["next_check_at"] > world.now


async def test_without_contacts_the_centre_is_called_at_once(world: World) -> None:
    """Steps that reach nobody are not waited out."""
    await world.rows("DELETE FROM contact WHERE organisation_id <> 'north' RETURNING id")
    await world.raises(world.visit_alert())
    assert await world.steps("elm") == [(0, 3)]
    assert await world.steps("north") == [(0, 1)]


async def test_without_a_landlord_and_a_centre_the_provider_is_still_told(world: World) -> None:
    """What is missing is written down where people see it."""
    await world.raises(world.visit_alert(landlord_id=None, monitoring_centre_id=None))
    await world.passes(minutes=30)
    assert [row["organisation_id"] for row in await world.rows("SELECT organisation_id FROM duty")] == [
        "bright"
    ]
    assert await world.steps("bright") == [(0, 1), (15, 2), (30, 3)]
    (raised,) = await world.rows("SELECT detail FROM alert_history WHERE what = 'raised'")
    assert len(raised["detail"]["missing"]) == 2


async def test_the_same_alert_is_raised_once_open_or_closed(world: World) -> None:
    """Care may say it again at every look; another moment of raising is another alert."""
    alert = world.visit_alert()
    assert await world.raises(alert) is not None
    assert await world.raises(alert) is None
    await world.stands_down(alert)
    assert await world.raises(alert) is None
    assert await world.raises(world.visit_alert(raised_at=NINE + timedelta(hours=1))) is not None


async def test_an_alert_that_is_raised_late_takes_its_steps_with_their_true_times(world: World) -> None:
    """A visit that was found missed an hour too late is an hour up its ladder at once."""
    world.advance(hours=1)
    await world.raises(world.visit_alert(raised_at=NINE, raised_late=True))
    assert await world.steps("bright") == [(0, 1), (15, 2), (30, 3), (45, 3)]
    assert await world.steps("north") == [(30, 1), (45, 2), (60, 2)]


async def test_standing_down_tells_exactly_those_who_were_told(world: World) -> None:
    """Those on call were told, the manager was not; both times and the cause are in the letter."""
    alert = world.visit_alert()
    await world.raises(alert)
    await world.deliver()
    world.letters()
    world.hooks.sent.clear()
    world.advance(minutes=10)
    await world.stands_down(alert)
    await world.passes(hours=1)
    to_the_provider = next(letter for letter in world.mail.sent if letter.email == "oncall@bright.example")
    assert "the carer came at 08:05" in to_the_provider.text
    assert "09:10" in to_the_provider.text
    assert world.letters() == ["duty@elm.example", "oncall@bright.example"]
    assert [hook.payload["type"] for hook in world.hooks.sent] == ["alert.stood_down"]
    (row,) = await world.rows("SELECT stood_down_at, closed_at, stand_down_cause FROM alert")
    assert row["stood_down_at"] == row["closed_at"] == NINE + timedelta(minutes=10)
    assert {duty["state"] for duty in await world.rows("SELECT state FROM duty")} == {"closed"}


async def test_standing_down_twice_is_once(world: World) -> None:
    """Nobody is told twice that it is over."""
    alert = world.visit_alert()
    await world.raises(alert)
    await world.deliver()
    await world.stands_down(alert)
    await world.deliver()
    world.letters()
    await world.stands_down(alert, "something else")
    assert await world.deliver() == 0


async def test_what_was_not_sent_yet_is_withdrawn_and_nobody_hears_of_either(world: World) -> None:
    """A stand-down before the first hand-over: silence."""
    alert = world.visit_alert()
    await world.raises(alert)
    await world.stands_down(alert)
    assert await world.deliver() == 0
    states = await world.rows("SELECT DISTINCT state FROM delivery")
    assert [row["state"] for row in states] == ["withdrawn"]


async def test_those_who_could_not_be_told_are_not_told_that_it_is_over(world: World) -> None:
    """A refused address hears nothing; a message whose answer was lost counts as told."""
    await world.rows("DELETE FROM contact WHERE webhook_url IS NOT NULL RETURNING id")
    await world.rows(
        "INSERT INTO contact (organisation_id, position, name, email) VALUES"
        " ('bright', 2, 'Deputy', 'deputy@bright.example') RETURNING id"
    )
    world.mail.answers = [Permanent("no such user"), Retryable("the answer was lost", maybe=True)]
    alert = world.visit_alert()
    await world.raises(alert)
    await world.deliver()
    refused, lost = [letter.email for letter in world.mail.sent]
    world.letters()
    await world.stands_down(alert)
    await world.passes(minutes=1)
    assert world.letters() == [lost]
    assert refused != lost


async def test_an_organisation_that_closed_its_duty_still_hears_that_what_it_was_told_is_no_longer_so(
    world: World,
) -> None:
    """Exactly those who were told, whatever they have answered since."""
    alert = world.visit_alert()
    await world.raises(alert)
    await world.deliver()
    world.letters()
    elm = await world.duty("elm")
    async with world.pool.connection() as conn:
        await service.close(conn, elm["id"], HUGH, "resident_well", world.now)
    world.advance(minutes=1)
    await world.stands_down(alert)
    await world.deliver()
    assert world.letters() == ["duty@elm.example", "oncall@bright.example"]
    assert (await world.duty("elm"))["outcome"] == "resident_well"


async def test_what_was_never_raised_stands_down_quietly(world: World) -> None:
    """Care may take back what it never asked for."""
    await world.stands_down(world.visit_alert())
    assert await world.rows("SELECT * FROM alert") == []


async def test_the_feed_tells_each_organisation_its_own_duty_and_of_the_other_only_that_it_moved(
    world: World,
) -> None:
    """Thin rows: the other party's answer arrives as a change of the alert, without what was said."""
    await world.raises(world.visit_alert())
    bright = await world.duty("bright")
    async with world.pool.connection() as conn:
        await service.acknowledge(conn, bright["id"], ADA, world.now, note="Joy is stuck in snow")
    rows = await world.rows("SELECT topic, organisations, payload FROM feed ORDER BY id")
    assert [row["topic"] for row in rows if "elm" in row["organisations"]] == ["alert", "duty", "alert"]
    assert rows[-1]["organisations"] == ["elm"]
    assert rows[-1]["payload"]["change"] == "party"
    assert "snow" not in str([row["payload"] for row in rows])
