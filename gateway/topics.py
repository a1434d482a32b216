"""The topics of a hub (contract, section 2). One place spells them; both sides read it."""

from dataclasses import dataclass
from functools import lru_cache

DEFAULT_ROOT = "threshold/v1"

EVENTS = "events"
STATUS = "status"
RECEIPTS = "receipts"
COMMANDS = "commands"

MOST_REMEMBERED = 16_384
"""Topics whose parts are remembered: every message names one, and a county has not many thousand hubs."""


@dataclass(frozen=True, slots=True)
class Topics:
    """Every topic below one root."""

    root: str = DEFAULT_ROOT

    def events(self, hub: str) -> str:
        """Hub to us: one event object, or an array of up to 500."""
        return f"{self.root}/{hub}/{EVENTS}"

    def status(self, hub: str) -> str:
        """Hub to us, retained; also the hub's last will."""
        return f"{self.root}/{hub}/{STATUS}"

    def receipts(self, hub: str) -> str:
        """Us to hub: which events are durably stored."""
        return f"{self.root}/{hub}/{RECEIPTS}"

    def commands(self, hub: str) -> str:
        """Us to hub: open a door, say that help is coming, answer a probe."""
        return f"{self.root}/{hub}/{COMMANDS}"

    @property
    def refusals(self) -> str:
        """Whoever reads the broker's log, to us: what hubs tried that is not theirs (docs/deploy.md)."""
        return f"{self.root.partition('/')[0]}/broker/refusals"

    def parse(self, topic: str) -> tuple[str, str] | None:
        """(hub, leaf) of a topic directly below the root, or None when it is not one of ours."""
        return _parse(self.root, topic)


@lru_cache(maxsize=MOST_REMEMBERED)
def _parse(root: str, topic: str) -> tuple[str, str] | None:
    prefix = root + "/"
    if not topic.startswith(prefix):
        return None
    hub, separator, leaf = topic[len(prefix) :].partition("/")
    if not hub or not separator or leaf not in (EVENTS, STATUS, RECEIPTS, COMMANDS):
        return None
    return hub, leaf
