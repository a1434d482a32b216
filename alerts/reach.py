"""Whom does a step of a ladder reach, and by which channels? Pure: contacts in, addresses out.

A contact counts when it has a channel that this program can send by; a disabled webhook is none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alerts.ladder import Audience

EMAIL = "email"
WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Reachable:
    """A contact as a step sees it: its channels in the order in which they are tried."""

    contact_id: int
    organisation_id: str
    name: str
    on_call: bool
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Address:
    """One message's way: this contact by this channel."""

    contact_id: int
    channel: str


def channels_of(email: str | None, webhook_url: str | None, *, webhook_disabled: bool) -> tuple[str, ...]:
    """The channels that a contact has. A telephone alone is none yet: nothing here can ring it."""
    channels = []
    if webhook_url and not webhook_disabled:
        channels.append(WEBHOOK)
    if email:
        channels.append(EMAIL)
    return tuple(channels)


def addresses(audience: Audience, contacts: Iterable[Reachable]) -> tuple[Address, ...]:
    """The addresses of an audience among the contacts of the duty's organisation, each once.

    The queue is a screen: its people are told there, and only a centre's own program, by webhook, besides.
    """
    return tuple(
        Address(contact.contact_id, channel)
        for contact in contacts
        if contact.on_call or audience is not Audience.ON_CALL
        for channel in contact.channels
        if channel == WEBHOOK or audience is not Audience.QUEUE
    )


def reaches(audience: Audience, contacts: Sequence[Reachable]) -> bool:
    """Is anybody there?"""
    return bool(addresses(audience, contacts))
