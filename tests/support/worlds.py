"""Random small worlds for `threshold backtest`: an estate, a roster, events and a policy, made to be nasty.

Times lie on the boundaries of the rules and one microsecond beside them, homes hold couples, doors are
shared, hubs fall silent for exactly as long as they may, and the same event comes twice. The same seed makes
the same world.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from tests.support.oracle.files import Files, stamp
from tests.support.oracle.plan import Visit, plan
from tests.support.worlds_calling import Caller
from tests.support.worlds_plan import NUDGES
from tests.support.worlds_told import Teller


class Maker(Teller):
    """Makes one world from a seed."""

    def make(self) -> Files:
        """The whole world."""
        self.files.estate = self.estate()
        self.files.policy = self.policy()
        self.files.roster = self.roster()
        self.files.separator = self.dice.choice([",", ";"])
        until = datetime.combine(self.first + timedelta(days=self.days - 1), time(12), tzinfo=UTC)
        self.change(plan(self.files.read(until)))
        world = self.files.read(until)
        visits = plan(world)
        for visit in [visit for visit in visits if visit.start < until + timedelta(days=1)]:
            self.attend(world, visit, visits)
        for hub in world.hubs.values():
            self.beat(hub.id, hub.heartbeat_every, visits)
        self.spoil(visits)
        anchors = [moment for visit in visits for moment in (visit.start, visit.missed_at, visit.end)]
        self.files.events += Caller(self.seed, world, anchors or [until]).calls()
        self.dice.shuffle(self.files.events)
        self.files.until = self.end(visits)
        return self.files

    def spoil(self, visits: list[Visit]) -> None:
        """Lines that cannot be read, and hubs that nobody knows."""
        moment = self.dice.choice(visits).start if visits else datetime(2026, 11, 20, tzinfo=UTC)
        if self.chance(0.2):
            self.files.events.append("{not json")
        if self.chance(0.2):
            event = {
                "id": "u1",
                "type": "carer.arrived",
                "at": stamp(moment),
                "data": {"credential": "fob:a0"},
            }
            self.files.events.append({"hub": "hub-unknown", "received_at": stamp(moment), "event": event})
        if all(isinstance(line, str) for line in self.files.events):
            self.files.events.append(
                {"hub": "hub-unknown", "received_at": stamp(moment), "status": {"online": True}}
            )

    def end(self, visits: list[Visit]) -> str | None:
        """When the replay ends: at the last receipt, long after, or in the middle of something."""
        if self.chance(0.3) or not visits:
            return None
        if self.chance(0.5):
            return stamp(max(visit.latest for visit in visits) + timedelta(hours=self.dice.choice([1, 100])))
        visit = self.dice.choice(visits)
        patience = max(timedelta(minutes=30), visit.length / 2)
        anchors = [visit.start, visit.late_at, visit.missed_at, visit.latest, visit.end + patience, visit.end]
        return stamp(self.dice.choice(anchors) + self.dice.choice(NUDGES))


def make_world(seed: int) -> Files:
    """The world of a seed."""
    return Maker(seed).make()
