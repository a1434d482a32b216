"""A world lived over a real broker: every happening at its moment, in its home, and the truth of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import msgspec

from device_sim.clock import HurriedClock
from device_sim.fleet import Fleet
from device_sim.home import Home
from device_sim.ledger import Ledger
from device_sim.spec import HEARTBEAT_EVERY
from device_sim.wire import Broker
from device_sim.world.chance import Chance
from device_sim.world.days import Happening
from device_sim.world.faults import Faults, Lot, apart, flapping
from device_sim.world.truth import OutageFact, SaidFact, Truth
from device_sim.world.way import Way
from device_sim.world.world import World

HEARD_BEFORE = timedelta(minutes=5)
"""A home must have been heard before a visit's time begins, or nobody could know that it was silent."""


@dataclass(frozen=True, slots=True)
class _Moment:
    """One thing of the timeline: something said, or a line that goes down or comes back."""

    at: datetime
    hub: str
    what: Happening | bool


class Living:
    """A world in the homes of a fleet. Use `run` once, then ask for the `truth`."""

    def __init__(
        self,
        world: World,
        broker: Broker,
        clock: HurriedClock,
        *,
        passwords: Mapping[str, str] | None = None,
        ledger: Ledger | None = None,
        keepalive: int = 60,
        faults: Faults | None = None,
    ) -> None:
        self.world = world
        self.done = 0
        self._clock = clock
        self._received: dict[tuple[str, str], datetime] = {}
        self._said: list[tuple[Happening, str, datetime]] = []
        self._faults = faults or Faults()
        self._begin = self._end = world.truth.world.begin
        known = passwords or {}
        self.fleet = Fleet(
            (person.spec(known.get(person.hub)) for person in world.people),
            broker,
            clock,
            ledger=ledger,
            keepalive=keepalive,
            on_receipt=self._receipt,
        )
        self.outages: list[OutageFact] = []
        for home in self.fleet:
            self._befall(home)

    def _befall(self, home: Home) -> None:
        """What goes wrong in this home: its clock, its way to the broker, its line."""
        fact, hub = self.world.truth.world, home.spec.hub
        chance = Chance(fact.seed, "way", hub)
        lot = Lot.draw(chance, self._faults)
        outages = [outage for outage in self.world.truth.outages if outage.hub == hub]
        if lot.flaps:
            outages += flapping(hub, chance, fact.begin, fact.until)
        self.outages += apart(outages)
        home.hub.skew = lot.skew
        if lot.faults.told():
            home.hub.way = Way(chance, lot.faults, self._clock)

    def _receipt(self, hub: str, event_id: str) -> None:
        self._received[hub, event_id] = self._clock.now()

    async def run(
        self, until: datetime, *, receipts_within: float = 30.0, each: Callable[[], None] | None = None
    ) -> None:
        """Live until a moment of the clock, and then wait for what is owed. The fleet is switched on already.

        What was to happen before now is left out. `each` is called after everything that happened. Raises
        TimeoutError when a home whose line stands has no receipt for something in `receipts_within` seconds.
        """
        self._begin = self._clock.now()
        for home in self.fleet:
            await home.heartbeats(HEARTBEAT_EVERY / self._clock.speed)
        down: set[str] = set()
        for moment in self._timeline(until):
            await self._clock.until(moment.at)
            home = self.fleet.home(moment.hub)
            if isinstance(moment.what, bool):
                await (home.comes_back() if moment.what else home.goes_offline())
                (down.discard if moment.what else down.add)(moment.hub)
            else:
                said = moment.what
                event_id = await home.reports(said.type, said.device, said.data)
                self._said.append((said, event_id, self._clock.now()))
            self.done += 1
            self._end = self._clock.now()
            if each is not None:
                each()
        await self._clock.until(until)
        self._end = self._clock.now()
        for home in self.fleet:
            await home.stops_heartbeats()
            if home.spec.hub not in down and home.hub.way is not None:
                # A line made anew says at once what is owed; the pauses between sayings do not hurry.
                home.hub.way = None
                await home.goes_offline()
                await home.comes_back()
        for home in self.fleet:
            if home.spec.hub not in down:
                await home.all_receipted(receipts_within)

    def _timeline(self, until: datetime) -> list[_Moment]:
        return sorted(self._moments(until), key=lambda moment: (moment.at, moment.hub))

    def _moments(self, until: datetime) -> Iterator[_Moment]:
        within = partial(_within, self._begin, until)
        for said in self.world.happenings:
            if within(said.at):
                yield _Moment(said.at, said.hub, said)
        for outage in self.outages:
            if outage.end is not None and outage.end <= self._begin:
                continue
            if outage.begin <= until:
                yield _Moment(max(outage.begin, self._begin), outage.hub, False)
            if outage.end is not None and within(outage.end):
                yield _Moment(outage.end, outage.hub, True)

    def truth(self) -> Truth:
        """What really happened meanwhile. Visits that had begun to count before are left out."""
        world = self.world.truth
        after = self._begin + HEARD_BEFORE
        visits = tuple(visit for visit in world.visits if after <= visit.counts_from <= self._end)
        calls = tuple(call for call in world.calls if _within(self._begin, self._end, call.at))
        return Truth(
            msgspec.structs.replace(
                world.world, begin=self._begin, until=self._end, faults=self._faults.told()
            ),
            visits,
            calls,
            tuple(outage for outage in self.outages if _touches(outage, self._begin, self._end)),
            tuple(self._facts()),
        )

    def _facts(self) -> Iterator[SaidFact]:
        for said, event_id, at in self._said:
            received_at = self._received.get((said.hub, event_id))
            told = at + self.fleet.home(said.hub).hub.skew
            yield SaidFact(said.hub, event_id, said.type, said.at, told, received_at, said.visit, said.counts)


def _within(begin: datetime, end: datetime, at: datetime) -> bool:
    return begin <= at <= end


def _touches(outage: OutageFact, begin: datetime, end: datetime) -> bool:
    return outage.begin <= end and (outage.end is None or outage.end > begin)
