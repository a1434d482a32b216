"""Standard Webhooks 1.0 to organisations: thin, signed, never redirected, never into a private network.

The name is resolved once and the connection goes to that very address, so that a name which changes between
looking and connecting leads nowhere else. TLS is still checked against the name.
"""

import asyncio
import binascii
import ipaddress
import json
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from standardwebhooks.webhooks import Webhook

from alerts.channels.contract import Outgoing
from alerts.channels.exchange import answered, broken_off, certificate_authorities
from alerts.retry import Outcome, Permanent

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Refused(Exception):
    """An address that webhooks do not go to; `str()` says why."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as the system resolves them. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def is_public(text: str) -> bool:
    """Is this an address of the open internet, also when it is dressed as one of the other family? Pure."""
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is None and address.teredo is not None:
            inner = address.teredo[1]
        if inner is not None:
            return is_public(str(inner))
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast


def signed(secret: str, key: str, body: str, now: datetime) -> dict[str, str]:
    """The three headers of Standard Webhooks. Raises ValueError for a secret that is none."""
    try:
        signature = Webhook(secret).sign(key, now.astimezone(UTC), body)
    except (binascii.Error, ValueError, RuntimeError) as error:
        raise ValueError("the contact's secret is no base64 text") from error
    timestamp = str(int(now.timestamp()))
    return {"webhook-id": key, "webhook-timestamp": timestamp, "webhook-signature": signature}


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """`timeout` in seconds bounds the whole exchange. `allow_private`: for demonstrations and tests."""

    timeout: float = 10.0
    allow_private: bool = False
    resolver: Resolve = field(default=resolve)
    trust: ssl.SSLContext = field(default_factory=certificate_authorities, repr=False, compare=False)

    async def send(self, message: Outgoing, now: datetime) -> Outcome:
        """Posts the payload once; any 2xx is delivered."""
        if not message.webhook_url:
            return Permanent("the contact has no webhook any more")
        body = json.dumps(message.payload, separators=(",", ":"))
        try:
            headers = signed(message.webhook_secret or "", message.key, body, now)
            async with asyncio.timeout(self.timeout):
                return await self._post(await self._pinned(message.webhook_url), headers, body)
        except (Refused, ValueError) as error:
            return Permanent(str(error))
        except (httpx.HTTPError, OSError) as error:
            return broken_off(error, self.timeout)

    async def _pinned(self, text: str) -> "_Target":
        """Where to connect to. Raises Refused; OSError when the name cannot be resolved."""
        try:
            url = httpx.URL(text)
        except (httpx.InvalidURL, ValueError):
            raise Refused("the webhook's URL cannot be read") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise Refused("the webhook's URL is neither http nor https")
        if url.userinfo:
            raise Refused("the webhook's URL carries a password")
        name = url.raw_host.decode("ascii")
        addresses = await self.resolver(name, url.port or (443 if url.scheme == "https" else 80))
        if not addresses:
            raise OSError("no address")
        # All of them: one private address among public ones is a trap.
        if not self.allow_private and not all(is_public(address) for address in addresses):
            raise Refused("the webhook leads to a private or local address, which is not allowed")
        return _Target(url.copy_with(host=addresses[0]), url.netloc.decode("ascii"), name)

    async def _post(self, target: "_Target", headers: dict[str, str], body: str) -> Outcome:
        # A client for each message: connections are not kept to addresses that may change hands.
        async with (
            httpx.AsyncClient(
                verify=self.trust, timeout=self.timeout, follow_redirects=False, trust_env=False
            ) as client,
            client.stream(
                "POST",
                target.url,
                content=body,
                headers={
                    **headers,
                    "host": target.host,
                    "content-type": "application/json",
                    "user-agent": "Threshold",
                },
                extensions={"sni_hostname": target.name},
            ) as response,
        ):
            # The body is not read: its length, its speed and its contents are the receiver's own affair.
            return answered(response.status_code, response.headers.get("retry-after"))


@dataclass(frozen=True, slots=True)
class _Target:
    """The URL with the address in the place of its host, and the host and name that it stands for."""

    url: httpx.URL
    host: str
    name: str
