"""Until when have we heard everything? Pure (domain/visits.md §6, "Our own outage").

Absence of evidence proves nothing while we could not listen ourselves. So a decision is taken by what was
received up to the moment until which we listened without a break; what falls due later waits, and keeps its
true due time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

STALE = timedelta(seconds=5)
"""Intake gives a sign of life every second; without one for so long it counts as away since the last."""

UNDER_WAY = timedelta(seconds=1)
"""What was received is not committed at the same moment. A decision leaves it this much time, or an arrival
in the last second before a threshold would be missed and taken back."""

NEVER = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Intake:
    """What intake says of itself. `gap_began_at`: since when it has not caught up, if so."""

    beat_at: datetime | None
    connected_at: datetime | None
    caught_up_at: datetime | None
    gap_began_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """Until when everything was heard, and why not until now."""

    until: datetime
    reason: str

    def waits(self, now: datetime) -> bool:
        """Whether decisions wait for intake."""
        return now - self.until > STALE


def heard_until(intake: Intake | None, now: datetime) -> Heard:
    """The moment up to which absence may be judged at `now`. Without any intake, nothing is waited for."""
    if intake is None:
        return Heard(now, "no intake has ever reported")
    if intake.gap_began_at is not None:
        return Heard(min(intake.gap_began_at, now), "intake has been away and has not caught up")
    if intake.beat_at is None or intake.connected_at is None:
        return Heard(min(intake.beat_at or NEVER, now), "intake is not connected")
    if now - intake.beat_at > STALE:
        return Heard(intake.beat_at, "intake gives no sign of life")
    if intake.caught_up_at is None:
        return Heard(min(intake.connected_at, now), "intake has not caught up")
    return Heard(now - UNDER_WAY, "intake is listening")
