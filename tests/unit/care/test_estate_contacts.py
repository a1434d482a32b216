"""Contacts, rotas, quiet hours and link persons of an estate file."""

from datetime import date, time

import pytest

from alerts.links import LinkPerson, Person
from alerts.rota import Holiday, Hours, Rota, Shift, Swap
from care.errors import EstateErrors
from care.estate import read_estate
from care.model import Estate

HOMES = """
dwellings:
  - {id: elm-12, scheme: elm-court, time_zone: Europe/London}
"""
TWO_ZONES = HOMES + "  - {id: oak-3, time_zone: Europe/Dublin}\n"
BRIGHT = """organisations:
  - id: bright
    kind: care_provider
    contacts:
      - {name: Ann, phone: "+441", email: ann@b.example, push: "ntfy://topic", channels: [sms, push, email],
         quiet: {from: "22:00", until: "07:00", days: mon-fri}, language: cy}
      - {name: Bob, email: bob@b.example, on_call: false, fallback: true}
"""
ROTA = """    rota:
      weekly:
        - {days: mon-fri, from: "08:00", until: "18:00", contact: Ann}
        - {from: "18:00", until: "08:00", contact: Bob}
        - {days: [sat, sun], from: "08:00", until: "18:00", contact: Bob}
      holidays:
        - {date: 2026-12-25, like: sun}
        - {date: 2026-12-26, shifts: [{from: "00:00", until: "00:00", contact: Ann}]}
      swaps:
        - {from: 2026-12-01, until: 2026-12-07, who: Bob, for: Ann}
"""
CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//a//b//EN
BEGIN:VEVENT
UID:1
DTSTAMP:20260101T000000Z
DTSTART:20261019T180000
DTEND:20261020T080000
SUMMARY:Bob
END:VEVENT
END:VCALENDAR
"""


def read(text: str) -> Estate:
    """The estate in `text`; the file `rota.ics` lies beside it, and no other."""
    files = {"rota.ics": CALENDAR}

    def attached(path: str) -> str:
        if path not in files:
            raise FileNotFoundError(2, "no such file")
        return files[path]

    return read_estate(text, "estate.yaml", attached)


def faults(text: str) -> list[str]:
    """What is wrong with `text`, as people read it."""
    with pytest.raises(EstateErrors) as raised:
        read(text)
    return [str(fault) for fault in raised.value.faults]


def test_a_contact_has_channels_in_its_own_order_quiet_hours_and_a_language() -> None:
    """And may wait for the second step, or stand behind the others as a fallback."""
    ann, bob = read(BRIGHT + HOMES).organisations["bright"].contacts
    assert (ann.channels, ann.push, ann.language) == (("sms", "push", "email"), "ntfy://topic", "cy")
    assert ann.quiet == Hours(time(22), time(7), frozenset(range(5)))
    assert (ann.on_call, ann.fallback, bob.on_call, bob.fallback) == (True, False, False, True)


def test_a_rota_has_a_weekly_pattern_holidays_and_swaps() -> None:
    """A holiday like a Sunday has the shifts of Sundays."""
    organisation = read(BRIGHT + ROTA + HOMES).organisations["bright"]
    nights, weekend = (
        Shift("Bob", Hours(time(18), time(8))),
        Shift("Bob", Hours(time(8), time(18), frozenset({5, 6}))),
    )
    assert organisation.time_zone == "Europe/London"
    assert organisation.rota == Rota(
        (Shift("Ann", Hours(time(8), time(18), frozenset(range(5)))), nights, weekend),
        None,
        (
            Holiday(date(2026, 12, 25), (nights, weekend)),
            Holiday(date(2026, 12, 26), (Shift("Ann", Hours(time(0), time(0))),)),
        ),
        (Swap(date(2026, 12, 1), date(2026, 12, 7), "Bob", "Ann"),),
    )


def test_a_rota_may_be_a_calendar_in_the_file_or_beside_it() -> None:
    """The same text either way."""
    inline = "    rota:\n      ical: |\n" + "".join(f"        {line}\n" for line in CALENDAR.splitlines())
    beside = "    rota: {ical_file: rota.ics}\n"
    for rota in (inline, beside):
        found = read(BRIGHT + rota + HOMES).organisations["bright"].rota
        assert found is not None
        assert found.calendar is not None
        assert found.calendar.strip() == CALENDAR.strip()


def test_a_link_person_has_a_deputy_for_the_days_away() -> None:
    """One for each scheme."""
    links = """    link_persons:
      - {scheme: elm-court, name: Pat Reed, phone: "+442", deputy: {name: Sam Low, email: s@b.example},
         away: [{from: 2026-12-24, until: 2027-01-02}]}
