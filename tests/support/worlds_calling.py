"""Random calls of homes: presses, sensors, doors, faults and their ends, and who is away."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from tests.support.oracle.files import stamp
from tests.support.oracle.model import World
from tests.support.worlds_plan import MINUTE, NUDGES, TICK

CALLS = [
    "alarm.pendant", "alarm.fall", "alarm.smoke", "alarm.brand_new", "alarm.", "alarm.inactivity",
    "alarm.bed", "alarm.medication", "alarm.cancelled", "test.call", "door.forced", "door.held", "door.call",
]  # fmt: skip
FAULTS = {
    "technical.battery_low": "technical.battery_ok",
    "technical.mains_failed": "technical.mains_restored",
    "technical.sensor_missing": "technical.sensor_restored",
    "technical.link_failed": "technical.link_restored",
    "technical.tamper": "technical.battery_ok",
    "technical.fault": "technical.mains_restored",
}
"""Each with what restores it; of the last two nothing does, and what is sent is another's."""
LASTING = 15 * MINUTE


class Caller:
    """Has homes call in a world, with dice of its own: all else in the world stays as it was."""

    def __init__(self, seed: int, world: World, anchors: list[datetime]) -> None:
        self.dice = random.Random(f"calls {seed}")
        self.world = world
        self.anchors = anchors
        self.lines: list[dict[str, Any]] = []

    def calls(self) -> list[dict[str, Any]]:
        """The lines of the events file."""
        hubs = [*self.world.hubs, "hub-unknown"]
        for _ in range(self.dice.choice([0, 1, 2, 4])):
            self.call(self.dice.choice(hubs))
        for _ in range(self.dice.choice([0, 0, 1, 3])):
            self.fault(self.dice.choice(hubs))
        homes = [hub for hub in self.world.hubs.values() if hub.dwelling is not None]
        if homes and self.dice.random() < 0.6:
            home = self.dice.choice(homes).dwelling
            self.absence([hub.id for hub in homes if hub.dwelling == home])
        return self.lines

    def call(self, hub: str) -> None:
        """A press or a door, perhaps again and from another device, perhaps one that cannot be read."""
        kind, at = self.dice.choice(CALLS), self.moment()
        for _ in range(self.dice.choice([1, 1, 2, 3])):
            data: dict[str, Any] = {}
            if kind.startswith("door."):
                data = {"panel": self.dice.choice(["front", "back"])}
                if self.dice.random() < 0.6:
                    data["credential"] = self.dice.choice(["fob:nobody", *sorted(self.world.credentials)])
            line = self.send(hub, kind, at, self.late(at), self.dice.choice([None, "p-1", "p-2"]), data)
            if self.dice.random() < 0.15:
                line["event"]["id"] = ""
            at += self.dice.choice([timedelta(0), TICK, MINUTE, timedelta(hours=5)])

    def fault(self, hub: str) -> None:
        """A device fails and recovers, for about as long as it may, in either order of arrival."""
        kind, device = self.dice.choice(list(FAULTS)), self.dice.choice([None, "s-1"])
        at = self.moment()
        for _ in range(self.dice.choice([1, 2, 2, 3])):
            known = self.late(at)
            self.send(hub, kind, at, known, device)
            if self.dice.random() < 0.3:
                again = at + self.dice.choice([TICK, MINUTE, LASTING])
                self.send(hub, kind, again, self.late(again), device)
            if self.dice.random() < 0.8:
                over = at + self.dice.choice([timedelta(0), MINUTE, LASTING, timedelta(hours=30)])
                over += self.dice.choice(NUDGES)
                told = self.dice.choice([over, known, known + LASTING, known + LASTING + TICK])
                self.send(hub, FAULTS[kind], over, max(over, told), device)
                at = max(at, over)
            at += self.dice.choice([TICK, MINUTE, LASTING, timedelta(hours=2)])

    def absence(self, hubs: list[str]) -> None:
        """Somebody leaves, and comes home or forgets the switch; meanwhile any unit of the home calls."""
        left = self.moment()
        back = left + self.dice.choice([timedelta(hours=3), timedelta(hours=24), timedelta(hours=30)])
        self.send(self.dice.choice(hubs), "resident.away", left, max(left, self.late(left)))
        if self.dice.random() < 0.7:
            self.send(self.dice.choice(hubs), "resident.home", back, max(back, self.late(back)))
        for kind in ("alarm.inactivity", "alarm.exit", "alarm.bed", "alarm.chair", "alarm.flood"):
            at = self.dice.choice([left, left + MINUTE, back, left + timedelta(hours=24)])
            at += self.dice.choice(NUDGES)
            self.send(self.dice.choice(hubs), kind, at, self.late(at), self.dice.choice(["s-1", "s-2"]))

    def moment(self) -> datetime:
        """About when something else is decided."""
        return self.dice.choice(self.anchors) + self.dice.choice(NUDGES)

    def late(self, at: datetime) -> datetime:
        """When it is received: at once, a little later, much later, or by a clock that runs ahead."""
        after = [timedelta(0), timedelta(0), timedelta(seconds=2), LASTING, timedelta(hours=7), -MINUTE]
        return at + self.dice.choice(after)

    def send(
        self,
        hub: str,
        kind: str,
        at: datetime,
        received_at: datetime,
        device: str | None = None,
        data: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """One line, which it answers with."""
        event: dict[str, Any] = {
            "id": f"c{len(self.lines)}",
            "type": kind,
            "at": stamp(at),
            "data": data or {},
        }
        if device is not None:
            event["device"] = device
        line = {"hub": hub, "received_at": stamp(received_at), "event": event}
        self.lines.append(line)
        return line
