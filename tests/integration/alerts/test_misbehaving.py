"""Receivers that behave badly, all at once and on real protocols: the others are told, and ladders keep
their time."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from alerts.channels import EmailChannel, WebhookChannel
from alerts.channels.http_gateway import HttpGatewayChannel
from alerts.store import announce_channels
from alerts.worker import DeliveryWorker
from tests.integration.alerts.conftest import World
from tests.support.smtp import Mailbox
from tests.support.webhook import SECRET, Behaviour, WebhookSink

MISBEHAVING = {
    "500": Behaviour(500),
    "429": Behaviour(429, {"Retry-After": "120"}),
    "hangs": Behaviour(hangs=True),
    "reset after it was taken": Behaviour(200, reset=True),
    "redirect": Behaviour(302, {"Location": "http://127.0.0.1:1/"}),
    "410": Behaviour(410),
    "10 MB": Behaviour(200, body_bytes=10_000_000),
}
BODY = '{"to": {{ to | tojson }}, "text": {{ text | tojson }}}'


@pytest.fixture
async def receivers() -> AsyncIterator[dict[str, WebhookSink]]:
    """One receiver for each way of misbehaving, one that is well, and a telephone exchange."""
    made = {name: WebhookSink() for name in (*MISBEHAVING, "well", "telephones")}
    for name, receiver in made.items():
        receiver.behaves = MISBEHAVING.get(name, Behaviour(202))
        await receiver.start()
    yield made
    for receiver in made.values():
        await receiver.stop()


async def test_seven_bad_receivers_hold_up_nobody_and_no_ladder(
    world: World, receivers: dict[str, WebhookSink], mailbox: Mailbox
) -> None:
    """The program that is well, the letter box and the telephones get exactly what they should, when they
    should."""
    await world.rows("DELETE FROM contact WHERE organisation_id <> 'elm' RETURNING id")
    for place, (name, receiver) in enumerate(receivers.items(), 1):
        if name != "telephones":
            await world.rows(
                "INSERT INTO contact (organisation_id, position, name, webhook_url, webhook_secret)"
                " VALUES ('bright', %s, %s, %s, %s) RETURNING id",
                *(place, name, receiver.url, SECRET),
            )
    await world.rows("UPDATE contact SET phone = '+441234500001' WHERE name = 'Housing manager' RETURNING id")
    # Signatures are of this moment, so the story is told in the present; a channel is in service for a day.
    world.now = datetime.now(UTC)
    async with world.pool.connection() as conn:
        await announce_channels(conn, ["sms", "email", "webhook"], world.now)
    worker = DeliveryWorker(
        world.pool,
        lambda: world.now,
        {
            "webhook": WebhookChannel(timeout=3, allow_private=True),
            "email": EmailChannel(mailbox.host, mailbox.port, "t@threshold.example", security="none"),
            "sms": HttpGatewayChannel(receivers["telephones"].url, BODY, "short", timeout=30),
        },
        "http://console",
    )
    began = world.now
    await world.raises(world.visit_alert())
    await worker.deliver_due()
    await worker.finish()
    assert [received.verified() for received in receivers["well"].received] == [
        {
            "type": "duty.raised",
            "timestamp": began.isoformat(),
            "data": {"alert": 1, "duty": (await world.duty("bright"))["id"], "kind": "visit.missed"},
        }
    ]
    assert [letter.recipients for letter in mailbox.letters] == [("duty@elm.example",)]
    assert receivers["telephones"].received == []
    states = {
        row["name"]: row["state"]
        for row in await world.rows(
            "SELECT contact.name, delivery.state FROM delivery JOIN contact ON contact.id = contact_id"
            " WHERE delivery.channel = 'webhook'"
        )
    }
    assert states == {
        **dict.fromkeys(("500", "429", "hangs", "reset after it was taken"), "pending"),
        **dict.fromkeys(("redirect", "410"), "dead"),
        **dict.fromkeys(("10 MB", "well"), "delivered"),
    }
    world.advance(minutes=15, seconds=1)
    await world.sweep()
    await worker.deliver_due()
    await worker.finish()
    (text,) = receivers["telephones"].received
    said = json.loads(text.body)
    assert said["to"] == "+441234500001"
    assert said["text"].startswith("Still unanswered: A care visit at Flat 12, Elm Court was not made")
    steps = await world.rows(
        "SELECT DISTINCT h.at FROM alert_history AS h WHERE h.what = 'step' ORDER BY h.at"
    )
    assert [row["at"] - began for row in steps] == [timedelta(0), timedelta(minutes=15)]
    kinds = [json.loads(received.body)["type"] for received in receivers["well"].received]
    assert kinds == ["duty.raised", "duty.unanswered"]
    (gone,) = await world.rows("SELECT name, disabled_reason FROM contact WHERE disabled_at IS NOT NULL")
    assert gone["name"] == "410"
    assert len(receivers["redirect"].received) == 2, "asked again only by the ladder's next step"
    assert len(receivers["410"].received) == 1, "and this one never again"
    assert len(mailbox.letters) == 2
