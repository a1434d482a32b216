"""Whom do the other parties approach about a scheme today? Pure (domain/joint_work.md: "who do I approach?").

Each organisation names a link person for each scheme, with a deputy for the days that the person is away.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to be approached at work."""

    name: str
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class LinkPerson:
    """An organisation's link person for one scheme. `away`: spans of local dates, both ends included."""

    scheme: str
    person: Person
    deputy: Person | None = None
    away: tuple[tuple[date, date], ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """Who it is on a day, and why."""

    person: Person
    is_deputy: bool
    reason: str


def link_on(link: LinkPerson, day: date) -> Link:
    """The link person of that day; away without a deputy, it is still the person, and the reason says so."""
    span = next((span for span in link.away if span[0] <= day <= span[1]), None)
    if span is None:
        return Link(link.person, False, f"link person for {link.scheme}")
    absent = f"{link.person.name} is away until {span[1]:%d %B}"
    if link.deputy is None:
        return Link(link.person, False, f"{absent}, and no deputy is named")
    return Link(link.deputy, True, f"deputy: {absent}")


def person_to_json(person: Person | None) -> dict[str, Any] | None:
    """A person as their row holds them."""
    return None if person is None else asdict(person)


def link_from_json(
    scheme: str, person: Mapping[str, Any], deputy: Mapping[str, Any] | None, away: list[list[str]]
) -> LinkPerson:
    """A link person from the columns of their row."""
    spans = tuple((date.fromisoformat(first), date.fromisoformat(last)) for first, last in away)
    return LinkPerson(scheme, Person(**person), Person(**deputy) if deputy else None, spans)
