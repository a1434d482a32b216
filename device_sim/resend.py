"""When does a hub send an event, and when again? (contract §2)"""

from dataclasses import dataclass

ALARM_PREFIX = "alarm."

ALARM_PAUSE = 5.0
"""Seconds without a receipt after which an alarm is sent again (contract §2)."""

ORDINARY_PAUSE = 20.0
"""Seconds without a receipt after which anything else is sent again (contract §2)."""

LONGEST_PAUSE = 60.0
"""Seconds; pauses grow up to this and stay there, for ever (contract §2: "up to a minute")."""

GROWTH = 2.0
"""Each pause is this many times the one before. The contract says "growing"; doubling is our choice."""


@dataclass(frozen=True, slots=True)
class Due:
    """When an event is to be sent, in monotonic seconds, and why then. `at` is None while offline."""

    at: float | None
    reason: str


def is_alarm(event_type: str) -> bool:
    """Whether a hub hurries with this type. Every `alarm.…` counts, the unknown ones too."""
    return event_type.startswith(ALARM_PREFIX)


def pause_after(sendings: int, *, alarm: bool) -> float:
    """Seconds to wait for a receipt after the event was sent `sendings` (1 or more) times in a row."""
    first = ALARM_PAUSE if alarm else ORDINARY_PAUSE
    # The exponent is bounded because an event may be sent for years, and floats overflow.
    return min(LONGEST_PAUSE, first * GROWTH ** min(sendings - 1, 16))


def when_to_send(
    *, alarm: bool, created: float, sendings: int, last_sent: float | None, connected_since: float | None
) -> Due:
    """When an event that has no receipt is to be sent.

    `sendings` counts those of the present connection: a reconnect starts the pauses anew. `created`,
    `last_sent` and `connected_since` are monotonic seconds; the latter is None while offline.
    """
    if connected_since is None:
        return Due(None, "offline: kept until the connection is back")
    if last_sent is None:
        return Due(max(created, connected_since), "not sent yet")
    if last_sent < connected_since or sendings < 1:
        return Due(connected_since, "sent again after a reconnect")
    pause = pause_after(sendings, alarm=alarm)
    return Due(last_sent + pause, f"no receipt for {pause:g} s")
