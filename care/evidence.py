"""What does an event say about this dwelling's visits, and how strongly (domain/visits.md §3)?"""

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum

from msgspec import Struct

from care.doors import Doors
from care.model import Carer, Dwelling, HomeEvent, Hub, Scope

ARRIVED = "carer.arrived"
DEPARTED = "carer.departed"
GRANTED = "door.granted"
_WEAK_DOORS = frozenset({"door.opened", "door.closed", "door.call", "door.released"})
_DOORS = _WEAK_DOORS | {GRANTED}
BUTTON = "button"


class Strength(IntEnum):
    """How much a piece of evidence proves. Weak evidence never makes a visit attended."""

    WEAK = 1
    MEDIUM = 2
    STRONG = 3


class Evidence(Struct, frozen=True, gc=False):
    """An event that says something about visits at one dwelling.

    `provider_id` None: it may speak for any provider. `carer` None: nobody is named. `arrival` False: a
    departure; of weak evidence it means nothing.
    """

    event: HomeEvent
    strength: Strength
    provider_id: str | None = None
    carer: Carer | None = None
    arrival: bool = True

    @property
    def moment(self) -> datetime:
        """When it happened, as far as we believe the device."""
        return self.event.effective_at

    @property
    def order(self) -> tuple[datetime, datetime, datetime, int]:
        """Order of happening: effective time, then the device's clock, then arrival (domain/visits.md §1)."""
        event = self.event
        return event.effective_at, event.at, event.received_at, event.arrival


def may_be_evidence(event_type: str) -> bool:
    """Whether events of this type can ever say something about a visit."""
    return event_type in (ARRIVED, DEPARTED) or event_type in _DOORS


def scope_of(event: HomeEvent, hub: Hub) -> Scope:
    """At whose door it happened: the event's own word, else the estate's, else by whose hub it is."""
    if event.scope is not None:
        return event.scope
    names = (event.panel, event.device)
    for device in hub.devices:
        if device.id in names and device.scope is not None:
            return device.scope
    return Scope.COMMUNAL if hub.dwelling_id is None else Scope.DWELLING


def weigh(
    event: HomeEvent, hub: Hub, dwelling: Dwelling, carers: Mapping[str, Carer], doors: Doors
) -> Evidence | None:
    """What the event is evidence of at this dwelling; None: of nothing.

    `doors` are those of the dwelling's scheme, or of the dwelling alone when it is in none. The first row of
    the table that fits decides.
    """
    own = hub.dwelling_id == dwelling.id
    carer = None if event.credential is None else carers.get(event.credential)
    if event.type in (ARRIVED, DEPARTED):
        return _at_the_unit(event, carer) if own else None
    if event.type not in _DOORS:
        return None
    if scope_of(event, hub) is Scope.DWELLING:
        return _at_the_dwelling(event, carer) if own else None
    if carer is None or not (own or (hub.scheme is not None and hub.scheme == dwelling.scheme)):
        return None
    return _at_a_shared_door(event, carer, dwelling, doors)


def _at_the_unit(event: HomeEvent, carer: Carer | None) -> Evidence:
    arrival = event.type == ARRIVED
    if carer is not None:
        return Evidence(event, Strength.STRONG, carer.provider_id, carer, arrival)
    if event.credential is None and event.method == BUTTON:
        return Evidence(event, Strength.MEDIUM, arrival=arrival)
    return Evidence(event, Strength.WEAK)


def _at_the_dwelling(event: HomeEvent, carer: Carer | None) -> Evidence:
    if carer is None:
        return Evidence(event, Strength.WEAK)
    strength = Strength.STRONG if event.type == GRANTED else Strength.WEAK
    return Evidence(event, strength, carer.provider_id, carer)


def _at_a_shared_door(event: HomeEvent, carer: Carer, dwelling: Dwelling, doors: Doors) -> Evidence:
    strength = Strength.WEAK
    if event.type == GRANTED and doors.only_dwelling(carer.provider_id, event.effective_at) == dwelling.id:
        strength = Strength.MEDIUM
    return Evidence(event, strength, carer.provider_id, carer)
