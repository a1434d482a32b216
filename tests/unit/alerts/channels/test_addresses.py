"""Where webhooks go and where they never go, and what is made of an answer (contract §7)."""

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from alerts.channels import Outgoing, WebhookChannel
from alerts.channels.email import EmailChannel
from alerts.channels.exchange import answered
from alerts.channels.webhook import is_public, signed
from alerts.retry import Delivered, Outcome, Permanent, Retryable

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "2002:a00:1::",
        "64:ff9b::a00:1",
        "64:ff9b::7f00:1",
        "2001:db8::1",
        "not an address",
        "",
    ],
)
def test_private_and_local_addresses_are_not_public_in_any_dress(address: str) -> None:
    """Loopback, private, link-local, shared, multicast, documentation; mapped, tunnelled and translated."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
)
def test_addresses_of_the_open_internet_are_public(address: str) -> None:
    """In either family, and one within the other."""
    assert is_public(address)


def to(url: str, *addresses: str) -> tuple[WebhookChannel, Outgoing]:
    """A message to a URL whose name resolves to these addresses."""

    async def resolver(host: str, port: int) -> Sequence[str]:
        return addresses

    message = Outgoing("msg_1", "s", "t", {}, webhook_url=url, webhook_secret=SECRET)
    return WebhookChannel(timeout=1, resolver=resolver), message


@pytest.mark.parametrize(
    ("url", "addresses", "why"),
    [
        ("https://intranet.example/hook", ("10.0.0.1",), "private"),
        ("https://mixed.example/hook", ("93.184.216.34", "10.0.0.1"), "private"),
        ("https://2130706433/hook", ("127.0.0.1",), "private"),
        ("https://0x7f.1/hook", ("127.0.0.1",), "private"),
        ("https://[::ffff:127.0.0.1]/hook", ("::ffff:127.0.0.1",), "private"),
        ("ftp://bright.example/hook", ("93.184.216.34",), "neither http nor https"),
        ("file:///etc/passwd", (), "neither http nor https"),
        ("https:///hook", (), "neither http nor https"),
        ("https://user:word@bright.example/hook", ("93.184.216.34",), "carries a password"),
        ("https://bright.example:port/hook", (), "cannot be read"),
    ],
)
async def test_a_webhook_into_a_private_place_is_refused_for_good(
    url: str, addresses: tuple[str, ...], why: str
) -> None:
    """No connection is made: sockets are blocked in this test, and the answer is a refusal, not an error."""
    channel, message = to(url, *addresses)
    outcome = await channel.send(message, NINE)
    assert isinstance(outcome, Permanent)
    assert why in outcome.why


async def test_a_name_that_does_not_resolve_is_tried_again() -> None:
    """Name servers have bad hours."""
    channel, message = to("https://bright.example/hook")
    assert isinstance(await channel.send(message, NINE), Retryable)


async def test_a_secret_that_is_none_is_refused_without_naming_it() -> None:
    """The words must not carry the secret."""
    channel, _ = to("https://bright.example/hook", "93.184.216.34")
    message = Outgoing("m", "s", "t", {}, webhook_url="https://b.example", webhook_secret="whsec_é")
    outcome = await channel.send(message, NINE)
    assert isinstance(outcome, Permanent)
    assert "é" not in outcome.why


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Delivered("200")),
        (204, Delivered("204")),
        (301, Permanent("the receiver redirects (301), which is not followed")),
        (400, Permanent("the receiver refuses (400)")),
        (404, Permanent("the receiver refuses (404)")),
        (408, Retryable("the receiver answered 408")),
        (410, Permanent("the receiver says that this address is gone (410)", disable=True)),
        (425, Retryable("the receiver answered 425")),
        (429, Retryable("the receiver answered 429")),
        (500, Retryable("the receiver answered 500")),
        (503, Retryable("the receiver answered 503")),
    ],
)
def test_what_a_status_means(status: int, outcome: Outcome) -> None:
    """2xx delivered; 410 disables; 408, 425, 429 and 5xx later; everything else never."""
    assert answered(status) == outcome


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("30", timedelta(seconds=30)),
        ("-1", None),
        ("soon", None),
        ("9" * 30, timedelta(days=1)),
        (None, None),
    ],
)
def test_a_wish_for_a_pause_is_read_when_it_is_a_number(header: str | None, pause: timedelta | None) -> None:
    """Retry-After in seconds; dates and nonsense are ignored."""
    outcome = answered(429, header)
    assert isinstance(outcome, Retryable)
    assert outcome.pause == pause


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of Standard Webhooks 1.0, byte for byte."""
    headers = signed(
        SECRET,
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        '{"test": 2432232314}',
        datetime.fromtimestamp(1614265330, UTC),
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_certificate_authorities_are_checked() -> None:
    """The connection goes to an address, the certificate must be the name's."""
    trust = WebhookChannel().trust
    assert trust.check_hostname
    assert trust.verify_mode is ssl.CERT_REQUIRED


MAIL = EmailChannel("mail.example", 25, "Threshold <threshold@example>")


@pytest.mark.parametrize(
    "address",
    [
        "nobody",
        "a@b.example, c@d.example",
        "Joy <joy@b.example>",
        "a@b.example\nBcc: c@d.example",
        "a b@c.example",
        "",
    ],
)
async def test_a_letter_to_what_is_no_address_is_refused_for_good(address: str) -> None:
    """No connection is made, and nobody else is written to."""
    assert isinstance(await MAIL.send(Outgoing("m", "s", "t", {}, email=address), NINE), Permanent)


def test_a_letter_carries_its_key_and_says_that_no_person_wrote_it() -> None:
    """The same letter again has the same Message-ID; urgent ones are marked."""
    letter = MAIL.letter(Outgoing("msg_1", "Subject", "Text é\n", {}, email="a@b.example", urgent=True), NINE)
    assert letter["Message-ID"] == "<msg_1@threshold.invalid>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["X-Priority"] == "1"
    assert letter.get_content() == "Text é\n"
