"""What happens in the simulated homes: a story of two minutes, then ordinary life until Ctrl-C."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from app.clock import Clock
from app.demo.estate import carers_of, fob
from app.demo.plan import PlannedVisit, lateness, ordinary_rounds
from device_sim.home import Home

Say = Callable[[str], None]

QUARTER_HOUR = 14.0 * 60
"""Seconds that a carer stays who was planned for a quarter of an hour."""


async def until(moment: datetime, clock: Clock) -> None:
    """Sleeps until the wall clock shows `moment`."""
    await asyncio.sleep(max(0.0, (moment - clock()).total_seconds()))


class Story:
    """Plays carers and residents in the homes, and says each time what there is to see."""

    def __init__(self, homes: Mapping[int, Home], clock: Clock, say: Say) -> None:
        self.homes = homes
        self.clock = clock
        self.say = say

    async def play(self, start: datetime, visits: list[PlannedVisit]) -> None:
        """The first two minutes: completed, late, missed, stood down, unverified, and a pendant press."""
        self.say(f"Flats 1 to 7, Elm Court: a visit each is planned for {start.astimezone():%H:%M}")
        planned = {visit.home.number: visit for visit in visits}
        async with asyncio.TaskGroup() as group:
            for number in (1, 2):
                group.create_task(self._visit(planned[number], start, seconds=2 + number, stay=58))
            group.create_task(self._swapped(planned[3], start))
            group.create_task(self._late(planned[4], start))
            group.create_task(self._missed(planned[5], start))
            group.create_task(self._late_evidence(planned[6], start))
            group.create_task(self._offline(planned[7], start))
            group.create_task(self._pendant())

    async def ordinary_life(self, since: datetime, until_when: datetime) -> None:
        """Carers on their rounds in the other homes, for the visits that start in that stretch."""
        async with asyncio.TaskGroup() as group:
            for visit in ordinary_rounds(since, until_when):
                group.create_task(self._ordinary(visit))

    async def _at(self, start: datetime, seconds: float) -> None:
        await until(start + timedelta(seconds=seconds), self.clock)

    async def _visit(
        self, visit: PlannedVisit, start: datetime, *, seconds: float, stay: float, carer: str | None = None
    ) -> None:
        credential = fob(carer or visit.carer)
        home = self.homes[visit.home.number]
        await self._at(start, seconds)
        await home.arrives(credential)
        await self._at(start, seconds + stay)
        await home.departs(credential)

    async def _swapped(self, visit: PlannedVisit, start: datetime) -> None:
        other = next(carer for carer in carers_of(visit.home.provider) if carer != visit.carer)
        await self._at(start, 6)
        self.say(f"{visit.home.address}: {other} comes instead of {visit.carer}: attended, and says so")
        await self._visit(visit, start, seconds=6, stay=QUARTER_HOUR, carer=other)

    async def _late(self, visit: PlannedVisit, start: datetime) -> None:
        await self._at(start, 20)
        self.say(f"{visit.home.address}: nobody yet: visit.late goes to the care provider alone")
        await self._visit(visit, start, seconds=32, stay=QUARTER_HOUR)

    async def _missed(self, visit: PlannedVisit, start: datetime) -> None:
        await self._at(start, 45)
        self.say(f"{visit.home.address}: nobody comes: visit.missed, a duty each for landlord and provider")

    async def _late_evidence(self, visit: PlannedVisit, start: datetime) -> None:
        await self._at(start, 58)
        arrived, left = start + timedelta(seconds=5), start + timedelta(seconds=55)
        home = self.homes[visit.home.number]
        await home.arrives(fob(visit.carer), happened=arrived)
        await home.departs(fob(visit.carer), happened=left)
        self.say(f"{visit.home.address}: a buffered arrival turns up: the missed visit is stood down")

    async def _offline(self, visit: PlannedVisit, start: datetime) -> None:
        home = self.homes[visit.home.number]
        await self._at(start, -4)
        await home.goes_offline()
        await self._at(start, 45)
        self.say(f"{visit.home.address}: the hub is offline: the visit cannot be confirmed")
        await home.arrives(fob(visit.carer), happened=start + timedelta(seconds=8))
        await home.departs(fob(visit.carer), happened=start + timedelta(seconds=44))
        await self._at(start, 80)
        await home.comes_back()
        self.say(f"{visit.home.address}: the hub is back and sends what it kept: it was attended after all")

    async def _pendant(self) -> None:
        await self.homes[8].presses("pendant-1")
        self.say("Flat 8, Elm Court: the pendant is pressed, twice: one alarm for the monitoring centre")
        await asyncio.sleep(3)
        await self.homes[8].presses("pendant-1")

    async def _ordinary(self, visit: PlannedVisit) -> None:
        home, credential = self.homes[visit.home.number], fob(visit.carer)
        await until(visit.start + lateness(visit), self.clock)
        await home.rings("panel-1", credential)
        await home.arrives(credential)
        await until(visit.end + lateness(visit), self.clock)
        await home.departs(credential)