"""
    assert read(BRIGHT + links + HOMES).organisations["bright"].links == (
        LinkPerson(
            "elm-court",
            Person("Pat Reed", "+442"),
            Person("Sam Low", None, "s@b.example"),
            ((date(2026, 12, 24), date(2027, 1, 2)),),
        ),
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (BRIGHT.replace("[sms, push, email]", "[fax]") + HOMES, "channels: 'fax' is none of push, sms,"),
        (BRIGHT.replace('phone: "+441", ', "") + HOMES, "channels: 'sms' needs the contact's 'phone'"),
        (BRIGHT.replace("ntfy://topic", "topic") + HOMES, "push: must be an Apprise URL"),
        (BRIGHT.replace("language: cy", "language: fr") + HOMES, "language: 'fr' is none of en, cy"),
        (BRIGHT.replace("mon-fri", "mon-fry") + HOMES, "quiet.days: 'mon-fry' is no day or span of days"),
        (BRIGHT.replace("{name: Bob", "{name: Ann") + HOMES, "name: 'Ann' is another contact"),
        (BRIGHT + ROTA + TWO_ZONES, "time_zone: is missing; the rota and quiet hours need it"),
        (BRIGHT + "    time_zone: London\n" + HOMES, "time_zone: 'London' is not a zone"),
        (BRIGHT + ROTA.replace("contact: Ann", "contact: Eve", 1) + HOMES, "no contact of this organisation"),
        (BRIGHT + ROTA.replace("for: Ann", "for: Eve") + HOMES, "swaps[Bob].for: no contact"),
        (BRIGHT + ROTA.replace("until: 2026-12-07", "until: 2026-11-07") + HOMES, "must not be earlier than"),
        (BRIGHT + ROTA.replace("until: 2026-12-07, ", "") + HOMES, "swaps[Bob].until: is missing"),
        (BRIGHT + ROTA.replace("like: sun", "like: easter") + HOMES, "like: 'easter' is no day"),
        (
            BRIGHT + ROTA.replace('until: "18:00", contact: Ann', "contact: Ann", 1) + HOMES,
            "weekly[Ann].until",
        ),
        (BRIGHT + "    rota: {}\n" + HOMES, "rota.weekly: is missing; a rota has a weekly pattern, or"),
        (BRIGHT + "    rota: {ical: nonsense}\n" + HOMES, "rota.ical: is no iCalendar"),
        (BRIGHT + "    rota: {ical_file: gone.ics}\n" + HOMES, "'gone.ics' cannot be read: no such file"),
        (
            BRIGHT.replace("name: Bob", "name: Rob") + "    rota: {ical_file: rota.ics}\n" + HOMES,
            "'Bob', and no",
        ),
        (
            BRIGHT + "    link_persons: [{scheme: elm-court}]\n" + HOMES,
            "link_persons[elm-court].name: is missing",
        ),
    ],
)
def test_a_fault_names_its_line_and_field(text: str, fault: str) -> None:
    """One line each, and nothing is loaded."""
    found = faults(text)
    assert any(fault in each for each in found), found
    assert all(each.startswith("estate.yaml:") for each in found)


def test_an_organisation_without_a_rota_needs_no_zone() -> None:
    """The contract's shape of an estate stays as it was."""
    text = "organisations:\n  - {id: b, kind: landlord, contacts: [{name: A, email: a@b.example}]}\n"
    organisation = read(text + TWO_ZONES).organisations["b"]
    assert (organisation.time_zone, organisation.rota, organisation.links) == (None, None, ())
