"""One HTTP exchange with a provider: bounded in time and in what is read, and what its end means."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import httpx

from alerts.retry import Delivered, Outcome, Permanent, Retryable

WORTH_ANOTHER_TRY = frozenset({408, 425, 429})
OUR_OWN_FAULT = frozenset({401, 403, 404, 405})
"""From a provider these speak of our account or our settings, not of the number that was to be told."""
MOST_READ = 64 * 1024
"""Bytes of a provider's answer: what says "accepted" is short, and the rest is its own affair."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered; `body` is cut off after MOST_READ bytes."""

    status: int
    body: bytes
    retry_after: str | None = None


@cache
def certificate_authorities() -> ssl.SSLContext:
    """Whom TLS trusts. Read once, when a channel is made: it takes longer than a message."""
    return httpx.create_ssl_context()


async def exchange(
    method: str,
    url: str,
    *,
    within: float,
    trust: ssl.SSLContext,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    auth: tuple[str, str] | None = None,
) -> Answer | Retryable:
    """One request, never redirected; Retryable when no answer came in `within` seconds."""
    try:
        async with (
            asyncio.timeout(within),
            httpx.AsyncClient(
                verify=trust, timeout=within, follow_redirects=False, trust_env=False
            ) as client,
            client.stream(
                method,
                url,
                content=content,
                headers={"user-agent": "Threshold", **(headers or {})},
                auth=httpx.BasicAuth(*auth) if auth else None,
            ) as response,
        ):
            body = b""
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) >= MOST_READ:
                    break
            return Answer(response.status_code, body[:MOST_READ], response.headers.get("retry-after"))
    except (httpx.HTTPError, OSError) as error:
        return broken_off(error, within)


def broken_off(error: httpx.HTTPError | OSError, timeout: float) -> Retryable:
    """What an exchange that ended without an answer means: may the receiver have it all the same? Pure."""
    match error:
        case TimeoutError() | httpx.ReadTimeout() | httpx.WriteTimeout():
            return Retryable(f"no answer within {timeout:g} s", maybe=True)
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return Retryable("the receiver could not be reached")
        case httpx.HTTPError():
            return Retryable(f"the exchange broke off ({type(error).__name__})", maybe=True)
        case _:
            return Retryable(f"the receiver's name could not be resolved ({type(error).__name__})")


def asked_pause(retry_after: str | None) -> timedelta | None:
    """The pause of a Retry-After in seconds; None when there is none that we read. Pure."""
    if retry_after is None or not retry_after.isdecimal():
        return None
    return timedelta(seconds=min(int(retry_after), 86_400))


def answered(status: int, retry_after: str | None = None) -> Outcome:
    """What a receiver's status means. Pure."""
    if 200 <= status < 300:
        return Delivered(str(status))
    if 300 <= status < 400:
        return Permanent(f"the receiver redirects ({status}), which is not followed")
    if status == 410:
        return Permanent("the receiver says that this address is gone (410)", disable=True)
    if status in WORTH_ANOTHER_TRY or status >= 500 or status < 200:
        return Retryable(f"the receiver answered {status}", pause=asked_pause(retry_after))
    return Permanent(f"the receiver refuses ({status})")


def answered_by_provider(answer: Answer) -> Outcome:
    """The same for a provider, with whom a refusal of ourselves is no refusal of the number. Pure."""
    if answer.status in OUR_OWN_FAULT:
        return Retryable(f"the provider refuses us ({answer.status}): check its settings")
    return answered(answer.status, answer.retry_after)
