"""Until when everything was heard (domain/visits.md §6, "Our own outage")."""

from datetime import UTC, datetime, timedelta

import pytest

from care.claim import moments
from care.listening import NEVER, UNDER_WAY, Intake, heard_until

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("intake", "until"),
    [
        (None, NOW),
        (Intake(NOW, NOW - HOUR, NOW - HOUR), NOW - UNDER_WAY),
        (Intake(NOW - 5 * SECOND, NOW - HOUR, NOW - HOUR), NOW - UNDER_WAY),
        (Intake(NOW - 6 * SECOND, NOW - HOUR, NOW - HOUR), NOW - 6 * SECOND),
        (Intake(NOW - HOUR, NOW - 2 * HOUR, NOW - 2 * HOUR), NOW - HOUR),
        (Intake(NOW - HOUR, None, None, NOW - HOUR), NOW - HOUR),
        (Intake(NOW, NOW - SECOND, None, NOW - HOUR), NOW - HOUR),
        (Intake(NOW, NOW - SECOND, NOW, NOW - HOUR), NOW - HOUR),
        (Intake(NOW, NOW - SECOND, None), NOW - SECOND),
        (Intake(NOW - SECOND, None, None), NOW - SECOND),
        (Intake(None, None, None), NEVER),
    ],
)
def test_until_when_we_heard_everything(intake: Intake | None, until: datetime) -> None:
    """Up to now while intake listens; else up to its last sign of life, or the beginning of its gap."""
    heard = heard_until(intake, NOW)
    assert heard.until == until
    assert heard.reason


def test_what_was_learned_counts_at_once_while_we_listen() -> None:
    """An arrival is judged by now, what falls due a moment later; in an outage both wait."""
    listening = heard_until(Intake(NOW, NOW - HOUR, NOW - HOUR), NOW)
    assert (moments(listening, NOW).learned, moments(listening, NOW).due) == (NOW, NOW - UNDER_WAY)
    away = heard_until(Intake(NOW - HOUR, None, None, NOW - HOUR), NOW)
    assert (moments(away, NOW).learned, moments(away, NOW).due) == (NOW - HOUR, NOW - HOUR)
