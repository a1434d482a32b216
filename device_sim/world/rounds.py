"""Who is sent where, and who really comes: carers walk their rounds, run late, fall ill and are covered.

First a planner deals each day's visits to carers with time to travel between them; that is the roster. Then
the day is lived: a carer who is held up is late at every home behind it until the round has caught up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from device_sim.world.chance import Chance
from device_sim.world.magnitudes import Magnitudes
from device_sim.world.people import Person, Planned, wall
from device_sim.world.truth import Attended


@dataclass(frozen=True, slots=True)
class Due:
    """One dated visit of the roster. `standing`: planned, cancelled or suspended."""

    ref: str
    person: Person
    planned: Planned
    day: date
    start: datetime
    end: datetime
    standing: str


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a visit: who was to come, who came, and why somebody did not."""

    due: Due
    rostered: tuple[str, ...]
    attended: tuple[Attended, ...]
    why: str | None


def due_visits(people: Iterable[Person], day: date, seed: int, sizes: Magnitudes) -> list[Due]:
    """Every visit of a day, in order of start and ref."""
    found = []
    for person in people:
        for planned in person.visits:
            ref = f"{person.package}/{planned.id}/{day.isoformat()}"
            start = wall(day, planned.start)
            cancelled = Chance(seed, "cancelled", ref).happens(sizes.cancelled)
            standing = "suspended" if person.is_away(start) else "cancelled" if cancelled else "planned"
            end = start + timedelta(minutes=planned.minutes)
            found.append(Due(ref, person, planned, day, start, end, standing))
    return sorted(found, key=lambda due: (due.start, due.ref))


@dataclass(slots=True)
class _Diary:
    """When each carer of a kind is taken, this day."""

    prefix: str
    taken: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=dict)

    def free(self, begin: datetime, end: datetime, apart: timedelta, besides: Sequence[str]) -> str:
        """The first carer with this time to spare; a further one is taken on when there is none."""
        number = 0
        while True:
            number += 1
            carer = f"{self.prefix}{number:02d}"
            times = self.taken.get(carer, [])
            if carer not in besides and all(end + apart <= b or e + apart <= begin for b, e in times):
                self.taken.setdefault(carer, []).append((begin, end))
                return carer


def day_of(provider: str, visits: Sequence[Due], seed: int, sizes: Magnitudes) -> list[Made]:
    """One provider's day, as it was planned and as it went. The visits are in order of start and ref."""
    return _Day(provider, seed, sizes).live(visits)


class _Day:
    def __init__(self, provider: str, seed: int, sizes: Magnitudes) -> None:
        self._provider = provider
        self._seed = seed
        self._sizes = sizes
        self._rostered = _Diary(f"{provider}-c")
        self._bank = _Diary(f"{provider}-b")
        self._left: dict[str, datetime] = {}
        self._ends: dict[str, datetime | None] = {}

    def live(self, visits: Sequence[Due]) -> list[Made]:
        made = []
        apart = timedelta(minutes=self._sizes.between_visits)
        for due in visits:
            rostered: list[str] = []
            for _ in range(due.person.carers if due.standing != "cancelled" else 0):
                rostered.append(self._rostered.free(due.start, due.end, apart, rostered))
            attended: list[Attended] = []
            why = None
            if due.standing == "planned":
                for place, carer in enumerate(rostered):
                    came, reason = self._slot(due, place, carer)
                    why = reason or why
                    if came is not None:
                        attended.append(came)
            attended.sort(key=lambda one: (one.arrived, one.carer))
            made.append(Made(due, tuple(rostered), tuple(attended), why))
        return made

    def _slot(self, due: Due, place: int, carer: str) -> tuple[Attended | None, str | None]:
        """Who came in this place of a visit, or why nobody did. Every draw is made, whatever comes of it."""
        sizes, chance = self._sizes, Chance(self._seed, "slot", due.ref, place)
        forgotten, swapped = chance.happens(sizes.forgotten), chance.happens(sizes.swapped)
        covered, cover_comes = chance.happens(sizes.covered), chance.minutes(sizes.cover_comes)
        delayed, delay = chance.happens(sizes.delays_begin), chance.minutes(sizes.delay)
        usual, travel = chance.minutes(sizes.lateness), chance.minutes(sizes.travel)
        short, short_stay = chance.happens(sizes.shorter_than_15), chance.minutes(sizes.short_stay)
        share = chance.within(sizes.stay)
        logged = chance.pick(
            (
                ("nothing", sizes.not_logged),
                ("button", sizes.by_button),
                ("fob", 1 - sizes.not_logged - sizes.by_button),
            )
        )
        told = not chance.happens(sizes.departure_not_logged) and logged != "nothing"
        stay = short_stay if short else timedelta(seconds=int((due.end - due.start).total_seconds() * share))

        if forgotten:
            return None, "nobody was sent"
        ended = self._ended(carer, due.day)
        if ended is not None and ended <= due.start:
            if not covered:
                return None, "the round collapsed and nobody took this visit over"
            arrived = due.start + cover_comes
            return self._by_bank(due, arrived, stay, logged, told), None
        arrived = due.start + (delay if delayed else usual)
        if carer in self._left:
            arrived = max(arrived, self._left[carer] + travel)
        if arrived - due.start > timedelta(minutes=sizes.too_late):
            return None, "the round ran so late that nobody came any more"
        if swapped:
            return self._by_bank(due, arrived, stay, logged, told), None
        self._left[carer] = arrived + stay
        return Attended(carer, arrived, arrived + stay, logged, told, True), None

    def _by_bank(self, due: Due, arrived: datetime, stay: timedelta, logged: str, told: bool) -> Attended:
        carer = self._bank.free(arrived, arrived + stay, timedelta(minutes=self._sizes.travel[1]), ())
        return Attended(carer, arrived, arrived + stay, logged, told, False)

    def _ended(self, carer: str, day: date) -> datetime | None:
        """When this carer's day collapsed, or None when it did not."""
        if carer not in self._ends:
            chance = Chance(self._seed, "round", carer, day.isoformat())
            collapses, when = chance.happens(self._sizes.round_collapses), chance.whole((6, 18))
            midnight = datetime.combine(day, datetime.min.time(), tzinfo=None)
            self._ends[carer] = wall(day, (midnight + timedelta(hours=when)).time()) if collapses else None
        return self._ends[carer]
