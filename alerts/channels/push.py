"""Push messages through Apprise: a contact's address is an Apprise URL, one of a hundred services.

Apprise says only yes or no, so every no is worth another try. It works in threads of ours with a time limit:
a thread that overstays it is left to end by itself, and no longer waited for.
"""

import asyncio
import logging
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from typing import Any, Final

from alerts.channels.contract import Outgoing
from alerts.channels.webhook import Resolve, is_public, resolve
from alerts.retry import Delivered, Outcome, Permanent, Retryable

THREADS: Final = 16
"""As many as the hands of a channel."""
ON_THIS_MACHINE: Final = frozenset(
    {"dbus", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows", "windows-toast"}
)
"""Services that would tell the machine on which we run, and nobody else."""


@cache
def _apprise() -> Any:
    """The library, loaded with the first message: it takes half a second.

    Raises nothing; called in a thread.
    """
    # It logs what it sends, and its modules import what Python has deprecated: neither is for our logs.
    logging.getLogger("apprise").disabled = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import apprise

        apprise.Apprise.instantiate("none://", suppress_exceptions=True)  # loads them all
    return apprise


def _service(url: str) -> Any:
    library = _apprise()
    asset = library.AppriseAsset(http_redirects=False, async_mode=False)
    return library.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)


@dataclass(frozen=True, slots=True)
class PushChannel:
    """`timeout` in seconds bounds one message. `allow_private`: for demonstrations and tests."""

    timeout: float = 15.0
    allow_private: bool = False
    resolver: Resolve = field(default=resolve)
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(THREADS, "push"), repr=False, compare=False
    )

    async def send(self, message: Outgoing, now: datetime) -> Outcome:
        """Hands the message to the service behind the contact's URL."""
        if not message.push_url:
            return Permanent("the contact has no push address any more")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.timeout):
                service = await loop.run_in_executor(self._threads, _service, message.push_url)
                if service is None:
                    return Permanent("the contact's push address is none that Apprise knows")
                if not self.allow_private and await self._stays_at_home(service):
                    return Permanent("the push address leads to a private or local address, not allowed")
                # A phone's screen is small: the short words, and the subject as their title.
                taken = await loop.run_in_executor(
                    self._threads, partial(service.notify, title=message.subject, body=message.short)
                )
        except TimeoutError:
            return Retryable(f"no answer within {self.timeout:g} s", maybe=True)
        return Delivered() if taken else Retryable("the push service did not take it", maybe=True)

    async def _stays_at_home(self, service: Any) -> bool:
        """Does it lead to this machine or its network? A name without address is the service's affair."""
        if service.schema in ON_THIS_MACHINE:
            return True
        if "host" not in service.template_tokens or not service.host:
            return False
        try:
            addresses = await self.resolver(service.host, service.port or 443)
        except OSError:
            return False
        return not all(is_public(address) for address in addresses)
