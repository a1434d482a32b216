"""How things are called on the screen. Pure: codes in, words for a person at three in the morning out."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alerts.ladder import Audience
from alerts.model import Role as Party
from alerts.outcomes import words_for
from alerts.suppression import LONGEST, Why

KINDS: Final = {
    "visit.late": "Care visit is late",
    "visit.missed": "Care visit was missed",
    "visit.unverified": "Care visit cannot be confirmed",
    "visit.part_attended": "Care visit made by too few carers",
    "alarm.hub": "Call from the unit",
    "alarm.pendant": "Pendant pressed",
    "alarm.pull_cord": "Pull cord pulled",
    "alarm.panic": "Panic alarm",
    "alarm.bogus_caller": "Bogus caller alarm",
    "alarm.assistance": "Call for assistance",
    "alarm.fall": "Fall detected",
    "alarm.smoke": "Smoke alarm",
    "alarm.heat": "Heat alarm",
    "alarm.co": "Carbon monoxide alarm",
    "alarm.gas": "Gas alarm",
    "alarm.flood": "Flood alarm",
    "alarm.temperature_low": "Home is too cold",
    "alarm.temperature_high": "Home is too hot",
    "alarm.exit": "Left the home",
    "alarm.inactivity": "No movement",
    "alarm.bed": "Bed alarm",
    "alarm.chair": "Chair alarm",
    "alarm.seizure": "Seizure alarm",
    "alarm.medication": "Medication alarm",
    "alarm.unreadable": "Alarm that cannot be read",
    "hub.silent": "Unit has fallen silent",
    "area.silent": "Many units have fallen silent",
    "area.mains": "Many units without mains power",
    "door.call": "Unexpected caller at the door",
    "door.forced": "Door forced",
    "door.held": "Door held open",
    "door.repair": "Door needs repair",
    "technical.battery_low": "Battery low",
    "technical.mains_failed": "Mains power failed",
    "technical.sensor_missing": "Sensor missing",
    "technical.tamper": "Tampering",
    "technical.link_failed": "Link failed",
    "technical.fault": "Technical fault",
}
STATES: Final = {
    "planned": "planned",
    "due": "due now",
    "late": "late",
    "in_progress": "carer is there",
    "completed": "made",
    "missed": "missed",
    "unverified": "cannot be confirmed",
    "cancelled": "cancelled",
    "suspended": "suspended",
}
PRIORITIES: Final = {1: "life safety", 2: "welfare", 3: "access", 4: "technical", 5: "record"}
ROLES: Final = {
    "landlord": "housing",
    "care_provider": "care",
    "monitoring_centre": "monitoring centre",
    "commissioner": "council",
}
AUDIENCES: Final = {
    Audience.ON_CALL: "contacts on call",
    Audience.ALL_CONTACTS: "all contacts",
    Audience.MONITORING_CENTRE: "the monitoring centre",
    Audience.QUEUE: "the queue",
    Audience.ALL_OPERATORS: "every operator",
    Audience.FALLBACK: "the centre's fallback",
}
HAPPENINGS: Final = {
    "raised": "Raised",
    "repeated": "Pressed again",
    "cancelled_at_unit": "Cancelled at the unit",
    "step": "Ladder went on",
    "joined": "Monitoring centre joined",
    "eta_passed": "Nobody arrived by the promised time",
    "claimed": "Taken in hand",
    "released": "Put back",
    "acknowledged": "Acknowledged",
    "noted": "Note",
    "closed": "Closed",
    "stood_down": "Stood down",
    "delivered": "Message delivered",
    "undelivered": "Message not delivered",
    "sent": "Message handed to a provider",
    "failed_over": "Message goes another way",
    "replayed": "Message sent again",
}
WINDOWS: Final = {
    Why.TEST: ("Test of a unit", "alarms are marked as tests, nothing is held back"),
    Why.INSTALLER_TEST: (
        "Installer's test",
        "holds everything back but life safety, which is marked as a test",
    ),
    Why.SCHEME_WORKS: ("Works", "holds back doors and technical faults"),
    Why.AWAY: ("Nobody at home", "holds back inactivity, exit, bed and chair"),
    Why.HOSPITAL: ("Stay in hospital", "holds back inactivity, exit, bed and chair"),
}
"""What a window is for, and what it does (alerts.suppression)."""
SORTS: Final = {"hub": "Unit", "dwelling": "Dwelling", "resident": "Resident", "scheme": "Scheme"}
PURPOSES: Final = {"raise": "alert", "reminder": "reminder", "stand_down": "all clear"}


def kind(code: str) -> str:
    """An alert's or an event's kind in words; an unknown one spelt out."""
    if code in KINDS:
        return KINDS[code]
    family, _, rest = code.partition(".")
    if family == "alarm" and rest:
        return f"Alarm: {plain(rest)}"
    return plain(code).capitalize()


def plain(code: str) -> str:
    """A code without its punctuation."""
    return code.replace("_", " ").replace(".", " ")


def outcome(role: str, code: str | None) -> str:
    """A duty's outcome in the words of its party's list."""
    return words_for(Party(role), code) if code else ""


def window(code: str) -> tuple[str, str]:
    """What a window is for, and what it does."""
    return WINDOWS[Why(code)]


def longest(why: Why) -> str:
    """How long such a window may last: `8 hours`, `7 days`."""
    hours = int(LONGEST[why] / timedelta(hours=1))
    return f"{hours} hours" if hours <= 24 else f"{hours // 24} days"


def audience(code: str | None) -> str:
    """Whom a ladder tells next."""
    return AUDIENCES[Audience(code)] if code else "nobody further"


def zone(name: str | None) -> ZoneInfo:
    """A dwelling's zone; UTC where there is none or its name is none."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def clock(moment: datetime, name: str | None, now: datetime) -> str:
    """Wall time in the dwelling's zone; with the day, when that is not today there: `Fri 20 Nov 09:07`."""
    there = moment.astimezone(zone(name))
    if there.date() == now.astimezone(zone(name)).date():
        return f"{there:%H:%M}"
    return f"{there:%a} {there.day} {there:%b %H:%M}"


def wall(moment: datetime, name: str | None) -> str:
    """The time of day alone, in the dwelling's zone."""
    return f"{moment.astimezone(zone(name)):%H:%M}"


def abbreviation(moment: datetime, name: str | None) -> str:
    """What that zone calls itself at that moment: GMT, BST."""
    return moment.astimezone(zone(name)).tzname() or ""


def span(length: timedelta) -> str:
    """A length of time in two units at most: `40 s`, `12 min`, `1 h 05`, `2 d 3 h`."""
    seconds = max(int(length.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86400:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02d}"
    return f"{seconds // 86400} d {seconds % 86400 // 3600} h"


def instant(moment: datetime) -> str:
    """The machine-readable form for `<time datetime>`."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def detail(what: str, facts: dict[str, Any], role: str) -> str:
    """What an alert's history adds to a happening, in one line."""
    match what:
        case "closed":
            parts = [outcome(role, facts.get("outcome")), facts.get("note")]
        case "stood_down":
            parts = [facts.get("cause")]
        case "released":
            parts = [f"from {facts['from']}: the console was away" if facts.get("from") else None]
        case _:
            parts = [facts.get("reason"), facts.get("note")]
    return " · ".join(str(part) for part in parts if part)
