"""When does a dwelling's hub speak of its scheme's door (docs/decisions/visit-rules.md, 13)?"""

from collections.abc import Iterable
from dataclasses import replace

from msgspec import Struct

from care.evidence import scope_of
from care.model import HomeEvent, Hub, Scope


class LentDoor(Struct, frozen=True):
    """A dwelling's hub in its part as a shared door of the scheme, and what it said in that part."""

    hub: Hub
    events: tuple[HomeEvent, ...]


def lent_door(hub: Hub, scheme: str, events: Iterable[HomeEvent]) -> LentDoor | None:
    """What a dwelling's hub said of the scheme's door: an event's own scope goes before all. None if it
    said nothing of it."""
    maybe = hub.has_communal_panel
    said = tuple(
        event
        for event in events
        if (maybe or event.scope is Scope.COMMUNAL) and scope_of(event, hub) is Scope.COMMUNAL
    )
    return LentDoor(replace(hub, dwelling_id=None, scheme=scheme), said) if said else None
