"""What providers report of messages that they took: whose report it is, of which message, and what it says.
Pure.

A report proves itself by a signature under a secret of ours; one that cannot is refused, and nothing is
read of it.
"""

import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs, parse_qsl

import msgspec
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from alerts.channels.twilio import became, signature
from alerts.retry import Delivered, Undelivered


class Unsigned(Exception):
    """A report that does not prove whose it is."""


class Unreadable(ValueError):
    """A report that is signed and makes no sense; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Report:
    """A provider's word for its message `ref`; `key` is ours where it names it; no word: nothing final."""

    ref: str
    key: str | None = None
    word: Delivered | Undelivered | None = None


class Reports(Protocol):
    """How one provider reports, and of which channels."""

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels whose messages it speaks of."""
        ...

    def read(self, headers: Mapping[str, str], query: str, body: bytes) -> Report:
        """The report. Raises Unsigned or Unreadable."""
        ...


@dataclass(frozen=True, slots=True)
class TwilioReports:
    """Status callbacks. `url` is the address that Twilio was given, without its query."""

    token: str = field(repr=False)
    url: str
    channels: tuple[str, ...] = ("sms", "voice")

    def read(self, headers: Mapping[str, str], query: str, body: bytes) -> Report:
        """The report of one callback; only final states carry a word."""
        try:
            form = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200)
        except ValueError:
            raise Unreadable("the form cannot be read") from None
        expected = signature(self.token, f"{self.url}?{query}" if query else self.url, form)
        given = headers.get("x-twilio-signature", "")
        if not hmac.compare_digest(expected.encode(), given.encode()):
            raise Unsigned
        said = dict(form)
        ref = said.get("MessageSid") or said.get("CallSid")
        if not ref:
            raise Unreadable("the report names no message and no call")
        state = said.get("MessageStatus") or said.get("CallStatus") or ""
        key = parse_qs(query).get("key", [None])[0]
        return Report(ref, key, became(state, said.get("ErrorCode")))


@dataclass(frozen=True, slots=True)
class GatewayReports:
    """Any other provider: Standard Webhooks, `{"ref", "key"?, "state": "delivered" | "undelivered",
    "why"?}`."""

    secret: str = field(repr=False)
    channels: tuple[str, ...]

    def read(self, headers: Mapping[str, str], query: str, body: bytes) -> Report:
        """The report of one signed webhook, of these five minutes."""
        try:
            Webhook(self.secret).verify(body, dict(headers))
        except (WebhookVerificationError, ValueError, binascii.Error):
            raise Unsigned from None
        try:
            said: Any = msgspec.json.decode(body)
            ref, state = said["ref"], said["state"]
        except (msgspec.DecodeError, LookupError, TypeError):
            raise Unreadable("a report is an object with `ref` and `state`") from None
        if not isinstance(ref, str | int) or state not in ("delivered", "undelivered"):
            raise Unreadable("`ref` is the provider's own number, `state` is delivered or undelivered")
        key, why = said.get("key"), said.get("why")
        word = (
            Delivered() if state == "delivered" else Undelivered(f"the provider says: {why or state}"[:300])
        )
        return Report(str(ref), key if isinstance(key, str) else None, word)
