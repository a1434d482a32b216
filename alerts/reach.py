"""Whom does a step of a ladder reach, and by which channels? Pure: its people in, addresses out.

A contact counts when it has a channel that somebody can send by at that moment: a disabled webhook is none,
a telephone is one where a delivery role can ring it, and quiet hours leave only what is critical. The service
and the backtest ask here; a backtest has every channel, because it tries the plan and not the deployment.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from alerts.ladder import Audience
from alerts.model import Organisation
from alerts.rota import Hours, Rota, on_call

EMAIL = "email"
WEBHOOK = "webhook"
PUSH = "push"
SMS = "sms"
VOICE = "voice"

PREFERENCE = (PUSH, SMS, VOICE, EMAIL)
"""The order for people when a contact names none: what rings first, the letter-box last."""
EVERYWHERE = frozenset({EMAIL, WEBHOOK})
"""Channels that need no announcement: letters wait in the outbox until there is a mail server."""
EVERY_CHANNEL = frozenset({*PREFERENCE, WEBHOOK})


@dataclass(frozen=True, slots=True)
class Reachable:
    """A contact as a step sees it. `channels` are those it has, in the order in which they are tried.

    `on_call` False: told from the second step on. `fallback`: whom a centre's third step tells.
    """

    contact_id: int
    organisation_id: str
    name: str
    on_call: bool
    channels: tuple[str, ...]
    quiet: Hours | None = None
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class Staff:
    """An organisation's contacts, and who of them is on call when. `rota` None: all who are not held back."""

    contacts: tuple[Reachable, ...] = ()
    rota: Rota | None = None
    time_zone: str = "UTC"


def staff_of(organisation: Organisation) -> Staff:
    """An organisation as its estate file has it, with every channel in service: what a backtest asks of."""
    contacts = tuple(
        Reachable(
            number,
            organisation.id,
            contact.name,
            contact.on_call,
            channels_of(
                contact.email,
                contact.webhook.url if contact.webhook else None,
                webhook_disabled=False,
                phone=contact.phone,
                push_url=contact.push,
                order=contact.channels,
                in_service=EVERY_CHANNEL,
            ),
            contact.quiet,
            contact.fallback,
        )
        for number, contact in enumerate(organisation.contacts)
    )
    return Staff(contacts, organisation.rota, organisation.time_zone or "UTC")


@dataclass(frozen=True, slots=True)
class Address:
    """One message's way: this contact by this channel, and by those of `failover` in order if it fails."""

    contact_id: int
    channel: str
    failover: tuple[str, ...] = ()


def channels_of(
    email: str | None,
    webhook_url: str | None,
    *,
    webhook_disabled: bool,
    phone: str | None = None,
    push_url: str | None = None,
    order: Sequence[str] = (),
    in_service: Set[str] = EVERYWHERE,
) -> tuple[str, ...]:
    """The channels that a contact has and that somebody can send by; the webhook, a program's, first.

    `order` are those that its people are told by, in their preference; empty: all they have, as PREFERENCE.
    """
    has = {EMAIL: bool(email), SMS: bool(phone), VOICE: bool(phone), PUSH: bool(push_url)}
    people = tuple(
        channel
        for channel in order or PREFERENCE
        if has.get(channel) and (channel in in_service or channel in EVERYWHERE)
    )
    return (WEBHOOK, *people) if webhook_url and not webhook_disabled else people


def addresses(audience: Audience, staff: Staff, at: datetime, *, critical: bool) -> tuple[Address, ...]:
    """The addresses of an audience at a moment, each once.

    The queue is a screen: its people are told there, and only a centre's own program, by webhook, besides.
    A program is told beside the people and keeps no quiet hours. `critical`: quiet hours do not hold.
    """
    found = []
    for contact in _asked(audience, staff, at):
        people = tuple(channel for channel in contact.channels if channel != WEBHOOK)
        if WEBHOOK in contact.channels:
            found.append(Address(contact.contact_id, WEBHOOK))
        if people and audience is not Audience.QUEUE and (critical or not _quiet(contact, staff, at)):
            found.append(Address(contact.contact_id, people[0], people[1:]))
    return tuple(found)


def reaches(audience: Audience, staff: Staff, at: datetime, *, critical: bool) -> bool:
    """Is anybody there?"""
    return bool(addresses(audience, staff, at, critical=critical))


def _asked(audience: Audience, staff: Staff, at: datetime) -> Iterable[Reachable]:
    if audience is Audience.ON_CALL:
        if staff.rota is None:
            return [contact for contact in staff.contacts if contact.on_call]
        names = on_call(staff.rota, at, staff.time_zone).contacts
        return [contact for contact in staff.contacts if contact.name in names or _is_a_program(contact)]
    if audience is Audience.FALLBACK:
        return [contact for contact in staff.contacts if contact.fallback] or staff.contacts
    return staff.contacts


def _is_a_program(contact: Reachable) -> bool:
    """A webhook and nothing else stands in no rota and sleeps at no time."""
    return contact.channels == (WEBHOOK,)


def _quiet(contact: Reachable, staff: Staff, at: datetime) -> bool:
    return contact.quiet is not None and contact.quiet.cover(at, staff.time_zone)
