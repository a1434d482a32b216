"""Text messages, calls and push messages against real HTTP servers that behave badly on demand."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest

from alerts.channels import Outgoing
from alerts.channels.http_gateway import BadGateway, HttpGatewayChannel
from alerts.channels.push import PushChannel
from alerts.channels.twilio import TwilioAccount, TwilioChannel
from alerts.retry import Delivered, Outcome, Permanent, Retryable, Sent, Undelivered
from tests.support.webhook import Behaviour, WebhookSink

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
PHONE = "+441234500001"


def message(**changes: Any) -> Outgoing:
    """A message to a telephone."""
    values: dict[str, Any] = {
        "key": "msg_1",
        "subject": "A care visit was not made",
        "text": "A letter.\n",
        "payload": {},
        "phone": PHONE,
        "short": 'Visit "not" made & open',
        "spoken": "This is Threshold. A visit <was> not made.",
    }
    return Outgoing(**{**values, **changes})


def gateway(sink: WebhookSink, **changes: Any) -> HttpGatewayChannel:
    """A provider that takes JSON."""
    values: dict[str, Any] = {
        "body": '{"to": {{ to | tojson }}, "text": {{ text | tojson }}, "id": {{ key | tojson }}}',
        "says": "short",
        "timeout": 30,
    }
    return HttpGatewayChannel(sink.url, **{**values, **changes})


async def test_a_gateway_gets_number_words_and_key(webhook_sink: WebhookSink) -> None:
    """Quoted as its body asks, with our Authorization and an Idempotency-Key."""
    outcome = await gateway(webhook_sink, authorization="Bearer s3cret").send(message(), NINE)
    assert isinstance(outcome, Delivered)
    (received,) = webhook_sink.received
    assert json.loads(received.body) == {"to": PHONE, "text": 'Visit "not" made & open', "id": "msg_1"}
    assert received.headers["authorization"] == "Bearer s3cret"
    assert received.headers["idempotency-key"] == "msg_1"


async def test_a_gateway_may_want_a_form(webhook_sink: WebhookSink) -> None:
    """Any body that a template can make; a call is given the words for the ear."""
    channel = gateway(
        webhook_sink,
        body="to={{ to | urlencode }}&say={{ text | urlencode }}&lang={{ language }}",
        content_type="application/x-www-form-urlencoded",
        says="spoken",
    )
    await channel.send(message(language="cy"), NINE)
    (received,) = webhook_sink.received
    form = parse_qs(received.body.decode())
    assert form == {"to": [PHONE], "say": [message().spoken], "lang": ["cy"]}


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b'{"status": "ok", "messages": [{"id": 77}]}', Sent("77")),
        (b'{"status": "ok"}', Delivered("200")),
        (
            b'{"status": "no credit"}',
            Retryable("the provider took it with 200 and did not accept it"),
        ),
        (b"<html>", Retryable("the provider took it with 200 and did not accept it")),
    ],
)
async def test_a_gateways_word_is_read_from_its_json(
    webhook_sink: WebhookSink, body: bytes, outcome: Outcome
) -> None:
    """Accepted where the settings say it stands, with the provider's own number for its receipts."""
    webhook_sink.behaves = Behaviour(200, body=body)
    channel = gateway(
        webhook_sink, accepted_path="status", accepted_value="ok", ref_path="messages.0.id", receipts=True
    )
    assert await channel.send(message(), NINE) == outcome


MISBEHAVING = [
    (Behaviour(500), Retryable, False),
    (Behaviour(429, {"Retry-After": "7"}), Retryable, False),
    (Behaviour(401), Retryable, False),
    (Behaviour(404), Retryable, False),
    (Behaviour(400), Permanent, False),
    (Behaviour(302, {"Location": "http://127.0.0.1:1/"}), Permanent, False),
    (Behaviour(delay=2), Retryable, True),
    (Behaviour(reset=True), Retryable, True),
]


@pytest.mark.parametrize(("behaviour", "kind", "maybe"), MISBEHAVING)
@pytest.mark.parametrize("provider", ["http", "twilio"])
async def test_providers_that_misbehave_are_answered_by_the_book(
    webhook_sink: WebhookSink, provider: str, behaviour: Behaviour, kind: type[Outcome], maybe: bool
) -> None:
    """What is our own fault is tried again, as what is theirs; a number that is refused is refused for
    good."""
    webhook_sink.behaves = behaviour
    patience = 0.5 if behaviour.delay else 30  # a busy machine is not a slow provider
    make = gateway if provider == "http" else twilio
    outcome = await make(webhook_sink, timeout=patience).send(message(), NINE)
    assert isinstance(outcome, kind)
    assert (isinstance(outcome, Retryable) and outcome.maybe) == maybe
    assert len(webhook_sink.received) == 1


async def test_a_provider_that_answers_without_end_is_read_no_further(webhook_sink: WebhookSink) -> None:
    """Ten megabytes stay with the provider."""
    webhook_sink.behaves = Behaviour(200, body_bytes=10_000_000)
    assert await gateway(webhook_sink, ref_path="id").send(message(), NINE) == Delivered("200")


@pytest.mark.parametrize(
    "body",
    ["{{ nonesuch }}", '{"to": "{{ to }}", "text": "{{ text }}"}', "{% if %}", "{{ to.__class__ }}"],
)
def test_a_body_that_cannot_be_made_is_refused_at_once(body: str) -> None:
    """When the service starts, in one line, and not with the first message at night."""
    with pytest.raises(BadGateway, match="body"):
        HttpGatewayChannel("http://127.0.0.1/", body, "short")


