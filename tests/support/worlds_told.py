"""Random events: what homes send in a random world, when it happened and when it was received."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.support.oracle.files import stamp
from tests.support.oracle.model import World
from tests.support.oracle.plan import Visit
from tests.support.worlds_plan import MINUTE, NUDGES, TICK, Planner


class Teller(Planner):
    """Tells what happens in a planned world."""

    def attend(self, world: World, visit: Visit, visits: list[Visit]) -> None:
        """Somebody comes, or not, or nearly."""
        slots = visit.slots + self.dice.choice([0, 0, 0, -1, 1])
        for _ in range(max(0, slots)):
            if self.chance(0.25):
                continue
            anchors = [
                visit.counts_from,
                visit.start,
                visit.start,
                visit.start - visit.rules.on_time,
                visit.late_at,
                visit.missed_at,
                visit.latest,
            ]
            start = self.dice.choice(anchors) + self.dice.choice(NUDGES)
            if self.chance(0.6):
                start = visit.start + timedelta(minutes=self.dice.randrange(-45, 60))
            if start - visit.start > timedelta(hours=20):
                continue
            share = float(visit.rules.short_below)
            lengths = [
                visit.length,
                visit.length * share,
                visit.length + max(timedelta(minutes=30), visit.length / 2),
                timedelta(0),
                timedelta(minutes=self.dice.randrange(1, 90)),
                world.policy.longest_session,
            ]
            end = start + self.dice.choice(lengths) + self.dice.choice(NUDGES)
            self.come(world, visit, visits, start, max(start, end))
        if self.chance(0.2):
            self.undo(world, visit)
        if self.chance(0.25):
            kinds = [
                "door.opened",
                "door.closed",
                "door.call",
                "door.released",
                "door.denied",
                "door.granted",
            ]
            moment = self.dice.choice([visit.counts_from, visit.start, visit.latest]) + self.dice.choice(
                NUDGES
            )
            self.say(world, visit, visits, self.dice.choice(kinds), moment, self.credential(visit), "fob")

    def undo(self, world: World, visit: Visit) -> None:
        """An arrival that counts, until a buffered one shows that its session began too early to count."""
        own = [hub for hub in world.hubs.values() if hub.dwelling == visit.dwelling]
        if not own:
            return
        hub = self.dice.choice(own).id
        data: dict[str, Any] = {"credential": self.credential(visit), "method": "fob"}
        if data["credential"] is None or self.chance(0.2):
            data = {"method": "button"}
        same = world.policy.same_session
        counted = visit.counts_from + self.dice.choice([timedelta(0), same / 2, same - TICK, same])
        first = counted - self.dice.choice([same, same, same + TICK])
        knots = [counted, visit.start, visit.late_at, visit.missed_at, visit.missed_at + 50 * MINUTE]
        known = max(counted, self.dice.choice(knots) + self.dice.choice(NUDGES))
        undone = max(first, self.dice.choice(knots) + self.dice.choice([*NUDGES, timedelta(hours=1)]))
        self.send(hub, "carer.arrived", counted, data, known)
        self.send(hub, "carer.arrived", first, data, undone)
        if self.chance(0.4):  # and a third word, which fills the slot again
            self.send(
                hub, "carer.departed", first + same / 4, data, undone + self.dice.choice([2, 90]) * MINUTE
            )

    def credential(self, visit: Visit) -> str | None:
        """Whose: mostly the right provider's."""
        own = [carer for carer in self.files.estate["carers"] if carer["provider"] == visit.provider]
        if self.chance(0.08):
            return "fob:nobody"
        if self.chance(0.08):
            return None
        carers = self.files.estate["carers"] if self.chance(0.12) else own
        named = [carer for carer in own if carer["id"] in visit.named]
        if named and self.chance(0.5):
            carers = named
        return str(self.dice.choice(self.dice.choice(carers)["credentials"]))

    def come(self, world: World, visit: Visit, visits: list[Visit], start: datetime, end: datetime) -> None:
        """One stay: an arrival, perhaps again, a departure, perhaps again, perhaps one of them missing."""
        credential: str | None = self.credential(visit)
        method = "fob"
        if self.chance(0.15):
            credential, method = None, "button"
        same = world.policy.same_session
        if self.chance(0.88):
            kind = "door.granted" if self.chance(0.25) and method != "button" else "carer.arrived"
            self.say(world, visit, visits, kind, start, credential, method)
            if self.chance(0.25):
                again = (
                    start + self.dice.choice([same, -same, same / 2, -same / 2]) + self.dice.choice(NUDGES)
                )
                self.say(world, visit, visits, "carer.arrived", again, credential, method)
        if self.chance(0.75):
            self.say(world, visit, visits, "carer.departed", end, credential, method)
            if self.chance(0.2):
                again = end + self.dice.choice([same, -same, same / 2]) + self.dice.choice(NUDGES)
                self.say(world, visit, visits, "carer.departed", again, credential, method)

    def say(
        self,
        world: World,
        visit: Visit,
        visits: list[Visit],
        kind: str,
        at: datetime,
        credential: str | None,
        method: str,
    ) -> None:
        """An event from a hub near a visit, received sooner or later."""
        own = [hub for hub in world.hubs.values() if hub.dwelling == visit.dwelling]
        doors = [hub for hub in world.hubs.values() if hub.scheme is not None]
        hubs = (
            own
            if own and self.chance(0.85)
            else doors
            if doors and self.chance(0.8)
            else list(world.hubs.values())
        )
        if kind == "door.granted" and doors and self.chance(0.4):
            hubs = doors
        if not hubs:
            return
        hub = self.dice.choice(hubs)
        data: dict[str, Any] = {}
        if kind.startswith("door."):
            data["panel"] = next(iter(hub.scopes))
            if self.chance(0.5):
                data["scope"] = hub.scopes[data["panel"]]
            if self.chance(0.04):
                data["scope"] = self.dice.choice(["dwelling", "communal"])
        if credential is not None:
            data["credential"] = credential
        if kind in ("carer.arrived", "carer.departed", "door.granted", "door.denied") and self.chance(0.95):
            data["method"] = method
        self.send(hub.id, kind, at, data, self.receipt(at, visit, visits))

    def receipt(self, at: datetime, visit: Visit, visits: list[Visit]) -> datetime:
        """When it came: at once, late, or exactly when something is decided."""
        if self.chance(0.55):
            return at + self.dice.choice(
                [timedelta(0), timedelta(seconds=1), timedelta(seconds=3, microseconds=7)]
            )
        if self.chance(0.2):  # the device's clock runs ahead
            return at - self.dice.choice([TICK, timedelta(seconds=30), timedelta(minutes=10)])
        other = self.dice.choice(visits)
        settled = visit.end + timedelta(hours=72)
        anchors = [
            visit.late_at,
            visit.missed_at,
            visit.missed_at,
            visit.latest,
            visit.end,
            other.missed_at,
            at + timedelta(hours=self.dice.randrange(1, 12)),
            at + timedelta(days=1),
        ]
        if self.chance(0.1):
            anchors = [settled, settled, settled + timedelta(hours=5), at + timedelta(days=30)]
        anchor = self.dice.choice(anchors) + self.dice.choice(NUDGES)
        return max(at, anchor)

    def send(self, hub: str, kind: str, at: datetime, data: dict[str, Any], received_at: datetime) -> None:
        """One line of the events file, perhaps again, perhaps with a clock that is far out."""
        self.numbers += 1
        if self.chance(0.03):
            far = [
                received_at + timedelta(hours=24),
                received_at + timedelta(hours=24) + TICK,
                received_at - timedelta(days=30),
                received_at - timedelta(days=30) - TICK,
                received_at - timedelta(days=300),
            ]
            at = self.dice.choice(far)
        event: dict[str, Any] = {"id": f"e{self.numbers}", "type": kind, "at": stamp(at), "data": data}
        if "panel" in data and self.chance(0.5):
            event["device"] = data["panel"]
        self.files.events.append({"hub": hub, "received_at": stamp(received_at), "event": event})
        if self.chance(0.06):
            later = received_at + self.dice.choice(
                [timedelta(seconds=20), timedelta(hours=3), timedelta(days=2)]
            )
            twin = {**event, "at": stamp(at + self.dice.choice([timedelta(0), timedelta(hours=1)]))}
            self.files.events.append({"hub": hub, "received_at": stamp(later), "event": twin})

    def beat(self, hub: str, every: timedelta, visits: list[Visit]) -> None:
        """Heartbeats of a hub: steady, with gaps just long enough and just too long, queues, and wills."""
        if not visits or self.chance(0.07):
            return
        moment = min(visit.counts_from for visit in visits) - self.dice.choice([1, 6]) * every
        if self.chance(0.2):
            moment = self.dice.choice(visits).counts_from + self.dice.choice([timedelta(0), 10 * MINUTE])
        last = max(visit.missed_at for visit in visits) + timedelta(hours=self.dice.choice([0, 3, 30]))
        last = min(last, moment + 300 * every)
        steady = self.dice.choice([0.97, 0.9, 0.7])
        queued: int | None = 0
        while moment < last:
            if self.chance(0.06):
                queued = self.dice.choice([0, 0, 0, 3, None])
            data: dict[str, Any] = {"uptime_s": 60} if queued is None else {"queued": queued}
            at = moment
            if self.chance(0.06):
                at = moment - self.dice.choice([every, every + TICK, every / 2, 3 * every])
            self.numbers += 1
            event = {"id": f"h{self.numbers}", "type": "heartbeat", "at": stamp(at), "data": data}
            if self.chance(0.02):  # rejected, and still a sign of life
                del event["at"]
            self.files.events.append({"hub": hub, "received_at": stamp(moment), "event": event})
            if self.chance(0.04):
                online = self.chance(0.3)
                off = moment + every * self.dice.choice([0.25, 0.5, 0.75])
                self.files.events.append(
                    {"hub": hub, "received_at": stamp(off), "status": {"online": online}}
                )
            if self.chance(steady):
                moment += every
                continue
            anchor = self.dice.choice(visits)
            gap = every * 5 / 2 + self.dice.choice([timedelta(0), TICK, -TICK])
            if self.chance(0.4):
                gap = every * self.dice.choice([2, 3, 4, 6, 12])
            moment += gap
            if self.chance(0.3) and moment < anchor.missed_at:
                moment = anchor.missed_at + self.dice.choice(NUDGES)
