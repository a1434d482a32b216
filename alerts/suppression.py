"""Is this alarm held back, and until when? Pure: what is raised and its place's windows in, an answer out.

Source: domain/alarms.md §1. Away and hospital hold back what an empty home gives rise to; works and an
installer what their work does. Nothing here ever holds a press, a fall, a fire or a kind that nobody knows:
within an engineer's test they are marked as tests, and are still somebody's to answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.model import Priority


class Why(StrEnum):
    """What a window is for. A TEST marks and holds nothing back; the others suppress."""

    TEST = "test"
    INSTALLER_TEST = "installer_test"
    SCHEME_WORKS = "scheme_works"
    AWAY = "away"
    HOSPITAL = "hospital"


EMPTY_HOME = frozenset({"alarm.inactivity", "alarm.exit", "alarm.bed", "alarm.chair"})
"""What the rule for somebody away names, and nothing else (domain/alarms.md §1)."""

LONGEST: dict[Why, timedelta] = {
    Why.TEST: timedelta(hours=8),  # a working day: a forgotten test is over by the evening
    Why.INSTALLER_TEST: timedelta(hours=24),
    Why.SCHEME_WORKS: timedelta(days=7),
    Why.AWAY: timedelta(days=90),
    Why.HOSPITAL: timedelta(days=90),
}
"""Each ends by itself; what lasts longer is opened again by somebody who has looked."""

AWAY_AT_THE_UNIT = timedelta(hours=24)
"""So long does `resident.away` hold without `resident.home`: someone who forgot is watched over again."""

WORDS: dict[Why, str] = {
    Why.TEST: "a test",
    Why.INSTALLER_TEST: "an installer's test",
    Why.SCHEME_WORKS: "works in the scheme",
    Why.AWAY: "nobody at home",
    Why.HOSPITAL: "a stay in hospital",
}


@dataclass(frozen=True, slots=True)
class Window:
    """A time that a person or a unit opened for a place: from `from_at`, up to and without `until_at`."""

    id: int
    why: Why
    from_at: datetime
    until_at: datetime

    def covers(self, at: datetime) -> bool:
        """Whether the moment lies in it."""
        return self.from_at <= at < self.until_at

    @property
    def words(self) -> str:
        """For people: why an alert told nobody."""
        return f"suppressed: {WORDS[self.why]}, until {self.until_at:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class Hold:
    """From when on it may be raised, and the window that holds it at first; None: it is not held."""

    until: datetime
    window: Window | None = None


def suppresses(why: Why, kind: str, priority: int) -> bool:
    """Does a window of this sort hold back what is raised? Life safety never."""
    if priority <= Priority.LIFE_SAFETY:
        return False
    match why:
        case Why.AWAY | Why.HOSPITAL:
            return kind in EMPTY_HOME
        case Why.INSTALLER_TEST:
            return True
        case Why.SCHEME_WORKS:
            return priority >= Priority.ACCESS
        case Why.TEST:
            return False


def held(kind: str, priority: int, at: datetime, windows: Iterable[Window]) -> Hold:
    """Whether what becomes true at `at` is held back, and until when: windows that meet hold it on."""
    holding = [window for window in windows if suppresses(window.why, kind, priority)]
    first, until = None, at
    while covering := [window for window in holding if window.covers(until)]:
        longest = max(covering, key=lambda window: (window.until_at, -window.id))
        first, until = first or longest, longest.until_at
    return Hold(until, first)


def is_test(kind: str, at: datetime, windows: Iterable[Window]) -> bool:
    """Was this pressed within a test that somebody opened? Only alarms are; an installer's window is one."""
    tests = (Why.TEST, Why.INSTALLER_TEST)
    return kind.startswith("alarm.") and any(window.why in tests and window.covers(at) for window in windows)
