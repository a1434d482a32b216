"""One world: a county's people, its roster, everything that happened in it, and the truth about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from device_sim.spec import HomeSpec
from device_sim.world.chance import Chance
from device_sim.world.days import Happening, at_visit, own_day
from device_sim.world.magnitudes import USUAL, Magnitudes
from device_sim.world.people import PROVIDERS, Person, person, wall
from device_sim.world.rounds import Made, day_of, due_visits
from device_sim.world.timing import moments
from device_sim.world.truth import CallFact, OutageFact, Truth, VisitFact, WorldFact

FIRST_DAY = date(2026, 11, 2)
"""A Monday, when nobody names another day: the same words make the same world in any year."""

MOST_HOMES = 50_000
"""More than one machine can connect: a port of the loopback is used up by each."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything about a world. `happenings` are in order of time, hub and type."""

    people: tuple[Person, ...]
    credentials: dict[str, str]
    visits: tuple[Made, ...]
    happenings: tuple[Happening, ...]
    truth: Truth

    def specs(self) -> Iterator[HomeSpec]:
        """The homes, to be simulated."""
        for someone in self.people:
            yield someone.spec()


def make_world(
    seed: int, homes: int, days: int = 7, first: date = FIRST_DAY, sizes: Magnitudes = USUAL
) -> World:
    """The world of a seed. Raises ValueError when it would have no home or no day, or too many of either."""
    if not 1 <= homes <= MOST_HOMES:
        raise ValueError(f"a world has from 1 to {MOST_HOMES:,} homes")
    if not 1 <= days <= 366:
        raise ValueError("a world has from 1 to 366 days")
    people = tuple(person(number, seed, first, days, sizes) for number in range(1, homes + 1))
    dates = [first + timedelta(days=number) for number in range(days)]
    visits: list[Made] = []
    for day in dates:
        due = due_visits(people, day, seed, sizes)
        for provider in PROVIDERS:
            visits += day_of(provider, [one for one in due if one.person.provider == provider], seed, sizes)
    visits.sort(key=lambda made: (made.due.start, made.due.ref))
    credentials = _credentials(visits)
    happenings = [said for made in visits for said in at_visit(made, credentials, seed, sizes)]
    calls: list[CallFact] = []
    outages: list[OutageFact] = []
    begin = wall(first, time(0))
    until = wall(dates[-1] + timedelta(days=1), time(0)) - timedelta(seconds=1)
    for someone in people:
        outages += _outages(someone, dates, seed, sizes)
        for day in dates:
            said, called = own_day(someone, day, seed, sizes)
            happenings += said
            calls += called
    happenings.sort(key=lambda said: (said.at, said.hub, said.type))
    truth = Truth(
        WorldFact(seed, homes, days, begin, until),
        tuple(_visit_facts(visits)),
        tuple(sorted(calls, key=lambda call: (call.at, call.hub))),
        tuple(outages),
    )
    return World(people, credentials, tuple(visits), tuple(happenings), truth)


def _credentials(visits: Sequence[Made]) -> dict[str, str]:
    """A fob for every carer who was ever planned or came, numbered in order of their ids."""
    carers = {carer for made in visits for carer in made.rostered}
    carers |= {came.carer for made in visits for came in made.attended}
    return {carer: f"fob:{number:06X}" for number, carer in enumerate(sorted(carers), start=0x04A001)}


def _outages(someone: Person, dates: Sequence[date], seed: int, sizes: Magnitudes) -> Iterator[OutageFact]:
    """When a home's line is down, one after the other; a hub that dies has no later ones."""
    free_from: datetime | None = None
    for day in dates:
        chance = Chance(seed, "line", someone.number, day.isoformat())
        down, dies = chance.happens(sizes.outages), chance.happens(sizes.dies)
        begin = wall(day, time(0)) + timedelta(seconds=chance.whole((0, 86_399)))
        length = chance.minutes(chance.pick(sizes.outage))
        if free_from is not None and begin <= free_from:
            continue
        if dies:
            yield OutageFact(someone.hub, begin, None, "the hub died")
            return
        if down:
            free_from = begin + length + timedelta(minutes=30)
            yield OutageFact(someone.hub, begin, begin + length, "the line was down")


def _visit_facts(visits: Sequence[Made]) -> Iterator[VisitFact]:
    """Each visit with its moments; those need the next planned visit of the same package."""
    following: dict[str, datetime] = {}
    facts = []
    for made in reversed(visits):
        due = made.due
        package = due.person.package
        four = moments(package, due.person.tier, due.start, due.end, following.get(package))
        if due.standing == "planned":
            following[package] = due.start
        facts.append(
            VisitFact(
                due.ref,
                package,
                due.person.resident,
                due.person.hub,
                due.person.tier,
                due.start,
                due.end,
                due.person.carers,
                due.standing,
                four.counts_from,
                four.late_at,
                four.missed_at,
                four.latest,
                made.attended,
                made.why,
            )
        )
    yield from reversed(facts)
