"""When is a unit's fault worth a person's time? Pure. A fault is raised when it has lasted, and goes away
quietly when its restoring event comes first (domain/alarms.md §1, priority 4).

Failing and restoring commute: of each side the newest effective time is kept, and the fault stands while the
failing one is the newer. So a restoring event that overtakes its failing one ends it all the same.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

DELAY = timedelta(minutes=15)
"""Most supply and link faults are over by then (domain/alarms.md §1)."""
BATTERY_NEARS_ITS_END = 0.25
"""Of a unit's battery: below this a mains failure is raised. A day's battery has some six hours left then."""
BATTERY_LOOK = timedelta(minutes=5)
"""How often the battery of a unit without mains is looked at again."""
LONGEST_ON_BATTERY = timedelta(hours=18)
"""Raised by then whatever the unit says of its battery: units are built for about a day without mains."""

MAINS_FAILED = "technical.mains_failed"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is known of one fault of one device. `next_check_at` None: over, or raised already.

    `received_at` and `event_id` belong to the failure with which it began.
    """

    hub_id: str
    device: str
    kind: str
    failing_since: datetime | None = None
    last_failed_at: datetime | None = None
    restored_at: datetime | None = None
    received_at: datetime | None = None
    event_id: str | None = None
    next_check_at: datetime | None = None

    @property
    def failing(self) -> bool:
        """The newest word of the device is that it fails."""
        if self.last_failed_at is None:
            return False
        return self.restored_at is None or self.restored_at < self.last_failed_at


def failed(fault: Fault, at: datetime, received_at: datetime, event_id: str) -> Fault:
    """The fault after one more failing event, effective `at`."""
    newest = at if fault.last_failed_at is None else max(at, fault.last_failed_at)
    if fault.restored_at is not None and at <= fault.restored_at:
        return replace(fault, last_failed_at=newest)  # overtaken by its own end
    if fault.failing:
        since = at if fault.failing_since is None else min(at, fault.failing_since)
        return replace(fault, last_failed_at=newest, failing_since=since)
    return replace(
        fault,
        last_failed_at=newest,
        failing_since=at,
        received_at=received_at,
        event_id=event_id,
        next_check_at=received_at + DELAY,
    )


def restored(fault: Fault, at: datetime) -> Fault:
    """The fault after a restoring event, effective `at`."""
    newest = at if fault.restored_at is None else max(at, fault.restored_at)
    after = replace(fault, restored_at=newest)
    if not after.failing:
        return replace(after, failing_since=None, next_check_at=None)
    if after.failing_since is not None and after.failing_since <= newest:
        after = replace(after, failing_since=after.last_failed_at)
    return after


@dataclass(frozen=True, slots=True)
class Judgement:
    """Raise it as of `raise_at`, or look again at `look_at`; neither: it is over."""

    raise_at: datetime | None
    look_at: datetime | None
    reason: str


def judge(fault: Fault, battery: float | None, now: datetime) -> Judgement:
    """Is it time to tell somebody? `battery` is the unit's last word on its battery, a share of one."""
    if not fault.failing or fault.received_at is None:
        return Judgement(None, None, "restored before it was raised")
    due = fault.received_at + DELAY
    if now < due:
        return Judgement(None, due, "not lasting yet")
    if fault.kind != MAINS_FAILED:
        return Judgement(due, None, "lasting for 15 minutes")
    if battery is None:
        return Judgement(
            due, None, "lasting for 15 minutes, and the unit does not say how full its battery is"
        )
    if battery <= BATTERY_NEARS_ITS_END:
        return Judgement(now, None, f"the unit's battery is down to {battery:.0%}")
    latest = fault.received_at + LONGEST_ON_BATTERY
    if now >= latest:
        return Judgement(
            latest,
            None,
            f"the unit has run on its battery for {LONGEST_ON_BATTERY // timedelta(hours=1)} hours",
        )
    return Judgement(None, min(now + BATTERY_LOOK, latest), f"on its battery, {battery:.0%} full")
