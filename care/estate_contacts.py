"""Organisations of an estate file: their contacts, who of them is on call when, and their link persons.

The forms are described in docs/estate.md. A rota or a calendar that names somebody who is no contact is a
fault: it would be a gap that nobody sees.
"""

from collections.abc import Callable, Mapping
from datetime import date
from zoneinfo import ZoneInfoNotFoundError

from alerts.calendars import names_in
from alerts.links import LinkPerson, Person
from alerts.model import Contact, Organisation, Role, Webhook
from alerts.reach import EMAIL, PREFERENCE, PUSH, SMS, VOICE
from alerts.rota import DAYS, EVERY_DAY, Holiday, Hours, Rota, Shift, Swap
from care.estate_record import Record
from care.notation import shown
from care.walltime import zone
from care.yamltree import Sequence

LANGUAGES = ("en", "cy")

Attached = Callable[[str], str]
"""Reads a file that lies beside the estate file. Raises OSError or ValueError."""


def organisation_of(record: Record, only_zone: str | None, attached: Attached | None) -> Organisation:
    """An organisation. `only_zone` is that of every dwelling, where they have one in common."""
    name = record.identifier("id")
    kind = record.choice("kind", Role)
    contacts: dict[str, Contact] = {}
    for inner in record.records("contacts", name_by="name"):
        contact = _contact(inner)
        if contact.name in contacts:
            inner.note("name", f"'{contact.name}' is another contact of this organisation")
        contacts[contact.name] = contact
    rota = record.record("rota")
    plan = None if rota is None else _rota(rota, contacts, attached)
    keeps_time = plan is not None or any(contact.quiet for contact in contacts.values())
    return Organisation(
        name,
        kind,
        record.optional_text("name") or name,
        tuple(contacts.values()),
        _zone(record, only_zone, needed=keeps_time),
        plan,
        _links(record),
    )


def _zone(record: Record, only_zone: str | None, *, needed: bool) -> str | None:
    said = record.optional_text("time_zone")
    if said is not None:
        try:
            zone(said)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            record.note("time_zone", f"'{shown(said)}' is not a zone such as Europe/London")
        return said
    if needed and only_zone is None:
        record.note("time_zone", "is missing; the rota and quiet hours need it where dwellings have several")
    return only_zone if needed else None


def _contact(record: Record) -> Contact:
    webhook = record.record("webhook")
    hook = None if webhook is None else Webhook(_address(webhook), webhook.text("secret"))
    email = record.optional_text("email")
    if email is not None and (email.count("@") != 1 or email[0] == "@" or email[-1] == "@" or " " in email):
        record.note("email", f"'{email}' is not an e-mail address")
    push = record.optional_text("push")
    if push is not None and "://" not in push:
        record.note("push", "must be an Apprise URL, such as ntfy://…")  # not repeated: it may hold a secret
    language = record.optional_text("language") or LANGUAGES[0]
    if language not in LANGUAGES:
        record.note("language", f"'{shown(language)}' is none of {', '.join(LANGUAGES)}")
    phone = record.optional_text("phone")
    has = {EMAIL: email, SMS: phone, VOICE: phone, PUSH: push}
    quiet = record.record("quiet")
    return Contact(
        record.text("name"),
        email,
        phone,
        hook,
        push,
        _order(record, has),
        None if quiet is None else _hours(quiet),
        language,
        record.flag("on_call") or not record.has("on_call"),
        record.flag("fallback"),
    )


def _address(record: Record) -> str:
    url = record.text("url")
    if url and not url.startswith(("https://", "http://")):
        record.note("url", "must begin with https:// or http://")
    return url


def _order(record: Record, has: Mapping[str, str | None]) -> tuple[str, ...]:
    order: dict[str, None] = {}
    for channel, line in record.texts("channels"):
        if channel not in PREFERENCE:
            words = f"'{shown(channel)}' is none of {', '.join(PREFERENCE)}; a webhook is always told besides"
            record.note("channels", words, line)
        elif not has[channel]:
            needed = "phone" if channel in (SMS, VOICE) else channel
            record.note("channels", f"'{channel}' needs the contact's '{needed}'", line)
        order[channel] = None
    return tuple(order)


