"""What a hub answers to a command (contract §2)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from device_sim.commands import Answer, answer
from gateway.model import Command

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def answered(
    command_type: str = "door.release",
    data: dict[str, Any] | None = None,
    *,
    expires_in: float = 30,
    retained: bool = False,
    seen: frozenset[str] = frozenset(),
) -> Answer:
    """What a hub with the door panel-1 answers to the command c1 at NOW."""
    command = Command("c1", command_type, NOW, NOW + timedelta(seconds=expires_in), data or {})
    return answer(command, now=NOW, retained=retained, seen=seen, panels={"panel-1"})


def test_a_door_is_released_and_the_event_carries_the_command() -> None:
    """`door.released` names panel and command, and the command is done."""
    assert answered(data={"panel": "panel-1"}).says == (
        ("door.released", {"panel": "panel-1", "command_id": "c1"}),
        ("command.done", {"command_id": "c1"}),
    )


@pytest.mark.parametrize(("expires_in", "obeyed"), [(0.000001, True), (0, False), (-1, False)])
def test_a_command_is_refused_from_its_expiry_on(expires_in: float, obeyed: bool) -> None:
    """Just before its expiry it is obeyed; at it and after it never."""
    decided = answered(data={"panel": "panel-1"}, expires_in=expires_in)
    assert decided.obeyed is obeyed
    assert obeyed or decided.says == (("command.refused", {"command_id": "c1", "reason": "expired"}),)


def test_a_repeated_command_is_neither_obeyed_nor_answered_again() -> None:
    """An id is obeyed once, whatever the broker delivers twice."""
    decided = answered(data={"panel": "panel-1"}, seen=frozenset({"c1"}))
    assert (decided.obeyed, decided.says) == (False, ())


def test_a_retained_command_never_opens_a_door() -> None:
    """Whoever retains a command would open the door to everyone who comes later."""
    decided = answered(data={"panel": "panel-1"}, retained=True)
    assert not decided.obeyed
    assert decided.reason == "retained commands are not obeyed"


@pytest.mark.parametrize(
    "data", [{}, {"panel": "panel-2"}, {"panel": 7}, {"panel": None}, {"panel": ["panel-1"]}]
)
def test_only_a_door_of_this_hub_is_released(data: dict[str, Any]) -> None:
    """A wrong, missing or senseless panel is refused."""
    assert answered(data=data).reason == "no such door here"


def test_the_resident_is_told_which_alert_was_answered() -> None:
    """`alarm.acknowledged` has the unit say that help is coming."""
    decided = answered("alarm.acknowledged", {"alert": 41})
    assert (decided.obeyed, decided.told) == (True, "41")


def test_a_probe_is_answered() -> None:
    """`probe` asks for a sign of life."""
    assert answered("probe").says == (("command.done", {"command_id": "c1"}),)


def test_an_unknown_command_is_refused_by_name() -> None:
    """The answer tells the sender what this hub did not understand."""
    decided = answered("lights.off")
    assert (decided.obeyed, decided.reason) == (False, "unknown command type lights.off")
