"""The channels against real servers: an SMTP server and an HTTP receiver that behave badly on demand."""

from datetime import UTC, datetime

import pytest

from alerts.channels import EmailChannel, Outgoing, WebhookChannel
from alerts.retry import Delivered, Outcome, Permanent, Retryable
from tests.support.processes import free_port
from tests.support.smtp import Mailbox
from tests.support.webhook import SECRET, Behaviour, WebhookSink


def now() -> datetime:
    """The receiver checks that a webhook is of this moment, so here the clock is the real one."""
    return datetime.now(UTC)


def letter() -> Outgoing:
    """A letter to somebody."""
    return Outgoing("msg_1", "A care visit was not made", "Please check.\n", {}, email="duty@elm.example")


def post(mailbox: Mailbox, timeout: float = 5) -> EmailChannel:
    """The channel to that mail server."""
    return EmailChannel(
        mailbox.host, mailbox.port, "Threshold <t@threshold.example>", security="none", timeout=timeout
    )


async def test_a_letter_arrives_as_it_was_written(mailbox: Mailbox) -> None:
    """Sender, receiver, subject, text, and the key in its Message-ID."""
    assert isinstance(await post(mailbox).send(letter(), now()), Delivered)
    (arrived,) = mailbox.letters
    assert arrived.recipients == ("duty@elm.example",)
    assert (arrived.subject, arrived.text.strip()) == ("A care visit was not made", "Please check.")
    assert arrived.message["Message-ID"] == "<msg_1@threshold.invalid>"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("451 try later", Retryable), ("550 no such user", Permanent), ("552 mailbox full", Permanent)],
)
async def test_the_mail_servers_word_is_taken(mailbox: Mailbox, answer: str, kind: type[Outcome]) -> None:
    """4xx later, 5xx never; neither was told."""
    mailbox.answer = answer
    outcome = await post(mailbox).send(letter(), now())
    assert isinstance(outcome, kind)
    assert answer[:3] in str(outcome)
    assert not (isinstance(outcome, Retryable) and outcome.maybe)


@pytest.mark.parametrize(("answer", "kind"), [("550 no such user", Permanent), ("450 greylisted", Retryable)])
async def test_a_refused_address_is_told_apart(mailbox: Mailbox, answer: str, kind: type[Outcome]) -> None:
    """By its own code."""
    mailbox.refused_recipients["duty@elm.example"] = answer
    assert isinstance(await post(mailbox).send(letter(), now()), kind)
    assert mailbox.letters == []


async def test_a_mail_server_that_hangs_after_the_text_may_have_taken_it(mailbox: Mailbox) -> None:
    """Within the time limit, to be tried again, and counted as perhaps told."""
    mailbox.hangs.set()
    outcome = await post(mailbox, timeout=0.3).send(letter(), now())
    assert isinstance(outcome, Retryable)
    assert outcome.maybe


async def test_a_mail_server_that_is_not_there_was_not_told() -> None:
    """No conversation, no doubt."""
    channel = EmailChannel("127.0.0.1", free_port(), "t@threshold.example", security="none", timeout=30)
    outcome = await channel.send(letter(), now())
    assert isinstance(outcome, Retryable)
    assert not outcome.maybe


def hook(url: str) -> Outgoing:
    """A webhook to a receiver."""
    payload = {"type": "duty.raised", "data": {"alert": 7, "duty": 9, "kind": "visit.missed"}}
    return Outgoing("msg_1", "", "", payload, webhook_url=url, webhook_secret=SECRET)


LOCAL = WebhookChannel(timeout=30, allow_private=True)
IMPATIENT = WebhookChannel(timeout=0.5, allow_private=True)


async def test_a_webhook_is_signed_and_thin(webhook_sink: WebhookSink) -> None:
    """The receiver verifies it with its own copy of the secret, and gets what was meant."""
    message = hook(webhook_sink.url)
    assert isinstance(await LOCAL.send(message, now()), Delivered)
    (received,) = webhook_sink.received
    assert received.verified() == message.payload
    assert received.headers["webhook-id"] == "msg_1"
    assert received.headers["host"] == f"127.0.0.1:{webhook_sink.port}"


async def test_a_name_is_kept_in_the_request_while_the_address_is_connected_to(
    webhook_sink: WebhookSink,
) -> None:
    """The Host header names what the contact gave."""

    async def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    channel = WebhookChannel(timeout=30, allow_private=True, resolver=resolver)
    url = f"http://bright.example:{webhook_sink.port}/hook?x=1"
    assert isinstance(await channel.send(hook(url), now()), Delivered)
    (received,) = webhook_sink.received
    assert received.headers["host"] == f"bright.example:{webhook_sink.port}"
    assert received.path == "/hook?x=1"


@pytest.mark.parametrize(
    ("behaviour", "kind", "maybe"),
    [
        (Behaviour(status=500), Retryable, False),
        (Behaviour(status=429, headers={"Retry-After": "7"}), Retryable, False),
        (Behaviour(status=404), Permanent, False),
        (Behaviour(status=410), Permanent, False),
        (Behaviour(hangs=True), Retryable, True),
        (Behaviour(delay=2), Retryable, True),
        (Behaviour(reset=True), Retryable, True),
    ],
)
async def test_receivers_that_misbehave_are_answered_by_the_book(
    webhook_sink: WebhookSink, behaviour: Behaviour, kind: type[Outcome], maybe: bool
) -> None:
    """Refusals, hangs, slowness and resets: later or never, and whether they may have been told."""
    webhook_sink.behaves = behaviour
    channel = IMPATIENT if behaviour.hangs or behaviour.delay else LOCAL
    outcome = await channel.send(hook(webhook_sink.url), now())
    assert isinstance(outcome, kind)
    assert (isinstance(outcome, Retryable) and outcome.maybe) == maybe


async def test_a_redirect_is_not_followed(webhook_sink: WebhookSink) -> None:
    """A receiver cannot send us elsewhere."""
    webhook_sink.behaves = Behaviour(status=302, headers={"Location": webhook_sink.url + "/elsewhere"})
    assert isinstance(await LOCAL.send(hook(webhook_sink.url), now()), Permanent)
    assert [received.path for received in webhook_sink.received] == ["/hook"]


async def test_a_large_answer_is_not_read(webhook_sink: WebhookSink) -> None:
    """Delivered with its status; ten megabytes stay with the receiver."""
    webhook_sink.behaves = Behaviour(status=200, body_bytes=10_000_000)
    assert isinstance(await LOCAL.send(hook(webhook_sink.url), now()), Delivered)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0"]
)
async def test_our_own_machine_is_never_written_to(webhook_sink: WebhookSink, host: str) -> None:
    """However it is spelt: refused for good, and no connection is made."""
    outcome = await WebhookChannel().send(hook(f"http://{host}:{webhook_sink.port}/hook"), now())
    assert isinstance(outcome, Permanent)
    assert webhook_sink.received == []
