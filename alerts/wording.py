"""What each party is told, in its own words. Pure: facts of an alert in, a message for one role out.

Source: domain/visits.md §7, What each is told. A message is stored as codes and moments, and put into words
in its reader's language when it is sent. A landlord's message is made from the place and the parties alone,
so that no carer, task, provider roster or free text can get into it. No letter carries a clinical word, nor
a full name with an address: carers are shortened, residents are not named.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateError

from alerts.languages import DEFAULT_LANGUAGE, LANGUAGES, Language
from alerts.model import DutyState, Priority, Role, VisitAlertKind
from alerts.retry import Purpose

PARTS = ("subject", "text", "short", "spoken")
"""The blocks of every template."""
LONGEST_SHORT = 300
"""Two text messages of 160 characters, without the marks that join them."""


class WordingError(ValueError):
    """A message that cannot be put into words: a template or one of its fields is missing."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where: an address, or the name of a unit or a scheme where no home is known."""

    name: str
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Party:
    """Another organisation with a duty in the same alert."""

    organisation_id: str
    name: str
    role: Role
    state: DutyState
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class VisitFacts:
    """What the provider and the centre may know of a visit; `carers` and `seen` are the provider's own."""

    visit_ref: str
    planned_start: datetime
    carers: tuple[str, ...] = ()
    seen: tuple[tuple[str, datetime], ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything known of an alert when a message about it is written."""

    alert_id: int
    kind: str
    priority: int
    raised_at: datetime
    place: Place
    parties: tuple[Party, ...]
    tier: str | None = None
    visit: VisitFacts | None = None
    hub_id: str | None = None
    presses: int = 1
    is_test: bool = False
    raised_late: bool = False


@dataclass(frozen=True, slots=True)
class Correction:
    """Why an alert is stood down, and when what decided it was received."""

    cause: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """A message as a person reads it in a letter, on a small screen, or hears it."""

    subject: str
    text: str
    short: str = ""
    spoken: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What one contact is told: a template's name and its fields, ready to be stored and rendered later."""

    template: str
    fields: dict[str, Any] = field(default_factory=dict)


def short_name(name: str) -> str:
    """'Joy Okafor' becomes 'Joy O.': no full name stands beside an address."""
    first, *rest = name.split()[:1] + name.split()[-1:] if name.split() else ("",)
    return f"{first} {rest[0][0]}." if rest and rest[0] != first else first


def message_for(
    role: Role,
    organisation_id: str,
    facts: Facts,
    purpose: Purpose,
    correction: Correction | None = None,
) -> Message:
    """The message of one party's duty, in no language yet. `correction` belongs to a stand-down."""
    visit_kind = facts.kind in list(VisitAlertKind)
    fields: dict[str, Any] = {
        "alert": facts.alert_id,
        "kind": facts.kind,
        "priority": facts.priority,
        "place": facts.place.name,
        "zone": facts.place.time_zone,
        "since": facts.raised_at.isoformat(),
        "reminder": purpose is Purpose.REMINDER,
        "raised_late": facts.raised_late,
        "others": [_party(party) for party in facts.parties if party.organisation_id != organisation_id],
    }
    if correction is not None:
        fields["ended"] = correction.at.isoformat()
    if visit_kind:
        fields["tier"] = facts.tier
    if role is not Role.LANDLORD:
        fields |= _for_those_who_care(role, facts, correction)
    family = "visit" if visit_kind else "fault" if facts.priority >= Priority.TECHNICAL else "alarm"
    ending = "over" if purpose is Purpose.STAND_DOWN else "open"
    return Message(f"{family}.{role.value}.{ending}", fields)


def render(message: Message, console: str, language: str = DEFAULT_LANGUAGE) -> Written:
    """The message in words; `console` is the address at which the alert can be answered.

    Raises WordingError when a template or a field of it is missing.
    """
    speech = LANGUAGES.get(language, LANGUAGES[DEFAULT_LANGUAGE])
    try:
        words = _words(message.fields, speech)
    except (LookupError, TypeError, ValueError) as error:
        raise WordingError(f"the template '{message.template}' lacks a field: {error}") from error
    return _rendered(message.template, {**words, "console": console.rstrip("/")}, speech)


def listed(messages: Sequence[Written], language: str = DEFAULT_LANGUAGE) -> Written:
    """Several messages to one contact as one that lists them."""
    if len(messages) == 1:
        return messages[0]
    speech = LANGUAGES.get(language, LANGUAGES[DEFAULT_LANGUAGE])
    return _rendered("list", {"messages": messages}, speech)


def _rendered(name: str, fields: dict[str, Any], speech: Language) -> Written:
    try:
        template = _environment().get_template(f"{speech.code}/{name}.txt")
        context = template.new_context(fields)
        said = {part: "".join(template.blocks[part](context)).strip() for part in PARTS}
    except (TemplateError, KeyError) as error:
        raise WordingError(f"the template '{name}' cannot be rendered: {error}") from error
    # A line break in a subject would begin a new header; a small screen and the ear know no lines.
    subject, short, spoken = (" ".join(said[part].split()) for part in ("subject", "short", "spoken"))
    return Written(subject, said["text"] + "\n", clipped(short), spoken)


def clipped(text: str) -> str:
    """A text message within its measure; an address at its end stays whole."""
    if len(text) <= LONGEST_SHORT:
        return text
    words, _, last = text.rpartition(" ")
    keep = last if "://" in last else ""
    return f"{words[: LONGEST_SHORT - len(keep) - 2].rstrip()}… {keep}".rstrip()


def thin(kind: str, purpose: Purpose, alert_id: int, duty_id: int, at: datetime) -> dict[str, Any]:
    """A webhook's body (contract §7): ids and kind; the receiver fetches the rest under its own role."""
    types = {
        Purpose.RAISE: "duty.raised",
        Purpose.REMINDER: "duty.unanswered",
        Purpose.STAND_DOWN: "alert.stood_down",
    }
    return {
        "type": types[purpose],
        "timestamp": at.isoformat(),
        "data": {"alert": alert_id, "duty": duty_id, "kind": kind},
    }


def _for_those_who_care(role: Role, facts: Facts, correction: Correction | None) -> dict[str, Any]:
    fields: dict[str, Any] = {"presses": facts.presses, "is_test": facts.is_test, "hub": facts.hub_id}
    if correction is not None:
        fields["cause"] = correction.cause
    if facts.visit is not None:
        fields["visit"] = facts.visit.visit_ref
        fields["planned"] = facts.visit.planned_start.isoformat()
        if role is Role.CARE_PROVIDER:
            fields["carers"] = [short_name(name) for name in facts.visit.carers]
            fields["seen"] = [[short_name(name), at.isoformat()] for name, at in facts.visit.seen]
    return fields


def _party(party: Party) -> dict[str, str | None]:
    return {
        "name": party.name,
        "role": party.role.value,
        "state": party.state.value,
        "at": party.answered_at.isoformat() if party.answered_at else None,
    }


def _words(fields: dict[str, Any], speech: Language) -> dict[str, Any]:
    """What is stored in codes and moments, as a language says it."""
    zone = _zone(fields["zone"])

    def moment(text: str) -> str:
        return speech.moment(datetime.fromisoformat(text).astimezone(zone))

    said = {**fields, "what": speech.what(fields["kind"], fields["priority"])}
    for name in ("since", "ended", "planned"):
        if name in fields:
            said[name] = moment(fields[name])
    if "tier" in fields:
        said["urgency"] = speech.urgency.get(fields["tier"] or "", speech.urgency["essential"])
    if "seen" in fields:
        said["seen"] = [f"{name} {moment(at)}" for name, at in fields["seen"]]
    said["others"] = [
        speech.party(other["name"], other["role"], other["state"], moment(other["at"]) if other["at"] else "")
        for other in fields["others"]
    ]
    return said


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("alerts", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # letters are plain text
    )


def templates_wanted() -> Sequence[str]:
    """Every template that can be asked for: a test holds the folder to it."""
    roles = (Role.LANDLORD, Role.CARE_PROVIDER, Role.MONITORING_CENTRE)
    names = ["list"]
    names += [f"visit.{role.value}.{ending}" for role in roles for ending in ("open", "over")]
    names += [f"alarm.{Role.MONITORING_CENTRE.value}.{ending}" for ending in ("open", "over")]
    names += [
        f"fault.{role.value}.{ending}"
        for role in (Role.MONITORING_CENTRE, Role.LANDLORD)
        for ending in ("open", "over")
    ]
    return names
