"""What a home shows to somebody who looks at it closely, as it happens."""

from typing import Protocol

from device_sim.commands import Answer
from gateway.model import Command, Event


class Watcher(Protocol):
    """Somebody who looks at one hub closely. Called on the event loop; must not block."""

    def said(self, event: Event) -> None:
        """An event was made, and is in the store."""

    def stored(self, event_id: str, seconds: float) -> None:
        """A receipt came, so long after the event was first sent."""

    def rejected(self, event_id: str, reason: str) -> None:
        """A receipt refused an event."""

    def commanded(self, command: Command, decided: Answer) -> None:
        """A command came, and what the hub makes of it."""

    def line(self, up: bool) -> None:
        """The connection stands, or is gone."""
