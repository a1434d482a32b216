"""What the main page shows, in which order. Pure: alerts and visits in, rows with their words out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from api.model import AlertOut, DutyOut
from db.caller import Caller

ETA_CHOICES: Final = (10, 20, 30, 45, 60, 90, 120)
"""Minutes: nobody types a time at three in the morning."""


@dataclass(frozen=True, slots=True)
class Card:
    """One alert in a list. `mark` changes with anything that is shown; `holder` has it in hand now."""

    alert: AlertOut
    mark: str
    mine: bool
    holder: str | None
    icon: str
    group: str

    @property
    def duty(self) -> DutyOut:
        """One's own duty."""
        return self.alert.duty


@dataclass(frozen=True, slots=True)
class Group:
    """Cards under one heading."""

    key: str
    heading: str
    cards: tuple[Card, ...]


_HEADINGS: Final = {
    "mine": "In your hands",
    "open": "Waiting for an answer",
    "held": "In a colleague's hands",
    "acknowledged": "Answered, not closed",
}


def card(alert: AlertOut, caller: Caller, now: datetime) -> Card:
    """An alert as a card for this person at `now`."""
    duty = alert.duty
    held = duty.claimed_by is not None and duty.lease_until is not None and duty.lease_until > now
    holder = duty.claimed_by if held else None
    mine = holder == caller.name
    if duty.state == "acknowledged":
        group = "acknowledged"
    elif mine:
        group = "mine"
    else:
        group = "held" if holder else "open"
    text = f"{group}{holder}{alert.model_dump_json(exclude={'duty': {'lease_until', 'next_step_at'}})}"
    mark = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Card(alert, mark, mine, holder, icon_of(alert), group)


def groups(alerts: Sequence[AlertOut], caller: Caller, now: datetime) -> list[Group]:
    """The alerts under their headings, each in the order it came: the most urgent first."""
    cards = [card(alert, caller, now) for alert in alerts]
    found = []
    for key, heading in _HEADINGS.items():
        chosen = tuple(one for one in cards if one.group == key)
        if chosen:
            found.append(Group(key, heading, chosen))
    return found


def icon_of(alert: AlertOut) -> str:
    """The drawing that belongs to an alert."""
    family = alert.kind.partition(".")[0]
    if alert.kind in ("alarm.smoke", "alarm.heat", "alarm.co", "alarm.gas"):
        return "fire"
    by_family = {"visit": "visit", "door": "door", "hub": "hub", "technical": "wrench", "alarm": "bell"}
    return by_family.get(family, "bell")


def eta_at(minutes: int | None, now: datetime) -> datetime | None:
    """When somebody will be there who says "in so many minutes"."""
    return None if minutes is None else now + timedelta(minutes=minutes)
