"""When a hub sends, and sends again (contract §2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_sim.resend import LONGEST_PAUSE, is_alarm, pause_after, when_to_send


@pytest.mark.parametrize(
    ("alarm", "pauses"),
    [(True, [5, 10, 20, 40, 60, 60, 60]), (False, [20, 40, 60, 60])],
    ids=["alarm", "ordinary"],
)
def test_pauses_grow_to_a_minute_and_stay_there(alarm: bool, pauses: list[float]) -> None:
    """An alarm is sent again after 5 s, the rest after 20 s, then ever later, never later than a minute."""
    assert [pause_after(times, alarm=alarm) for times in range(1, len(pauses) + 1)] == pauses


@given(st.integers(1, 10**9), st.booleans())
def test_sending_again_never_ends_and_never_slows_beyond_a_minute(sendings: int, alarm: bool) -> None:
    """However often an event was sent, there is a next time, at most a minute away."""
    pause = pause_after(sendings, alarm=alarm)
    assert 0 < pause <= LONGEST_PAUSE
    assert pause_after(sendings + 1, alarm=alarm) >= pause


def test_nothing_is_due_while_offline() -> None:
    """An offline hub keeps an event and says why it does not send it."""
    due = when_to_send(alarm=True, created=10, sendings=0, last_sent=None, connected_since=None)
    assert due.at is None
    assert due.reason.startswith("offline")


def test_a_new_event_is_due_at_once_and_one_made_offline_when_the_line_is_back() -> None:
    """Nothing waits that was never sent."""
    made_online = when_to_send(alarm=False, created=10, sendings=0, last_sent=None, connected_since=3)
    made_offline = when_to_send(alarm=False, created=10, sendings=0, last_sent=None, connected_since=30)
    assert (made_online.at, made_offline.at) == (10, 30)


def test_a_reconnect_makes_what_was_sent_before_it_due() -> None:
    """What was sent over a connection that is gone is sent over the new one without waiting."""
    due = when_to_send(alarm=False, created=1, sendings=2, last_sent=29.9, connected_since=30)
    assert (due.at, due.reason) == (30, "sent again after a reconnect")


def test_what_was_sent_on_this_connection_waits_for_its_receipt() -> None:
    """The wait counts from the last sending and the reason names it."""
    due = when_to_send(alarm=True, created=1, sendings=2, last_sent=40, connected_since=30)
    assert (due.at, due.reason) == (50, "no receipt for 10 s")


@pytest.mark.parametrize(
    ("event_type", "hurried"),
    [("alarm.pendant", True), ("alarm.never_heard_of", True), ("alarms", False), ("door.call", False)],
)
def test_every_alarm_type_is_hurried_and_nothing_else(event_type: str, hurried: bool) -> None:
    """The unknown alarm is hurried too; a type that only looks like one is not."""
    assert is_alarm(event_type) is hurried