def _rota(record: Record, contacts: Mapping[str, Contact], attached: Attached | None) -> Rota:
    weekly = tuple(_shift(inner, contacts) for inner in record.records("weekly", name_by="contact"))
    calendar = _calendar(record, contacts, attached)
    if not weekly and calendar is None:
        record.note(
            "weekly", "is missing; a rota has a weekly pattern, or a calendar as 'ical' or 'ical_file'"
        )
    if weekly and calendar is not None:
        record.note("weekly", "stands beside a calendar; a rota has one of the two")
    holidays: dict[date, Holiday] = {}
    for inner in record.records("holidays", name_by="date"):
        holiday = _holiday(inner, weekly, contacts)
        if holiday.day in holidays:
            inner.note("date", f"'{holiday.day}' is another holiday of this rota")
        holidays[holiday.day] = holiday
    swaps = tuple(_swap(inner, contacts) for inner in record.records("swaps", name_by="who"))
    return Rota(weekly, calendar, tuple(holidays.values()), swaps)


def _calendar(record: Record, contacts: Mapping[str, Contact], attached: Attached | None) -> str | None:
    field, text = "ical", record.optional_text("ical")
    path = record.optional_text("ical_file")
    if path is not None:
        field = "ical_file"
        if attached is None:
            record.note(field, "cannot be read here: this estate came without its folder")
            return None
        try:
            text = attached(path)
        except (OSError, ValueError) as error:
            record.note(field, f"'{shown(path)}' cannot be read: {getattr(error, 'strerror', None) or error}")
            return None
    if text is None:
        return None
    try:
        names = names_in(text)
    except ValueError as error:
        record.note(field, str(error)[:200])
        return None
    for name in names:
        if name not in contacts:
            record.note(field, f"an entry's summary is '{shown(name)}', and no contact has that name")
    return text


def _shift(record: Record, contacts: Mapping[str, Contact]) -> Shift:
    return Shift(_named(record, "contact", contacts), _hours(record))


def _hours(record: Record) -> Hours:
    return Hours(record.wall("from"), record.wall("until"), _days(record))


def _days(record: Record) -> frozenset[int]:
    """`mon-fri`, `sat, sun`, a list of such; every day when left out."""
    if not record.has("days"):
        return EVERY_DAY
    if isinstance(record.fields["days"], Sequence):
        parts = [text for text, _ in record.texts("days")]
    else:
        parts = (record.optional_text("days") or "").split(",")
    found: set[int] = set()
    for part in parts:
        first, dash, last = (word.strip().lower()[:3] for word in part.partition("-"))
        if first not in DAYS or (dash and last not in DAYS):
            record.note("days", f"'{shown(part.strip())}' is no day or span of days, such as mon-fri")
            continue
        at, to = DAYS.index(first), DAYS.index(last if dash else first)
        found |= {day % 7 for day in range(at, to + 1 if to >= at else to + 8)}
    return frozenset(found)


def _holiday(record: Record, weekly: tuple[Shift, ...], contacts: Mapping[str, Contact]) -> Holiday:
    day = _day(record, "date")
    like = record.optional_text("like")
    if like is None:
        return Holiday(day, tuple(_shift(inner, contacts) for inner in record.records("shifts", "contact")))
    if like.lower()[:3] not in DAYS:
        record.note("like", f"'{shown(like)}' is no day of the week")
        return Holiday(day, ())
    number = DAYS.index(like.lower()[:3])
    return Holiday(day, tuple(shift for shift in weekly if number in shift.hours.days))


def _swap(record: Record, contacts: Mapping[str, Contact]) -> Swap:
    first, last = _span(record)
    return Swap(first, last, _named(record, "who", contacts), _named(record, "for", contacts))


def _span(record: Record) -> tuple[date, date]:
    first, last = _day(record, "from"), _day(record, "until")
    if last < first:
        record.note("until", "must not be earlier than 'from'")
    return first, last


def _day(record: Record, field: str) -> date:
    """A date that must be there."""
    if record.has(field):
        return record.optional_day(field) or date(2000, 1, 1)
    record.note(field, "is missing")
    return date(2000, 1, 1)


def _named(record: Record, field: str, contacts: Mapping[str, Contact]) -> str:
    name = record.text(field)
    if name and name not in contacts:
        record.note(field, f"no contact of this organisation is named '{shown(name)}'")
    return name


def _links(record: Record) -> tuple[LinkPerson, ...]:
    links: dict[str, LinkPerson] = {}
    for inner in record.records("link_persons", name_by="scheme"):
        scheme = inner.text("scheme")
        if scheme in links:
            inner.note("scheme", f"'{shown(scheme)}' has another link person of this organisation")
        deputy = inner.record("deputy")
        away = tuple(_span(span) for span in inner.records("away", name_by="from"))
        links[scheme] = LinkPerson(scheme, _person(inner), _person(deputy) if deputy else None, away)
    return tuple(links.values())


def _person(record: Record) -> Person:
    return Person(record.text("name"), record.optional_text("phone"), record.optional_text("email"))
