"""Can everybody be told who is to be told? What `threshold doctor` says of contacts, rotas, link persons."""

from collections.abc import Iterator, Mapping, Set
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.ladder import Audience
from alerts.model import Contact, Organisation, Role
from alerts.reach import EVERY_CHANNEL, Staff, channels_of, reaches, staff_of
from alerts.rota import Gap, gaps

AHEAD = timedelta(days=14)
"""So far ahead a rota is looked at: the next one is usually out by then."""
GAPS_NAMED = 3
"""Of one rota; the first ones are those to be filled."""
LOOKS = timedelta(minutes=30)
"""How finely a step is tried over these days: no shift is shorter."""

_PARTIES = (Role.LANDLORD, Role.CARE_PROVIDER)


def contact_faults(
    organisations: Mapping[str, Organisation],
    disabled: Mapping[tuple[str, str], str],
    channels: Set[str],
    now: datetime,
) -> Iterator[str]:
    """One sentence for each contact, rota and step with which nobody would be told.

    `disabled` gives why a contact's webhook is not used any more, by organisation and name. `channels` are
    those that this process can send by.
    """
    for organisation in organisations.values():
        for contact in organisation.contacts:
            yield from _contact(
                organisation, contact, disabled.get((organisation.id, contact.name)), channels
            )
        yield from _gaps(organisation, now)
        yield from _steps(organisation, disabled, channels, now)


def missing_links(
    organisations: Mapping[str, Organisation], present: Mapping[str, Set[str]]
) -> Iterator[str]:
    """One sentence for each scheme in which an organisation works and has named no link person.

    `present` gives the schemes of each organisation.
    """
    for name, schemes in sorted(present.items()):
        named = {link.scheme for link in organisations[name].links} if name in organisations else set[str]()
        for scheme in sorted(schemes - named):
            yield f"link persons: {name} names none for {scheme}"


def _contact(
    organisation: Organisation, contact: Contact, disabled: str | None, channels: Set[str]
) -> Iterator[str]:
    who = f"contacts: {contact.name} of {organisation.id}"
    has = _channels(contact, disabled, EVERY_CHANNEL)
    if disabled is not None:
        yield f"{who}: the webhook is not used any more: {disabled}"
    if not has:
        yield f"{who} cannot be reached: no channel that we can send by"
    elif not channels & set(has):
        yield f"{who} cannot be reached: nothing here is set up to send by {' or '.join(has)}"


def _channels(contact: Contact, disabled: str | None, channels: Set[str]) -> tuple[str, ...]:
    found = channels_of(
        contact.email,
        contact.webhook.url if contact.webhook else None,
        webhook_disabled=disabled is not None,
        phone=contact.phone,
        push_url=contact.push,
        order=contact.channels,
        in_service=channels,
    )
    return tuple(channel for channel in found if channel in channels)


def _gaps(organisation: Organisation, now: datetime) -> Iterator[str]:
    if organisation.rota is None:
        return
    zone = organisation.time_zone or "UTC"
    found = gaps(organisation.rota, now, now + AHEAD, zone)
    for gap in found[:GAPS_NAMED]:
        yield f"rotas: nobody of {organisation.id} is on call {_span(gap, ZoneInfo(zone))}"
    if len(found) > GAPS_NAMED:
        more = len(found) - GAPS_NAMED
        yield f"rotas: {more} more gaps of {organisation.id} within {AHEAD.days} days"


def _span(gap: Gap, zone: ZoneInfo) -> str:
    starts, ends = gap.starts.astimezone(zone), gap.ends.astimezone(zone)
    return f"from {starts:%a %d %B %H:%M} to {ends:%a %d %B %H:%M}"


def _steps(
    organisation: Organisation,
    disabled: Mapping[tuple[str, str], str],
    channels: Set[str],
    now: datetime,
) -> Iterator[str]:
    """A monitoring centre always has its queue; every other party has only its contacts."""
    if organisation.kind not in _PARTIES:
        return
    whole = staff_of(organisation)
    contacts = tuple(
        one
        for one, contact in zip(whole.contacts, organisation.contacts, strict=True)
        if channels & set(_channels(contact, disabled.get((organisation.id, contact.name)), channels))
    )
    staff = Staff(contacts, whole.rota, whole.time_zone)
    if not contacts:
        yield f"contacts: {organisation.id} has a duty to answer and nobody who can be told"
        return
    times = [now + LOOKS * number for number in range(int(AHEAD / LOOKS))]
    for number, audience in ((1, Audience.ON_CALL), (2, Audience.ALL_CONTACTS)):
        if not any(reaches(audience, staff, at, critical=False) for at in times):
            yield f"steps: step {number} of {organisation.id} can never run: it reaches nobody at any time"
