"""What a hub answers to a command: obeyed once by id, refused past its expiry. (contract §2)"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.model import Command


@dataclass(frozen=True, slots=True)
class Answer:
    """What the hub does about a command. `says` are event types with their data, in order."""

    obeyed: bool
    says: tuple[tuple[str, dict[str, Any]], ...]
    reason: str
    told: str | None = None
    """The alert whose resident now hears that help is coming, when that is what was asked."""


def answer(
    command: Command, *, now: datetime, retained: bool, seen: Collection[str], panels: Collection[str]
) -> Answer:
    """Decide what to do with a command at `now` of the hub's own clock.

    `seen` are the ids met before, `panels` the doors this hub can open. A repeat is met with silence:
    its first answer is in the store until it is receipted, and a second would be a lie.
    """
    if command.id in seen:
        return Answer(False, (), "a repeat of a command that was answered")
    if retained:
        # A retained command would be obeyed again by every hub that ever connects: a door opens itself.
        return _refuse(command, "retained commands are not obeyed")
    if now >= command.expires_at:
        return _refuse(command, "expired")
    if command.type == "door.release":
        return _release(command, panels)
    if command.type == "alarm.acknowledged":
        alert = command.data.get("alert")
        told = None if alert is None else str(alert)
        return Answer(True, (_done(command),), "the resident is told that help is coming", told)
    if command.type == "probe":
        return Answer(True, (_done(command),), "alive")
    return _refuse(command, f"unknown command type {command.type}")


def _release(command: Command, panels: Collection[str]) -> Answer:
    panel = command.data.get("panel")
    if not isinstance(panel, str) or panel not in panels:
        return _refuse(command, "no such door here")
    released = ("door.released", {"panel": panel, "command_id": command.id})
    return Answer(True, (released, _done(command)), "the door is released")


def _done(command: Command) -> tuple[str, dict[str, Any]]:
    return "command.done", {"command_id": command.id}


def _refuse(command: Command, reason: str) -> Answer:
    return Answer(False, (("command.refused", {"command_id": command.id, "reason": reason}),), reason)
