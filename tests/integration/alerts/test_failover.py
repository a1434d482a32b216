"""A message goes from one channel of its contact to the next, and round again where a life hangs on it."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from alerts import dead_letters
from alerts.retry import Delivered, Permanent, Retryable, Sent, Undelivered
from alerts.worker import deliver_due
from tests.integration.alerts.conftest import Post, World


@dataclass
class Provider(Post):
    """A provider of telephones, which can be asked what became of a message."""

    word: Delivered | Undelivered | None = None
    asked: list[str] = field(default_factory=list)

    async def look(self, ref: str) -> Delivered | Undelivered | None:
        """Its last word."""
        self.asked.append(ref)
        return self.word


@dataclass
class Phones:
    """A world in which one contact has telephone and letter box, tried in this order."""

    world: World
    sms: Provider = field(default_factory=Provider)
    voice: Provider = field(default_factory=Provider)

    async def deliver(self, **later: float) -> None:
        """Lets time pass, and sends what is due."""
        self.world.advance(**later)
        channels = {"sms": self.sms, "voice": self.voice, "email": self.world.mail}
        await deliver_due(self.world.pool, lambda: self.world.now, channels)

    async def message(self) -> dict[str, Any]:
        """The one message of this world."""
        (row,) = await self.world.rows("SELECT * FROM delivery WHERE purpose <> 'stand_down'")
        return row

    async def told(self) -> list[str]:
        """What the history says happened to it."""
        rows = await self.world.rows(
            "SELECT what FROM alert_history WHERE what IN ('sent', 'delivered', 'undelivered', 'failed_over',"
            " 'replayed') ORDER BY id"
        )
        return [row["what"] for row in rows]


@pytest.fixture(params=[1, 2], ids=["life safety", "welfare"])
async def phones(world: World, request: pytest.FixtureRequest) -> Phones:
    """One missed visit, one contact: text, then call, then letter."""
    await world.rows("DELETE FROM contact WHERE email <> 'duty@elm.example' RETURNING id")
    await world.raises(world.visit_alert())
    await world.rows(
        "UPDATE delivery SET channel = 'sms', failover = '{voice,email}', priority = %s RETURNING id",
        request.param,
    )
    return Phones(world)


async def test_each_channel_that_refuses_gives_way(phones: Phones) -> None:
    """In the contact's order, at once, under one key."""
    phones.sms.answers = [Permanent("no such number")]
    phones.voice.answers = [Permanent("no such number")]
    await phones.deliver()
    await phones.deliver()
    await phones.deliver()
    row = await phones.message()
    assert (row["state"], row["channel"], row["failover"], row["passed"]) == (
        "delivered",
        "email",
        [],
        ["sms", "voice"],
    )
    keys = {message.key for post in (phones.sms, phones.voice, phones.world.mail) for message in post.sent}
    assert len(keys) == 1
    assert await phones.told() == ["failed_over", "failed_over", "delivered"]


async def test_what_a_provider_took_is_delivered_when_it_says_so(phones: Phones) -> None:
    """Until then it is sent; it is asked every quarter of a minute."""
    phones.sms.answers = [Sent("SM1")]
    await phones.deliver()
    assert (await phones.message())["state"] == "sent"
    await phones.deliver(seconds=5)
    assert phones.sms.asked == []
    phones.sms.word = Delivered()
    await phones.deliver(seconds=15)
    assert phones.sms.asked == ["SM1"]
    assert (await phones.message())["state"] == "delivered"
    assert await phones.told() == ["sent", "delivered"]
    assert len(phones.sms.sent) == 1


async def test_what_did_not_arrive_is_called_out(phones: Phones) -> None:
    """The telephone rings as soon as the provider says that the text came to nobody."""
    phones.sms.answers, phones.sms.word = [Sent("SM1")], Undelivered("absent")
    await phones.deliver()
    await phones.deliver(seconds=15)
    assert len(phones.voice.sent) == 1
    assert await phones.told() == ["sent", "failed_over", "delivered"]


