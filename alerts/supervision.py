"""Is this hub silent? Pure: when it was heard and when we could hear in, a verdict with its next look out.

Source: domain/alarms.md §1 (silence of a hub) and domain/visits.md §6 (our own outage). Silence is judged
over due rows: a message costs nothing here, because a hub that was heard meanwhile is only looked at later.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

SILENCE_FACTOR = 2.5
"""Times `heartbeat_every`; the policy's default."""
LONG_SILENCE = timedelta(hours=24)
"""A silence that lasts so long is a matter of welfare, whoever lives there."""
SILENT_LOOK = timedelta(minutes=1)
"""How often a silent hub is looked at again."""
INTAKE_LOOK = timedelta(seconds=5)
"""How soon to look again while we cannot listen ourselves."""
INTAKE_STALE = timedelta(seconds=30)
"""An intake that has not given a sign for so long counts as away: several of its beats have failed."""


@dataclass(frozen=True, slots=True)
class Intake:
    """Our own ears. `listening_since`: from when on we hear everything; None: we do not now."""

    listening_since: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Watched:
    """A hub as supervision sees it. `high_risk`: of anybody who lives behind it."""

    hub_id: str
    heartbeat_every: timedelta
    last_heard_at: datetime | None
    high_risk: bool = False


class Silence(StrEnum):
    """What is concluded."""

    HEARD = "heard"
    SILENT = "silent"
    LONG_SILENT = "long_silent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Supervised:
    """The conclusion, when it became true (for silence), and when to look again (None: when heard at all)."""

    silence: Silence
    since: datetime | None
    look_at: datetime | None
    reason: str


def intake_state(
    beat_at: datetime | None,
    connected_at: datetime | None,
    caught_up_at: datetime | None,
    last_gap_ended_at: datetime | None,
    gap_open: bool,
    now: datetime,
) -> Intake:
    """Can we hear, and since when? From the row `intake` and the newest `intake_gap`."""
    if beat_at is None or now - beat_at > INTAKE_STALE:
        return Intake(None, "intake gives no sign of life")
    if connected_at is None or gap_open:
        return Intake(None, "intake is not connected")
    if caught_up_at is None:
        return Intake(None, "intake has not caught up")
    since = caught_up_at if last_gap_ended_at is None else max(caught_up_at, last_gap_ended_at)
    return Intake(since, "intake is listening")


def supervise(hub: Watched, intake: Intake, now: datetime, factor: float = SILENCE_FACTOR) -> Supervised:
    """Whether a hub is overdue at `now`; a silence counts from the return of our own ears at the earliest."""
    if hub.last_heard_at is None:
        return Supervised(Silence.UNKNOWN, None, None, "never heard: not in service yet")
    if intake.listening_since is None:
        return Supervised(Silence.UNKNOWN, None, now + INTAKE_LOOK, f"waiting: {intake.reason}")
    counted_from = max(hub.last_heard_at, intake.listening_since)
    overdue_at = counted_from + hub.heartbeat_every * factor
    if now <= overdue_at:
        return Supervised(Silence.HEARD, None, overdue_at + timedelta(milliseconds=1), "heard in time")
    long_at = max(overdue_at, counted_from + LONG_SILENCE)
    heard = f"last heard {hub.last_heard_at:%Y-%m-%d %H:%M} UTC"
    if hub.high_risk:
        why = f"silent, {heard}; a person at high risk lives there"
        return Supervised(Silence.LONG_SILENT, overdue_at, now + SILENT_LOOK, why)
    if now >= long_at:
        return Supervised(Silence.LONG_SILENT, long_at, now + SILENT_LOOK, f"silent for 24 hours, {heard}")
    return Supervised(Silence.SILENT, overdue_at, min(long_at, now + SILENT_LOOK), f"silent, {heard}")
