"""What becomes of a delivery after an attempt, and is it still worth sending? Pure.

A life-safety message is tried without end while its duty is open, round and round the contact's channels;
every other has a last attempt, after which it is dead and said to be (DESIGN; domain/visits.md §7). A channel
that refuses for good, or has had its time, gives way to the contact's next one.
"""

from collections.abc import Sequence
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
PATIENCE_LIFE_SAFETY = timedelta(seconds=60)
PATIENCE = timedelta(minutes=10)
"""How long one channel is tried while the contact has another."""
LOOK_AGAIN = timedelta(seconds=15)
"""How often a provider is asked what became of a message that it took, where it does not say so itself."""


class DeliveryState(StrEnum):
    """Where a message stands."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    """A provider has it, and will say whether it arrived."""
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
class Sent:
    """A provider took it as `ref`, and will say whether it arrived."""

    ref: str


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A provider's word that what it took has not arrived."""

    why: str


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


Outcome = Delivered | Sent | Retryable | Permanent
Way = Sequence[str]
"""A contact's channels from the present one on."""


@dataclass(frozen=True, slots=True)
class Next:
    """The state to be written, and when to try or look again when there is more to come.

    `way` is set when the message changes its channel: the new one, and those behind it.
    """

    state: DeliveryState
    attempt_at: datetime | None
    reason: str
    way: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """How a message stands with its present channel: attempts there, and since when. `wanted`: its duty still
    asks for it."""

    attempts: int
    since: datetime
    way: Way
    priority: int
    wanted: bool = True


def after_attempt(outcome: Outcome, tried: Tried, *, jitter: float, now: datetime) -> Next:
    """What becomes of a message after an attempt. `jitter` in [0, 1) spreads those that failed together."""
    match outcome:
        case Delivered():
            return Next(DeliveryState.DELIVERED, None, "handed over")
        case Sent():
            return Next(DeliveryState.SENT, now + LOOK_AGAIN, "the provider has it")
        case Permanent(why=why) if len(tried.way) > 1 and tried.wanted:
            return Next(DeliveryState.PENDING, now, why, tuple(tried.way[1:]))
        case Permanent(why=why):
            return Next(DeliveryState.DEAD, None, why)
        case Retryable(why=why) if not tried.wanted:
            return Next(DeliveryState.WITHDRAWN, None, f"no longer wanted; the last attempt said: {why}")
        case Retryable(why=why, pause=asked):
            return _later(why, asked, tried, jitter, now)


def _later(why: str, asked: timedelta | None, tried: Tried, jitter: float, now: datetime) -> Next:
    pause = backoff(tried.attempts, tried.priority, jitter)
    if asked is not None:
        pause = max(pause, min(asked, LONGEST_ASKED_PAUSE))
    spent = tried.priority != Priority.LIFE_SAFETY and tried.attempts >= MOST_ATTEMPTS
    if len(tried.way) > 1 and (spent or now + pause > tried.since + patience(tried.priority)):
        return Next(DeliveryState.PENDING, now, why, _onwards(tried))
    if spent:
        return Next(DeliveryState.DEAD, None, f"given up after {tried.attempts} attempts: {why}")
    return Next(DeliveryState.PENDING, now + pause, why)


def _onwards(tried: Tried) -> tuple[str, ...]:
    """The rest of the way; for life safety a channel that may yet work comes round again."""
    passed = tried.way[:1] if tried.priority == Priority.LIFE_SAFETY else ()
    return (*tried.way[1:], *passed)


def after_word(
    word: Delivered | Undelivered | None, sent_at: datetime, tried: Tried, *, jitter: float, now: datetime
) -> Next:
    """What becomes of a message that a provider took, after the provider's word, or for want of one."""
    match word:
        case Delivered():
            return Next(DeliveryState.DELIVERED, None, "the provider says that it arrived")
        case Undelivered(why=why) if tried.wanted and len(tried.way) > 1:
            return Next(DeliveryState.PENDING, now, why, _onwards(tried))
        case Undelivered(why=why):
            return after_attempt(Retryable(why), tried, jitter=jitter, now=now)
        case None if now < sent_at + patience(tried.priority):
            return Next(DeliveryState.SENT, now + LOOK_AGAIN, "the provider has it")
        case None if tried.wanted and len(tried.way) > 1:
            # A message too many is better than none.
            return Next(DeliveryState.PENDING, now, "no word that it arrived", _onwards(tried))
        case None:
            return Next(DeliveryState.DELIVERED, None, "the provider has it, and said no more")


def patience(priority: int) -> timedelta:
    """How long one channel is tried, or its provider's word waited for."""
    return PATIENCE_LIFE_SAFETY if priority == Priority.LIFE_SAFETY else PATIENCE


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
    if corrected is None or corrected.state in (DeliveryState.DELIVERED, DeliveryState.SENT):
        return Worth.SEND, "they were told"
    if corrected.state in (DeliveryState.SENDING, DeliveryState.PENDING):
        return Worth.WAIT, "the message to be taken back is on its way"
    if corrected.maybe_told:
        return Worth.SEND, "they may have been told"
    return Worth.WITHDRAW, "they were never told"
