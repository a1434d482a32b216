"""Providers report what became of messages: signed, and of messages that they were given."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

import httpx
import pytest
from standardwebhooks import Webhook

from alerts.channels.reports import GatewayReports, TwilioReports
from alerts.channels.twilio import signature
from tests.integration.api.conftest import House

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OURS = "https://care.example/api/v1/receipts/twilio"
TOKEN = "12345"


@pytest.fixture
async def nobody(house: House) -> httpx.AsyncClient:
    """A provider: it has no token of ours. Its message 1 is a text, 2 a call, both taken and not
    confirmed."""
    house.app.state.reporters = {
        "twilio": TwilioReports(TOKEN, OURS),
        "sms": GatewayReports(SECRET, ("sms",)),
    }
    async with house.pool.connection() as conn:
        await conn.execute("UPDATE duty SET state = 'open'")
        await conn.execute(
            "UPDATE delivery SET state = 'sent', channel = 'sms', provider_ref = 'SM' || id,"
            " failover = '{email}', sent_at = %(now)s, channel_since = %(now)s, delivered_at = NULL,"
            " next_attempt_at = %(now)s",
            {"now": house.clock()},
        )
        await conn.execute(
            "INSERT INTO handover (channel, ref, delivery_id, sent_at)"
            " SELECT channel, provider_ref, id, sent_at FROM delivery"
        )
    return await house.as_(None)


async def states(house: House) -> dict[int, tuple[str, str]]:
    """State and channel of each message."""
    async with house.pool.connection() as conn:
        rows = await (await conn.execute("SELECT id, state, channel FROM delivery ORDER BY id")).fetchall()
    return {row["id"]: (row["state"], row["channel"]) for row in rows}


async def twilio_says(
    client: httpx.AsyncClient, form: Mapping[str, str], query: str = "", token: str = TOKEN
) -> int:
    """The status of our answer to a status callback."""
    url = f"{OURS}?{query}" if query else OURS
    headers = {
        "X-Twilio-Signature": signature(token, url, form.items()),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    path = "/api/v1/receipts/twilio" + (f"?{query}" if query else "")
    return (await client.post(path, content=urlencode(form), headers=headers)).status_code


def test_the_signature_is_that_of_twilios_own_documents() -> None:
    """Its published example, byte for byte."""
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature("12345", url, form.items()) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


async def test_what_arrived_is_delivered(house: House, nobody: httpx.AsyncClient) -> None:
    """States on the way there are taken and change nothing."""
    assert await twilio_says(nobody, {"MessageSid": "SM1", "MessageStatus": "sent"}) == 204
    assert (await states(house))[1] == ("sent", "sms")
    assert await twilio_says(nobody, {"MessageSid": "SM1", "MessageStatus": "delivered"}) == 204
    assert (await states(house))[1] == ("delivered", "sms")


async def test_what_did_not_arrive_goes_another_way(house: House, nobody: httpx.AsyncClient) -> None:
    """At once; a word that comes twice, or too late, changes nothing more, but a good one ends it."""
    for _ in range(2):
        form = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30003"}
        assert await twilio_says(nobody, form) == 204
        assert (await states(house))[1] == ("pending", "email")
    assert await twilio_says(nobody, {"MessageSid": "SM1", "MessageStatus": "delivered"}) == 204
    assert (await states(house))[1] == ("delivered", "email")


async def test_an_answer_that_was_lost_is_made_up_by_the_first_report(
    house: House, nobody: httpx.AsyncClient
) -> None:
    """The report carries our key: the message is not sent a second time."""
    async with house.pool.connection() as conn:
        await conn.execute("DELETE FROM handover")
        await conn.execute("UPDATE delivery SET state = 'pending', provider_ref = NULL, maybe_told = true")
    form = {"MessageSid": "SM77", "MessageStatus": "sent"}
    assert await twilio_says(nobody, form, "key=key-elm-housing") == 204
    assert (await states(house))[1] == ("sent", "sms")
    assert await twilio_says(nobody, {**form, "MessageStatus": "delivered"}, "key=key-elm-housing") == 204
    assert (await states(house))[1] == ("delivered", "sms")
    assert (await states(house))[2] == ("pending", "sms")


@pytest.mark.parametrize("token", ["", "54321"])
async def test_a_report_that_proves_nothing_is_refused(
    house: House, nobody: httpx.AsyncClient, token: str
) -> None:
    """And nothing is believed of it."""
    assert await twilio_says(nobody, {"MessageSid": "SM1", "MessageStatus": "failed"}, token=token) == 403
    assert await twilio_says(nobody, {"MessageSid": "SM1"}, "key=%C3%A9") == 204
    assert (await nobody.post("/api/v1/receipts/twilio", content=b"\xff\xfe")).status_code in (403, 422)
    assert (await states(house))[1] == ("sent", "sms")


async def test_a_report_on_nothing_of_ours_is_a_404(nobody: httpx.AsyncClient) -> None:
    """It may be reported again; so is a provider that we do not have."""
    assert await twilio_says(nobody, {"MessageSid": "SM99", "MessageStatus": "delivered"}) == 404
    assert await twilio_says(nobody, {"MessageStatus": "delivered"}) == 422
    assert (await nobody.post("/api/v1/receipts/nonesuch")).status_code == 404
    assert (await nobody.post("/api/v1/receipts/sms", content=b"x" * 70_000)).status_code == 422


def signed(said: object, secret: str = SECRET) -> tuple[bytes, dict[str, str]]:
    """A Standard Webhook of this moment: its own check is of the real clock."""
    body, now = json.dumps(said), datetime.now(UTC)
    return body.encode(), {
        "webhook-id": "r1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("r1", now, body),
    }


@pytest.mark.parametrize(
    ("said", "status", "state"),
    [
        ({"ref": "SM1", "state": "delivered"}, 204, ("delivered", "sms")),
        ({"ref": "SM1", "state": "undelivered", "why": "absent"}, 204, ("pending", "email")),
        ({"ref": "SM1", "state": "maybe"}, 422, ("sent", "sms")),
        ({"ref": ["SM1"], "state": "delivered"}, 422, ("sent", "sms")),
        ([], 422, ("sent", "sms")),
        ({"ref": "SM404", "state": "delivered"}, 404, ("sent", "sms")),
    ],
)
async def test_any_other_provider_reports_by_a_standard_webhook(
    house: House, nobody: httpx.AsyncClient, said: object, status: int, state: tuple[str, str]
) -> None:
    """Of its own channel, signed with the secret of the settings."""
    body, headers = signed(said)
    answer = await nobody.post("/api/v1/receipts/sms", content=body, headers=headers)
    assert answer.status_code == status
    assert (await states(house))[1] == state
    forged, headers = signed(said, "whsec_" + "A" * 32)
    assert (await nobody.post("/api/v1/receipts/sms", content=forged, headers=headers)).status_code == 403


async def test_a_dead_message_is_listed_and_sent_again(house: House) -> None:
    """To its own organisation's administrator, and only while somebody waits for it."""
    async with house.pool.connection() as conn:
        await conn.execute(
            "UPDATE delivery SET state = 'dead', last_error = 'no such number', channel = 'email',"
            " passed = '{sms,voice}', delivered_at = NULL WHERE organisation_id = 'northgate'"
        )
    client = await house.as_("administrator")
    (dead,) = (await client.get("/api/v1/deliveries", params={"state": "dead"})).json()["items"]
    assert (dead["contact"], dead["channel"], dead["last_error"]) == ("Supervisor", "email", "no such number")
    answer = await client.post(f"/api/v1/deliveries/{dead['id']}/replay")
    assert answer.status_code == 200
    (again,) = (await client.get("/api/v1/deliveries", params={"state": "pending"})).json()["items"]
    assert (again["channel"], again["failover"]) == ("sms", ["voice", "email"])
    assert again["replayed_by"]
    assert (await client.post(f"/api/v1/deliveries/{dead['id']}/replay")).status_code == 409