async def test_for_want_of_a_word_the_next_channel_is_tried(phones: Phones) -> None:
    """Within a minute for life safety, ten for the rest; the stand-down goes to whoever may have been
    told."""
    phones.sms.answers = [Sent("SM1")]
    await phones.deliver()
    for _ in range(5):
        await phones.deliver(seconds=15)
    life_safety = (await phones.message())["priority"] == 1
    assert len(phones.voice.sent) == (1 if life_safety else 0)
    for _ in range(40):
        await phones.deliver(seconds=15)
    assert len(phones.voice.sent) == 1
    row = await phones.message()
    assert (row["state"], row["maybe_told"]) == ("delivered", True)


async def test_a_stand_down_follows_a_message_that_is_only_sent(phones: Phones) -> None:
    """They may hold it in their hands."""
    phones.sms.answers = [Sent("SM1")]
    await phones.deliver()
    alert = phones.world.visit_alert()
    await phones.world.stands_down(alert)
    await phones.deliver(minutes=1)
    assert [message.key for message in phones.sms.sent][1:] != []


async def test_life_safety_goes_round_and_the_rest_ends_dead(phones: Phones) -> None:
    """Hours of refusals: still tried on every channel, or dead, said to be, and sent again by hand."""
    for post in (phones.sms, phones.voice, phones.world.mail):
        post.answers = [Retryable("busy")] * 500
    for _ in range(200):
        await phones.deliver(seconds=45)
    row = await phones.message()
    if row["priority"] == 1:
        assert row["state"] == "pending"
        assert min(len(post.sent) for post in (phones.sms, phones.voice, phones.world.mail)) > 10
        return
    assert (row["state"], row["channel"]) == ("dead", "email")
    for post in (phones.sms, phones.voice, phones.world.mail):
        post.answers, post.sent = [], []
    async with phones.world.pool.connection() as conn:
        (dead,) = await dead_letters.list_dead(conn, 10)
        again = await dead_letters.replay(conn, dead["id"], "Kim", phones.world.now)
        assert again is not None
        assert again.sent_again
        refused = await dead_letters.replay(conn, dead["id"], "Kim", phones.world.now)
        assert refused is not None
        assert not refused.sent_again
    await phones.deliver()
    assert (await phones.message())["state"] == "delivered"
    assert len(phones.sms.sent) == 1, "from the first channel on"
    assert (await phones.told())[-2:] == ["replayed", "delivered"]


async def test_texts_and_calls_are_grouped_as_letters_are(world: World) -> None:
    """Nine missed visits are one text that lists them, and a minute lies between two; a press does not
    wait."""
    await world.rows("DELETE FROM contact WHERE email <> 'duty@elm.example' RETURNING id")
    await world.rows("UPDATE contact SET phone = '+441234500001', language = 'cy' RETURNING id")
    for index in range(9):
        await world.raises(world.visit_alert(visit_ref=f"round-{index}"))
    await world.rows("UPDATE delivery SET channel = 'sms', failover = '{}' RETURNING id")
    phones = Phones(world)
    await phones.deliver()
    (text,) = phones.sms.sent
    assert text.phone == "+441234500001"
    assert text.short.startswith("9 neges: ")
    await world.raises(world.visit_alert(visit_ref="later"))
    await world.raises(world.visit_alert(visit_ref="urgent"))
    await world.rows("UPDATE delivery SET channel = 'sms' WHERE state = 'pending' RETURNING id")
    await world.rows(
        "UPDATE delivery SET priority = 1 WHERE id = (SELECT max(id) FROM delivery) RETURNING id"
    )
    await phones.deliver(seconds=10)
    assert [message.urgent for message in phones.sms.sent] == [False, True]
    await phones.deliver(seconds=60)
    assert len(phones.sms.sent) == 3
