"""What becomes of a delivery after an attempt, and is it still worth sending? Pure.

A life-safety message is tried without end while its duty is open; every other has a last attempt, after which
it is dead and said to be (DESIGN; domain/visits.md §7 on standing down).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.model import Priority

FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=15)
LONGEST_PAUSE_LIFE_SAFETY = timedelta(seconds=30)
"""Somebody lies on the floor: a receiver that comes back must not be found sleeping."""
MOST_ATTEMPTS = 15
"""With the pauses above about an hour and a half; by then the ladder has told others."""
LONGEST_ASKED_PAUSE = timedelta(minutes=5)
"""A receiver may ask for a pause (Retry-After), but not for silence."""


class DeliveryState(StrEnum):
    """Where a message stands."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    DEAD = "dead"
    WITHDRAWN = "withdrawn"


class Purpose(StrEnum):
    """Why a message is sent."""

    RAISE = "raise"
    REMINDER = "reminder"
    STAND_DOWN = "stand_down"


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver took it. `ref` is the receiver's own name for it."""

    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Retryable:
    """Not this time. `maybe`: it may have been taken all the same, the answer was lost."""

    why: str
    maybe: bool = False
    pause: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Permanent:
    """Never. `disable`: the receiver asks that this address be used no more."""

    why: str
    disable: bool = False


Outcome = Delivered | Retryable | Permanent


@dataclass(frozen=True, slots=True)
class Next:
    """The state to be written, and when to try again when it is pending."""

    state: DeliveryState
    attempt_at: datetime | None
    reason: str


def after_attempt(
    outcome: Outcome, *, attempts: int, priority: int, wanted: bool, jitter: float, now: datetime
) -> Next:
    """What becomes of a message after its attempt number `attempts`.

    `wanted`: its duty still asks for it. `jitter` in [0, 1) spreads receivers that failed together.
    """
    match outcome:
        case Delivered():
            return Next(DeliveryState.DELIVERED, None, "handed over")
        case Permanent(why=why):
            return Next(DeliveryState.DEAD, None, why)
        case Retryable(why=why) if not wanted:
            return Next(DeliveryState.WITHDRAWN, None, f"no longer wanted; the last attempt said: {why}")
        case Retryable(why=why) if priority != Priority.LIFE_SAFETY and attempts >= MOST_ATTEMPTS:
            return Next(DeliveryState.DEAD, None, f"given up after {attempts} attempts: {why}")
        case Retryable(why=why, pause=asked):
            pause = backoff(attempts, priority, jitter)
            if asked is not None:
                pause = max(pause, min(asked, LONGEST_ASKED_PAUSE))
            return Next(DeliveryState.PENDING, now + pause, why)


def backoff(attempts: int, priority: int, jitter: float) -> timedelta:
    """The pause after attempt number `attempts`: doubling from two seconds, half of it by chance."""
    longest = LONGEST_PAUSE_LIFE_SAFETY if priority == Priority.LIFE_SAFETY else LONGEST_PAUSE
    doublings = max(0, min(attempts - 1, 20))
    whole = min(FIRST_PAUSE * int(2**doublings), longest)
    return whole / 2 + whole / 2 * jitter


class Worth(StrEnum):
    """What to do with a message that is due."""

    SEND = "send"
    WITHDRAW = "withdraw"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Corrected:
    """The message that a stand-down takes back, as it stands now."""

    state: DeliveryState
    maybe_told: bool


def worth_sending(
    purpose: Purpose, *, answered: bool, alert_over: bool, corrected: Corrected | None
) -> tuple[Worth, str]:
    """Is a due message still to be sent?

    An answered duty tells nobody, nor does an alert that is over. A stand-down goes to those who were told,
    or may have been; while that is not known yet it waits.
    """
    if purpose is not Purpose.STAND_DOWN:
        if answered or alert_over:
            return Worth.WITHDRAW, "the duty was answered before the message went out"
        return Worth.SEND, "the duty asks for an answer"
    if corrected is None or corrected.state is DeliveryState.DELIVERED:
        return Worth.SEND, "they were told"
    if corrected.state in (DeliveryState.SENDING, DeliveryState.PENDING):
        return Worth.WAIT, "the message to be taken back is on its way"
    if corrected.maybe_told:
        return Worth.SEND, "they may have been told"
    return Worth.WITHDRAW, "they were never told"