def twilio(sink: WebhookSink, means: Any = "sms", **changes: Any) -> TwilioChannel:
    """Our account at a Twilio of this test's own."""
    values: dict[str, Any] = {
        "report_to": "https://care.example/api/v1/receipts/twilio",
        "api": f"http://127.0.0.1:{sink.port}",
        "timeout": 30,
    }
    return TwilioChannel(TwilioAccount("AC1", "t0ken", "+441234000000", **{**values, **changes}), means)


TAKEN = Behaviour(201, body=b'{"sid": "SM123", "status": "queued"}')


async def test_twilio_is_given_a_text_message(webhook_sink: WebhookSink) -> None:
    """As a form under our account, with the address to report to, which carries our key."""
    webhook_sink.behaves = TAKEN
    assert await twilio(webhook_sink).send(message(), NINE) == Sent("SM123")
    (received,) = webhook_sink.received
    assert (received.method, received.path) == ("POST", "/2010-04-01/Accounts/AC1/Messages.json")
    assert received.headers["authorization"] == "Basic QUMxOnQwa2Vu"
    assert parse_qs(received.body.decode()) == {
        "To": [PHONE],
        "From": ["+441234000000"],
        "Body": ['Visit "not" made & open'],
        "StatusCallback": ["https://care.example/api/v1/receipts/twilio?key=msg_1"],
    }


async def test_twilio_is_given_a_call(webhook_sink: WebhookSink) -> None:
    """It says the words, in the voice of their language, and asks for nothing."""
    webhook_sink.behaves = TAKEN
    await twilio(webhook_sink, "voice", report_to=None).send(message(language="cy"), NINE)
    (received,) = webhook_sink.received
    assert received.path == "/2010-04-01/Accounts/AC1/Calls.json"
    form = parse_qs(received.body.decode())
    assert "StatusCallback" not in form
    (twiml,) = form["Twiml"]
    assert twiml.startswith('<Response><Say language="cy-GB"')
    assert "A visit &lt;was&gt; not made." in twiml
    assert "Gather" not in twiml


async def test_a_messaging_service_is_named_as_one(webhook_sink: WebhookSink) -> None:
    """Twilio chooses the number."""
    webhook_sink.behaves = TAKEN
    account = TwilioAccount("AC1", "t0ken", "MG9", api=f"http://127.0.0.1:{webhook_sink.port}")
    await TwilioChannel(account, "sms").send(message(), NINE)
    form = parse_qs(webhook_sink.received[0].body.decode())
    assert form["MessagingServiceSid"] == ["MG9"]
    assert "From" not in form


async def test_a_number_that_twilio_refuses_is_named_by_its_code(webhook_sink: WebhookSink) -> None:
    """And not by the number."""
    webhook_sink.behaves = Behaviour(400, body=b'{"code": 21211, "message": "Invalid To +441234500001"}')
    outcome = await twilio(webhook_sink).send(message(), NINE)
    assert outcome == Permanent("Twilio refuses the message (21211)")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b'{"status": "delivered", "error_code": null}', Delivered()),
        (b'{"status": "completed"}', Delivered()),
        (b'{"status": "undelivered", "error_code": 30003}', Undelivered("Twilio says: undelivered (30003)")),
        (b'{"status": "no-answer"}', Undelivered("Twilio says: no-answer")),
        (b'{"status": "sent"}', None),
        (b"nonsense", None),
    ],
)
async def test_twilio_is_asked_what_became_of_a_message(
    webhook_sink: WebhookSink, body: bytes, word: Delivered | Undelivered | None
) -> None:
    """By its own number for it."""
    webhook_sink.behaves = Behaviour(200, body=body)
    assert await twilio(webhook_sink).look("SM123") == word
    (received,) = webhook_sink.received
    assert (received.method, received.path) == ("GET", "/2010-04-01/Accounts/AC1/Messages/SM123.json")


async def test_a_push_message_goes_through_apprise(webhook_sink: WebhookSink) -> None:
    """Title and short words; a service that refuses is tried again."""
    channel = PushChannel(timeout=60, allow_private=True)
    to_us = message(push_url=f"json://127.0.0.1:{webhook_sink.port}/phone")
    assert isinstance(await channel.send(to_us, NINE), Delivered)
    (received,) = webhook_sink.received
    assert json.loads(received.body)["title"] == "A care visit was not made"
    webhook_sink.behaves = Behaviour(500)
    assert isinstance(await channel.send(to_us, NINE), Retryable)


async def test_a_push_service_that_hangs_is_not_waited_for(webhook_sink: WebhookSink) -> None:
    """Its time limit is ours; the message may have been taken."""
    webhook_sink.behaves = Behaviour(hangs=True)
    channel = PushChannel(timeout=0.2, allow_private=True)
    outcome = await channel.send(message(push_url=f"json://127.0.0.1:{webhook_sink.port}/?rto=0.5"), NINE)
    assert outcome == Retryable("no answer within 0.2 s", maybe=True)


@pytest.mark.parametrize("url", ["json://127.0.0.1:9/", "json://localhost/x", "syslog://", "nonsense", "::"])
async def test_push_messages_stay_out_of_our_own_network(url: str) -> None:
    """Nor does a contact's address that is none stop anybody else."""
    assert isinstance(await PushChannel(timeout=60).send(message(push_url=url), NINE), Permanent)


@pytest.mark.parametrize("lacking", [{"phone": None}, {"phone": ""}])
async def test_a_contact_without_a_telephone_is_said_to_have_none(
    webhook_sink: WebhookSink, lacking: dict[str, Any]
) -> None:
    """The estate changed between the step and its message."""
    for channel in (gateway(webhook_sink), twilio(webhook_sink)):
        assert isinstance(await channel.send(message(**lacking), NINE), Permanent)
    assert webhook_sink.received == []
