"""When a hub is silent, and when that is our own fault (domain/alarms.md §1)."""

from datetime import UTC, datetime, timedelta

import pytest

from alerts.supervision import INTAKE_STALE, Intake, Silence, Watched, intake_state, supervise

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TEN_MINUTES = timedelta(minutes=10)
LISTENING = Intake(NINE - timedelta(days=9), "intake is listening")


def at(minutes: float) -> datetime:
    """A moment after nine, when the hub was last heard."""
    return NINE + timedelta(minutes=minutes)


def hub(*, high_risk: bool = False) -> Watched:
    """A hub that was last heard at nine."""
    return Watched("hub-12", TEN_MINUTES, NINE, high_risk)


def test_a_hub_is_overdue_after_two_and_a_half_intervals() -> None:
    """Exactly at the bound it is still in time; past it, silent since the bound."""
    assert supervise(hub(), LISTENING, at(25)).silence is Silence.HEARD
    seen = supervise(hub(), LISTENING, at(25) + timedelta(microseconds=1))
    assert (seen.silence, seen.since) == (Silence.SILENT, at(25))


def test_a_heard_hub_is_looked_at_just_past_its_bound() -> None:
    """Not at the bound, where it would still be in time."""
    look = supervise(hub(), LISTENING, at(3)).look_at
    assert look is not None
    assert supervise(hub(), LISTENING, look).silence is Silence.SILENT


def test_a_day_of_silence_is_a_matter_of_welfare() -> None:
    """From 24 hours after it was last heard."""
    assert supervise(hub(), LISTENING, at(24 * 60) - timedelta(seconds=1)).silence is Silence.SILENT
    assert supervise(hub(), LISTENING, at(24 * 60)).silence is Silence.LONG_SILENT


def test_silence_at_a_person_of_high_risk_is_a_matter_of_welfare_at_once() -> None:
    """Where somebody at high risk lives there is no day to wait."""
    seen = supervise(hub(high_risk=True), LISTENING, at(26))
    assert (seen.silence, seen.since) == (Silence.LONG_SILENT, at(25))


def test_silence_counts_from_the_return_of_our_own_ears() -> None:
    """What could not be heard was not silence."""
    back = Intake(at(20), "intake is listening")
    assert supervise(hub(), back, at(45)).silence is Silence.HEARD
    assert supervise(hub(), back, at(46)).since == at(45)


def test_nothing_is_concluded_while_we_cannot_hear() -> None:
    """Our own absence is never a home's silence; we look again soon."""
    seen = supervise(hub(), Intake(None, "intake is not connected"), at(300))
    assert (seen.silence, seen.look_at) == (Silence.UNKNOWN, at(300) + timedelta(seconds=5))


def test_a_hub_that_was_never_heard_is_not_in_service() -> None:
    """Silence begins with the first word."""
    assert supervise(Watched("new", TEN_MINUTES, None), LISTENING, NINE).silence is Silence.UNKNOWN


def test_every_hub_that_was_heard_is_looked_at_again() -> None:
    """Whatever is concluded, a next look is set and lies ahead."""
    for minutes in (0, 25, 26, 24 * 60, 99_999):
        for intake in (LISTENING, Intake(None, "away")):
            for high_risk in (True, False):
                look = supervise(hub(high_risk=high_risk), intake, at(minutes)).look_at
                assert look is not None
                assert look > at(minutes)


@pytest.mark.parametrize(
    ("beat", "connected", "caught_up", "gap_open", "reason"),
    [
        (None, None, None, False, "intake gives no sign of life"),
        (-31, -600, -600, False, "intake gives no sign of life"),
        (-1, None, None, False, "intake is not connected"),
        (-1, -600, -600, True, "intake is not connected"),
        (-1, -600, None, False, "intake has not caught up"),
        (-30, -600, -600, False, "intake is listening"),
    ],
)
def test_our_ears_are_open_only_when_connected_and_caught_up(
    beat: float | None, connected: float | None, caught_up: float | None, gap_open: bool, reason: str
) -> None:
    """Seconds before nine: a beat, the present connection, when it had caught up."""

    def ago(seconds: float | None) -> datetime | None:
        return None if seconds is None else NINE + timedelta(seconds=seconds)

    intake = intake_state(ago(beat), ago(connected), ago(caught_up), None, gap_open, NINE)
    assert intake.reason == reason
    assert (intake.listening_since is None) == (reason != "intake is listening")


def test_ears_are_open_since_the_last_gap_ended() -> None:
    """The later of catching up and the end of the newest gap."""
    gap_end = NINE - timedelta(minutes=1)
    intake = intake_state(NINE, NINE - TEN_MINUTES, NINE - TEN_MINUTES, gap_end, False, NINE)
    assert intake.listening_since == gap_end
    assert timedelta(seconds=30) == INTAKE_STALE
