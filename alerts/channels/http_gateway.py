"""Text messages and calls through any provider that takes an HTTP request: URL, body and answer are settings.

The body is a Jinja2 template over `to`, `text`, `key` and `language`; the filters `tojson` and `urlencode`
make them safe in JSON and forms. A body that cannot be made is refused when the channel is built.
"""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from alerts.channels.contract import Outgoing
from alerts.channels.exchange import Answer, answered_by_provider, certificate_authorities, exchange
from alerts.retry import Delivered, Outcome, Permanent, Retryable, Sent

_BODIES = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
_EXAMPLE = {"to": "+441234500001", "text": 'Say "yes"', "key": "msg_0", "language": "en"}


class BadGateway(ValueError):
    """A gateway whose settings cannot work; `str()` says why in one line."""


@dataclass(frozen=True, slots=True)
class HttpGatewayChannel:
    """One provider. `says` is which words it is given: those for a small screen, or those for the ear.

    `authorization` is the header of that name. Where `accepted_path` is set, a dotted path into the JSON of
    the answer, `accepted_value` must stand there as well. `ref_path` leads to the provider's own number.
    `receipts`: the provider says later what became of a message (docs/deliveries.md), and is waited for.
    """

    url: str
    body: str
    says: Literal["short", "spoken"]
    method: str = "POST"
    content_type: str = "application/json"
    authorization: str | None = field(default=None, repr=False)
    accepted_path: str | None = None
    accepted_value: str | None = None
    ref_path: str | None = None
    receipts: bool = False
    timeout: float = 10.0
    trust: ssl.SSLContext = field(default_factory=certificate_authorities, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises BadGateway for a body that cannot be made."""
        body = self._body(_EXAMPLE)
        if "json" in self.content_type:
            try:
                json.loads(body)
            except ValueError:
                raise BadGateway(
                    "the body is not JSON: write {{ text | tojson }}, without quotation marks"
                ) from None

    async def send(self, message: Outgoing, now: datetime) -> Outcome:
        """Makes the request once."""
        if not message.phone:
            return Permanent("the contact has no telephone any more")
        words = message.short if self.says == "short" else message.spoken
        fields = {"to": message.phone, "text": words, "key": message.key, "language": message.language}
        headers = {"content-type": self.content_type, "idempotency-key": message.key}
        if self.authorization:
            headers["authorization"] = self.authorization
        answer = await exchange(
            self.method,
            self.url,
            content=self._body(fields).encode(),
            headers=headers,
            within=self.timeout,
            trust=self.trust,
        )
        return answer if isinstance(answer, Retryable) else self._means(answer)

    def _body(self, fields: Mapping[str, str]) -> str:
        try:
            return _BODIES.from_string(self.body).render(fields)
        except TemplateError as error:
            raise BadGateway(f"the body cannot be made: {error}") from None

    def _means(self, answer: Answer) -> Outcome:
        outcome = answered_by_provider(answer)
        if not isinstance(outcome, Delivered):
            return outcome
        if self.accepted_path is not None:
            said = at_path(answer.body, self.accepted_path)
            if said != self.accepted_value:
                return Retryable(f"the provider took it with {answer.status} and did not accept it")
        ref = at_path(answer.body, self.ref_path) if self.ref_path is not None else None
        return Sent(ref) if self.receipts and ref is not None else Delivered(ref or str(answer.status))


def at_path(body: bytes, path: str) -> str | None:
    """What stands at a dotted path of a JSON text, `messages.0.id`; None when nothing does. Pure."""
    try:
        here: Any = json.loads(body)
        for part in path.split("."):
            here = here[int(part)] if isinstance(here, list) else here[part]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    if isinstance(here, bool):
        return "true" if here else "false"
    return str(here)[:200] if isinstance(here, (str, int, float)) else None
