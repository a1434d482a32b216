"""What each party is told, in its own words. Pure: facts of an alert in, a message for one role out.

Source: domain/visits.md §7, What each is told. A landlord's message is made from the place and the parties
alone, so that no carer, task, provider roster or free text can get into it. No letter carries a clinical
word, nor a full name with an address: carers are shortened, residents are not named.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateError

from alerts.model import DutyState, Priority, Role, VisitAlertKind
from alerts.retry import Purpose

LANGUAGE = "en"


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
    """A message as a person reads it."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """What one contact is told: a template's name and its fields, ready to be stored and rendered later."""

    template: str
    fields: dict[str, Any] = field(default_factory=dict)


_VISIT_WORDS: dict[str, str] = {
    VisitAlertKind.LATE: "is late",
    VisitAlertKind.MISSED: "was not made",
    VisitAlertKind.UNVERIFIED: "cannot be confirmed",
    VisitAlertKind.PART_ATTENDED: "was made by fewer carers than planned",
}
_URGENCY: dict[str, str] = {
    "critical": "very urgent",
    "essential": "urgent",
    "standard": "soon, please",
    "flexible": "today, please",
}
_ALARM_WORDS: dict[str, str] = {
    "alarm.smoke": "a fire or gas alarm",
    "alarm.heat": "a fire or gas alarm",
    "alarm.co": "a fire or gas alarm",
    "alarm.gas": "a fire or gas alarm",
    "alarm.unreadable": "a message that looks like an alarm and cannot be read",
    "hub.silent": "a unit that has fallen silent",
    "door.forced": "a forced door",
    "door.held": "a door held open",
    "door.call": "an unexpected caller at a door",
}
_BY_PRIORITY: dict[int, str] = {
    Priority.LIFE_SAFETY: "a call for help",
    Priority.WELFARE: "a welfare alarm",
    Priority.ACCESS: "a call at a door",
    Priority.TECHNICAL: "a fault of the equipment",
}
_ROLE_WORDS: dict[Role, str] = {
    Role.LANDLORD: "housing",
    Role.CARE_PROVIDER: "care provider",
    Role.MONITORING_CENTRE: "monitoring centre",
    Role.COMMISSIONER: "council",
}


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
    """The message of one party's duty. `correction` belongs to a stand-down."""
    visit_kind = facts.kind in _VISIT_WORDS
    zone = _zone(facts.place.time_zone)
    fields: dict[str, Any] = {
        "alert": facts.alert_id,
        "place": facts.place.name,
        "since": _local(facts.raised_at, zone),
        "reminder": purpose is Purpose.REMINDER,
        "raised_late": facts.raised_late,
        "others": [
            _party_words(party, zone) for party in facts.parties if party.organisation_id != organisation_id
        ],
    }
    if correction is not None:
        fields["ended"] = _local(correction.at, zone)
    if visit_kind:
        fields["what"] = _VISIT_WORDS[facts.kind]
        fields["urgency"] = _URGENCY.get(facts.tier or "", "urgent")
    else:
        fields["what"] = _ALARM_WORDS.get(facts.kind) or _BY_PRIORITY.get(facts.priority, "an alarm")
    if role is not Role.LANDLORD:
        fields |= _for_those_who_care(role, facts, zone, correction)
    family = "visit" if visit_kind else "fault" if facts.priority >= Priority.TECHNICAL else "alarm"
    ending = "over" if purpose is Purpose.STAND_DOWN else "open"
    return Message(f"{family}.{role.value}.{ending}", fields)


def render(message: Message, console: str) -> Written:
    """The message in words; `console` is the address at which the alert can be answered.

    Raises WordingError when a template or a field of it is missing.
    """
    return _rendered(message.template, {**message.fields, "console": console.rstrip("/")})


def listed(messages: Sequence[Written]) -> Written:
    """Several messages to one contact as one that lists them."""
    return messages[0] if len(messages) == 1 else _rendered("list", {"messages": messages})


def _rendered(name: str, fields: dict[str, Any]) -> Written:
    try:
        text = _environment().get_template(f"{LANGUAGE}/{name}.txt").render(fields)
    except TemplateError as error:
        raise WordingError(f"the template '{name}' cannot be rendered: {error}") from error
    subject, _, body = text.partition("\n")
    # A line break in a subject would begin a new header.
    return Written(" ".join(subject.split()), body.strip() + "\n")


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


def _for_those_who_care(
    role: Role, facts: Facts, zone: ZoneInfo, correction: Correction | None
) -> dict[str, Any]:
    fields: dict[str, Any] = {"presses": facts.presses, "is_test": facts.is_test, "hub": facts.hub_id}
    if correction is not None:
        fields["cause"] = correction.cause
    if facts.visit is not None:
        fields["visit"] = facts.visit.visit_ref
        fields["planned"] = _local(facts.visit.planned_start, zone)
        if role is Role.CARE_PROVIDER:
            fields["carers"] = [short_name(name) for name in facts.visit.carers]
            fields["seen"] = [f"{short_name(name)} {_local(at, zone)}" for name, at in facts.visit.seen]
    return fields


def _party_words(party: Party, zone: ZoneInfo) -> str:
    at = f" {_local(party.answered_at, zone)}" if party.answered_at else ""
    state = {
        DutyState.OPEN: "not answered yet",
        DutyState.ACKNOWLEDGED: f"acknowledged{at}",
        DutyState.CLOSED: f"closed{at}",
    }[party.state]
    return f"{party.name} ({_ROLE_WORDS[party.role]}): {state}"


def _local(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%H:%M} on {local:%A} {local.day} {local:%B}"


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
