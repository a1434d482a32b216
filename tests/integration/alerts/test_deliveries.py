"""Messages are handed over at least once, with one key, and only while somebody wants them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from alerts import service
from alerts.channels import Outgoing
from alerts.retry import Delivered, Outcome, Permanent, Retryable
from alerts.worker import LEASE, DeliveryWorker
from tests.integration.alerts.conftest import HUGH, NINE, OLGA, Post, World


@dataclass
class Slow:
    """A channel that hangs until it is told to go on."""

    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    begun: list[Outgoing] = field(default_factory=list)

    async def send(self, message: Outgoing, now: datetime) -> Outcome:
        """Answers once it may."""
        self.begun.append(message)
        await self.go_on.wait()
        return Delivered()


async def until(true: Callable[[], bool]) -> None:
    """Waits for what other tasks bring about."""
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about within ten seconds")


async def states(world: World) -> list[str]:
    """The state of every delivery in order."""
    return [row["state"] for row in await world.rows("SELECT state FROM delivery ORDER BY id")]


async def only_the_landlord(world: World) -> None:
    """Leaves one message in the outbox: that to the duty housing officer."""
    await world.rows("DELETE FROM contact WHERE email <> 'duty@elm.example' RETURNING id")
    await world.raises(world.visit_alert())


async def test_a_refusal_for_now_is_tried_again_after_a_pause(world: World) -> None:
    """Not before, and with the same key."""
    await only_the_landlord(world)
    world.mail.answers = [Retryable("451 busy")]
    await world.deliver()
    assert await world.deliver() == 0
    world.advance(seconds=2)
    assert await world.deliver() == 1
    assert len({letter.key for letter in world.mail.sent}) == 1
    (row,) = await world.rows("SELECT state, attempts, delivered_at, last_error FROM delivery")
    assert (row["state"], row["attempts"], row["last_error"]) == ("delivered", 2, None)


async def test_a_message_that_nobody_takes_is_dead_and_said_to_be(world: World) -> None:
    """The reason stands in the history of its duty."""
    await only_the_landlord(world)
    world.mail.answers = [Permanent("the address was refused (550)")]
    await world.deliver()
    assert await states(world) == ["dead"]
    (line,) = await world.rows("SELECT detail FROM alert_history WHERE what = 'undelivered'")
    assert line["detail"]["reason"] == "the address was refused (550)"
    assert line["detail"]["contact"] == "Duty housing officer"


async def test_a_worker_killed_between_sending_and_recording_sends_again_with_the_same_key(
    world: World,
) -> None:
    """Its lease ends, another takes the message up, and the receiver can tell that it is the same."""
    await only_the_landlord(world)
    slow = Slow()
    killed = DeliveryWorker(world.pool, lambda: world.now, {"email": slow}, "http://console")
    assert await killed.deliver_due() == 1
    await until(lambda: bool(slow.begun))
    for task in killed.under_way:
        task.cancel()  # as a kill does: nothing is recorded
    assert await world.deliver() == 0, "the lease is still another's"
    world.advance(seconds=LEASE.total_seconds())
    assert await world.deliver() == 1
    assert world.mail.sent[0].key == slow.begun[0].key
    assert await states(world) == ["delivered"]


async def test_a_worker_frozen_past_its_lease_is_fenced(world: World) -> None:
    """What it has to say when it wakes no longer counts."""
    await only_the_landlord(world)
    slow = Slow()
    frozen = DeliveryWorker(world.pool, lambda: world.now, {"email": slow}, "http://console")
    await frozen.deliver_due()
    world.advance(seconds=LEASE.total_seconds())
    world.mail.answers = [Permanent("no such user")]
    assert await world.deliver() == 1
    slow.go_on.set()
    await frozen.finish()
    assert await states(world) == ["dead"]


async def test_three_workers_hand_every_message_over_once(world: World) -> None:
    """Sixty alerts, three workers at the same time: no message twice, none left."""
    for index in range(60):
        await world.hear(world.signal("alarm.pendant", device=f"pendant-{index}"))
    world.advance(seconds=60)
    await world.sweep()
    posts = [Post() for _ in range(3)]
    workers = [
        DeliveryWorker(world.pool, lambda: world.now, {"email": post}, "http://console") for post in posts
    ]

    async def drains(worker: DeliveryWorker) -> None:
        while await worker.deliver_due():
            await worker.finish()

    await asyncio.gather(*(drains(worker) for worker in workers))
    keys = [letter.key for post in posts for letter in post.sent]
    assert len(keys) == len(set(keys)) == 60
    assert set(await states(world)) == {"delivered"}


async def test_a_receiver_that_hangs_keeps_nobody_else_waiting(world: World) -> None:
    """Letters go out while the webhook hangs, and a life-safety message to it does not queue behind."""
    await world.raises(world.visit_alert())
    slow = Slow()
    worker = DeliveryWorker(
        world.pool, lambda: world.now, {"webhook": slow, "email": world.mail}, "http://console"
    )
    await worker.deliver_due()
    await until(lambda: len(world.mail.sent) == 2)
    await world.rows(
        "INSERT INTO contact (organisation_id, position, name, email)"
        " VALUES ('elm', 3, 'Night officer', 'night@elm.example') RETURNING id"
    )
    await world.raises(world.visit_alert(visit_ref="v2"))
    await worker.deliver_due()
    await until(lambda: len(world.mail.sent) == 3)
    assert len(slow.begun) == 1, "one at a time to a receiver that has not answered"
    await world.rows("UPDATE delivery SET priority = 1 WHERE state = 'pending' RETURNING id")
    await worker.deliver_due()
    await until(lambda: len(slow.begun) == 2)
    slow.go_on.set()
    await worker.stop()


async def test_life_safety_goes_out_first(world: World) -> None:
    """A storm of technical letters in the outbox does not stand before a call for help."""
    await world.rows(
        "INSERT INTO alert (kind, priority, dedupe_key, raised_at, noticed_at, reason)"
        " VALUES ('technical.fault', 4, 'storm', now(), now(), '') RETURNING id"
    )
    await world.rows(
        "INSERT INTO duty (alert_id, organisation_id, role, priority, raised_at, ladder, step_from)"
        " SELECT id, 'south', 'monitoring_centre', 4, now(), 'technical', now() FROM alert RETURNING id"
    )
    await world.rows(
        "INSERT INTO delivery (alert_id, duty_id, organisation_id, contact_id, channel, purpose, step,"
        " priority, idempotency_key, message, created_at, next_attempt_at)"
        " SELECT duty.alert_id, duty.id, 'south', contact.id, 'email', 'raise', 1,"
        " 4, 'storm' || n, %s, %s, %s"
        " FROM duty, contact, generate_series(1, 500) AS n"
        " WHERE contact.name = 'Housing manager' RETURNING id",
        '{"template": "nonesuch", "fields": {}}',
        NINE,
        NINE,
    )
    await world.hear(world.signal("alarm.pendant"))
    world.advance(seconds=60)
    await world.sweep()
    await world.deliver()
    assert world.mail.sent[0].urgent
    assert [letter.email for letter in world.mail.sent] == ["supervisor@north.example"]


async def test_a_message_that_cannot_be_put_into_words_is_dead_and_stops_nobody(world: World) -> None:
    """A template of another version is a poisoned row, no end of the line."""
    await world.raises(world.visit_alert())
    await world.rows(
        'UPDATE delivery SET message = \'{"template": "nonesuch", "fields": {}}\''
        " WHERE organisation_id = 'elm' RETURNING id"
    )
    await world.deliver()
    assert world.letters() == ["oncall@bright.example"]
    (row,) = await world.rows("SELECT state, last_error FROM delivery WHERE organisation_id = 'elm'")
    assert row["state"] == "dead"
    assert "nonesuch" in row["last_error"]


async def test_an_answer_while_a_message_is_on_its_way_ends_the_tries(world: World) -> None:
    """The attempt failed and the duty was acknowledged meanwhile: withdrawn, not tried again."""
    await only_the_landlord(world)

    class Answering(Post):
        async def send(self, message: Outgoing, now: datetime) -> Outcome:
            duty = await world.duty("elm")
            async with world.pool.connection() as conn:
                await service.acknowledge(conn, duty["id"], HUGH, world.now)
            return Retryable("busy")

    world.mail = Answering()
    await world.deliver()
    assert await states(world) == ["withdrawn"]


@pytest.mark.parametrize(
    ("outcome", "told"), [(Delivered(), 2), (Permanent("refused"), 1), (Retryable("lost", maybe=True), 2)]
)
async def test_a_stand_down_waits_for_the_message_that_it_takes_back(
    world: World, outcome: Outcome, told: int
) -> None:
    """While that is on its way nobody knows whether they were told; then exactly those who were are."""
    await only_the_landlord(world)
    alert = world.visit_alert()
    post = Post()

    class StandingDown(Post):
        async def send(self, message: Outgoing, now: datetime) -> Outcome:
            self.sent.append(message)
            await world.stands_down(alert)
            world.mail = post
            await world.deliver()
            assert post.sent == []
            return outcome

    first = StandingDown()
    world.mail = first
    await world.deliver()
    world.advance(seconds=62)
    await world.deliver()
    assert len({message.key for message in first.sent + post.sent}) == told


async def test_nine_missed_visits_are_one_letter_to_each_contact(world: World) -> None:
    """A car breaks down: nine alerts, a letter that lists them; programs get nine webhooks."""
    for index in range(9):
        await world.raises(world.visit_alert(visit_ref=f"round-{index}"))
    await world.deliver()
    assert len(world.hooks.sent) == 9
    letter = next(letter for letter in world.mail.sent if letter.email == "oncall@bright.example")
    assert letter.subject.startswith("9 messages: ")
    assert all(f"round-{index}" in letter.text for index in range(9))
    assert world.letters() == ["duty@elm.example", "oncall@bright.example"]
    assert set(await states(world)) == {"delivered"}


async def test_a_contact_gets_one_letter_a_minute(world: World) -> None:
    """What comes up meanwhile waits for the next, and is listed in it; a call for help does not wait."""
    await only_the_landlord(world)
    await world.deliver()
    for index in range(3):
        world.advance(seconds=10)
        await world.raises(world.visit_alert(visit_ref=f"round-{index}"))
        await world.deliver()
    assert len(world.mail.sent) == 1
    await world.rows(
        "UPDATE delivery SET priority = 1 WHERE id = (SELECT max(id) FROM delivery) RETURNING id"
    )
    await world.deliver()
    assert len(world.mail.sent) == 2
    world.advance(seconds=30)
    await world.deliver()
    assert [letter.subject[:11] for letter in world.mail.sent[2:]] == ["2 messages:"]


async def test_a_list_that_was_lost_goes_out_again_as_the_same_letter(world: World) -> None:
    """The same messages, the same key, though more has come up since."""
    await only_the_landlord(world)
    await world.raises(world.visit_alert(visit_ref="v2"))
    slow = Slow()
    killed = DeliveryWorker(world.pool, lambda: world.now, {"email": slow}, "http://console")
    await killed.deliver_due()
    await until(lambda: bool(slow.begun))
    for task in killed.under_way:
        task.cancel()
    world.advance(seconds=LEASE.total_seconds())
    await world.raises(world.visit_alert(visit_ref="v3"))
    await world.deliver()
    assert [letter.key for letter in world.mail.sent] == [letter.key for letter in slow.begun]
    assert world.mail.sent[0].subject == slow.begun[0].subject
    await world.passes(minutes=1)
    assert len(world.mail.sent) == 2


async def test_gone_for_good_disables_the_webhook_and_leaves_the_letters(world: World) -> None:
    """After a 410 the contact is told by mail alone; the reason is kept for `threshold doctor`."""
    world.hooks.answers = [Permanent("gone (410)", disable=True)]
    await world.raises(world.visit_alert())
    await world.deliver()
    world.letters()
    world.hooks.sent.clear()
    await world.passes(minutes=15)
    assert world.hooks.sent == []
    assert "oncall@bright.example" in world.letters()
    (contact,) = await world.rows("SELECT disabled_reason FROM contact WHERE disabled_at IS NOT NULL")
    assert contact["disabled_reason"] == "gone (410)"


async def test_a_contact_that_left_the_estate_is_written_to_no_more(world: World) -> None:
    """The message in the outbox is dead with that reason."""
    await only_the_landlord(world)
    await world.rows("DELETE FROM contact RETURNING id")
    await world.deliver()
    (row,) = await world.rows("SELECT state, last_error FROM delivery")
    assert (row["state"], row["last_error"]) == ("dead", "the contact is no longer in the estate")


async def test_a_channel_that_raises_loses_nothing(world: World) -> None:
    """The attempt is forgotten with its lease, and made again."""
    await only_the_landlord(world)

    class Broken(Post):
        async def send(self, message: Outgoing, now: datetime) -> Outcome:
            raise RuntimeError("a mistake of ours")

    healthy, world.mail = world.mail, Broken()
    await world.deliver()
    world.mail = healthy
    world.advance(seconds=LEASE.total_seconds())
    await world.deliver()
    assert world.letters() == ["duty@elm.example"]


async def test_a_press_is_closed_before_its_letter_and_nobody_is_written_to(world: World) -> None:
    """A closed duty tells nobody, even what was in the outbox already."""
    await world.hear(world.signal("alarm.pendant"))
    world.advance(seconds=60)
    await world.sweep()
    async with world.pool.connection() as conn:
        await service.close(conn, (await world.duty("north"))["id"], OLGA, "accidental", world.now)
    assert await world.deliver() == 0
