"""Text messages and calls through Twilio (REST API 2010-04-01), and what it says became of them.

Twilio knows no idempotency key when a message is made. So the address to which it reports carries ours: a
message whose answer was lost on the way is known by its first report, and not sent a third time.
"""

import base64
import hashlib
import hmac
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

from alerts.channels.contract import Outgoing
from alerts.channels.exchange import Answer, answered_by_provider, certificate_authorities, exchange
from alerts.channels.http_gateway import at_path
from alerts.retry import Delivered, Outcome, Permanent, Retryable, Sent, Undelivered

API: Final = "https://api.twilio.com"
RING_SECONDS: Final = 30
"""Long enough to get out of bed, short enough that the next on the list is called within the minute."""
VOICES: Final[Mapping[str, tuple[str, str]]] = {
    "en": ("en-GB", "Polly.Amy"),
    "cy": ("cy-GB", "Polly.Gwyneth"),
}
_ARRIVED: Final = frozenset({"delivered", "read", "completed"})
_FAILED: Final = frozenset({"undelivered", "failed", "canceled", "busy", "no-answer"})


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """Who we are to Twilio. `sender` is a number of ours, or for texts a messaging service (`MG…`)."""

    account: str
    token: str = field(repr=False)
    sender: str
    report_to: str | None = None
    """Where Twilio reports to, without a query; None: it is asked instead."""
    api: str = API
    timeout: float = 10.0
    trust: ssl.SSLContext = field(default_factory=certificate_authorities, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class TwilioChannel:
    """`means` sms writes, voice calls and reads aloud; nothing is asked of who picks up."""

    twilio: TwilioAccount
    means: Literal["sms", "voice"]

    async def send(self, message: Outgoing, now: datetime) -> Outcome:
        """Hands the message to Twilio; whether it arrived is said later."""
        if not message.phone:
            return Permanent("the contact has no telephone any more")
        answer = await self._ask("POST", self._what, self._form(message))
        if isinstance(answer, Retryable):
            return answer
        outcome = answered_by_provider(answer)
        if isinstance(outcome, Permanent):
            code = at_path(answer.body, "code")
            return Permanent(f"Twilio refuses the message ({code or answer.status})")
        if not isinstance(outcome, Delivered):
            return outcome
        ref = at_path(answer.body, "sid")
        return Sent(ref) if ref else Delivered()

    async def look(self, ref: str) -> Delivered | Undelivered | None:
        """What Twilio knows of a message or call by now."""
        answer = await self._ask("GET", f"{self._what}/{quote(ref, safe='')}", None)
        if isinstance(answer, Retryable) or answer.status != 200:
            return None
        return became(at_path(answer.body, "status") or "", at_path(answer.body, "error_code"))

    @property
    def _what(self) -> str:
        return "Messages" if self.means == "sms" else "Calls"

    def _form(self, message: Outgoing) -> dict[str, str]:
        ours = self.twilio
        form = {"To": message.phone or ""}
        if self.means == "sms":
            form["MessagingServiceSid" if ours.sender.startswith("MG") else "From"] = ours.sender
            form["Body"] = message.short
        else:
            form |= {"From": ours.sender, "Twiml": spoken(message), "Timeout": str(RING_SECONDS)}
        if ours.report_to:
            form["StatusCallback"] = f"{ours.report_to}?{urlencode({'key': message.key})}"
        return form

    async def _ask(self, method: str, what: str, form: Mapping[str, str] | None) -> Answer | Retryable:
        ours = self.twilio
        return await exchange(
            method,
            f"{ours.api}/2010-04-01/Accounts/{quote(ours.account, safe='')}/{what}.json",
            content=urlencode(form).encode() if form else None,
            headers={"content-type": "application/x-www-form-urlencoded"} if form else None,
            auth=(ours.account, ours.token),
            within=ours.timeout,
            trust=ours.trust,
        )


def spoken(message: Outgoing) -> str:
    """The call in TwiML: the words twice, for who was still finding their glasses. Pure."""
    language, voice = VOICES.get(message.language, VOICES["en"])
    say = f'<Say language="{language}" voice="{voice}">{escape(message.spoken)}</Say>'
    return f'<Response>{say}<Pause length="1"/>{say}</Response>'


def became(status: str, error_code: str | None = None) -> Delivered | Undelivered | None:
    """What Twilio's word for a message's state means; None: nothing final. Pure."""
    if status in _ARRIVED:
        return Delivered()
    if status in _FAILED:
        why = f" ({error_code})" if error_code not in (None, "", "None") else ""
        return Undelivered(f"Twilio says: {status}{why}")
    return None


def signature(token: str, url: str, form: Iterable[tuple[str, str]]) -> str:
    """Twilio's signature of a report: the whole URL and the sorted form under the account's token. Pure."""
    said = url + "".join(name + value for name, value in sorted(set(form)))
    return base64.b64encode(hmac.new(token.encode(), said.encode(), hashlib.sha1).digest()).decode()
