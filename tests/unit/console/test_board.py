"""What stands where on the main page."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.model import AlertOut, DutyOut
from console import board, words
from db.caller import Caller

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
OLU = Caller("northgate", "operator", "Olu", 1)


def alert(number: int, **duty: Any) -> AlertOut:
    """An alert with a duty in some state."""
    own = DutyOut(
        id=number,
        role="monitoring_centre",
        state=duty.pop("state", "open"),
        raised_at=NOW,
        step=1,
        steps=3,
        next_audience="queue",
        next_step_at=NOW,
        **duty,
    )
    return AlertOut(
        id=number,
        kind="alarm.pendant",
        priority=1,
        reason="Pressed.",
        raised_at=NOW,
        noticed_at=NOW,
        raised_late=False,
        press_count=1,
        last_press_at=None,
        is_test=False,
        suppressed=None,
        stood_down_at=None,
        stand_down_cause=None,
        closed_at=None,
        visit_ref=None,
        hub="hub-12",
        device=None,
        scheme=None,
        dwelling=None,
        resident=None,
        duty=own,
        others=[],
    )


def held(by: str, seconds: int) -> dict[str, Any]:
    """A claim with so much of its lease left."""
    return {"claimed_by": by, "claimed_at": NOW, "lease_until": NOW + timedelta(seconds=seconds)}


def test_ones_own_come_first_then_what_waits_then_what_others_have_then_what_is_answered() -> None:
    """Four headings in this order, each only when something stands under it; order within is kept."""
    alerts = [
        alert(1, state="acknowledged", acknowledged_by="Olu"),
        alert(2, **held("Petra", 20)),
        alert(3),
        alert(4, **held("Olu", 20)),
        alert(5),
    ]
    shown = [(group.key, [card.alert.id for card in group.cards]) for group in board.groups(alerts, OLU, NOW)]
    assert shown == [("mine", [4]), ("open", [3, 5]), ("held", [2]), ("acknowledged", [1])]
    assert board.groups([], OLU, NOW) == []


def test_a_lease_that_ended_holds_nothing() -> None:
    """A claim is somebody's until its lease ends, that moment excluded."""
    card = board.card(alert(1, **held("Petra", 0)), OLU, NOW)
    assert (card.holder, card.group) == (None, "open")


def test_a_card_changes_its_mark_with_what_it_shows_and_not_with_its_lease() -> None:
    """A renewed lease is no news: the row in the list stays the same element."""
    first = board.card(alert(1, **held("Olu", 20)), OLU, NOW)
    renewed = board.card(alert(1, **held("Olu", 30)), OLU, NOW)
    taken = board.card(alert(1, **held("Petra", 30)), OLU, NOW)
    assert first.mark == renewed.mark != taken.mark


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("alarm.pendant", "Pendant pressed"),
        ("alarm.new_thing", "Alarm: new thing"),
        ("technical.odd_fault", "Technical odd fault"),
        ("carer.arrived", "Carer arrived"),
    ],
)
def test_every_kind_has_words_even_one_from_tomorrow(code: str, said: str) -> None:
    """An unknown kind is spelt out, never hidden."""
    assert words.kind(code) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3900, "1 h 05"), (90000, "1 d 1 h")],
)
def test_a_length_of_time_has_two_units_at_most(seconds: int, said: str) -> None:
    """Seconds while it is fresh, days when it is old."""
    assert words.span(timedelta(seconds=seconds)) == said


def test_a_time_is_told_as_it_is_there_and_with_its_day_when_that_is_another() -> None:
    """London in winter, Kathmandu already tomorrow; a zone that does not exist is UTC."""
    late = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    assert words.clock(late, "Europe/London", late) == "23:30"
    assert words.clock(late, "Asia/Kathmandu", NOW) == "Sun 22 Nov 05:15"
    assert words.clock(late, "Europe/Nowhere", late) == "23:30"
    assert words.abbreviation(late, "Europe/London") == "GMT"
