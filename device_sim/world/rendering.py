"""A world as the platform would have received it, without a platform: the events file of contract §5.

Each home keeps to the contract as the living ones do: an event said while the line is down is kept and told
when it is back, a lost one is said again, a heartbeat names what is still owed, a will follows a cut line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from device_sim.resend import is_alarm, pause_after
from device_sim.spec import HEARTBEAT_EVERY
from device_sim.world.chance import Chance
from device_sim.world.days import Happening
from device_sim.world.faults import DELAY, OVERDUE, OVERTAKEN, Faults, Lot, apart, flapping
from device_sim.world.truth import OutageFact, SaidFact, Truth
from device_sim.world.world import World

WILL_AFTER = timedelta(seconds=45)
"""One and a half of the keepalive that homes ask for: then a broker publishes the will."""
TRANSIT = (0.02, 0.4)
"""Seconds from saying to being received on a good line. Ours."""
FLUSH_EACH = timedelta(milliseconds=20)
"""Between two events of a backlog. Ours."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The lines of the file in order of receipt, and the truth with what was said and when that came."""

    lines: tuple[bytes, ...]
    truth: Truth


def render(world: World, faults: Faults | None = None) -> Rendered:
    """The whole world as received. Pure: the same world and faults give the same bytes."""
    wrong = faults or Faults()
    fact = world.truth.world
    by_hub: dict[str, list[Happening]] = {person.hub: [] for person in world.people}
    for happening in world.happenings:
        by_hub[happening.hub].append(happening)
    down: dict[str, list[OutageFact]] = {hub: [] for hub in by_hub}
    for outage in world.truth.outages:
        down[outage.hub].append(outage)
    lines: list[tuple[datetime, int, int, bytes]] = []
    said: list[SaidFact] = []
    outages: list[OutageFact] = []
    for number, (hub, happenings) in enumerate(by_hub.items()):
        home = _Home(hub, fact.seed, fact.begin, fact.until, wrong)
        home.live(happenings, down[hub])
        lines += [(at, number, order, line) for order, (at, line) in enumerate(home.lines)]
        said += home.said
        outages += home.outages
    lines.sort(key=lambda line: line[:3])
    truth = Truth(
        msgspec.structs.replace(fact, faults=wrong.told()),
        world.truth.visits,
        world.truth.calls,
        tuple(outages),
        tuple(said),
    )
    return Rendered(tuple(line for at, _, _, line in lines if at <= fact.until), truth)


class _Home:
    """One home's whole time."""

    def __init__(self, hub: str, seed: int, begin: datetime, until: datetime, faults: Faults) -> None:
        self._hub = hub
        self._chance = Chance(seed, "way", hub)
        self._begin, self._until = begin, until
        lot = Lot.draw(self._chance, faults)
        self._faults, self._flaps, self._skew = lot.faults, lot.flaps, lot.skew
        self._seq = 0
        self._owed: list[tuple[datetime, datetime]] = []
        self._flushed: dict[datetime, int] = {}
        self.lines: list[tuple[datetime, bytes]] = []
        self.said: list[SaidFact] = []
        self.outages: list[OutageFact] = []

    def live(self, happenings: Sequence[Happening], outages: Sequence[OutageFact]) -> None:
        """Say everything that happens, with heartbeats between, over a line that may be down."""
        down = self._line(outages)
        self.outages = down
        stretches = _up(self._begin, self._until, down)
        for happening in happenings:
            self._say(happening, stretches)
        for begin, end in stretches:
            self._status(begin, True)
            self._beats(begin, end)
            if end < self._until:
                back = next((up for up, _ in stretches if up > end), None)
                if back is None or back - end > WILL_AFTER:
                    self._status(end + WILL_AFTER, False)

    def _line(self, outages: Sequence[OutageFact]) -> list[OutageFact]:
        if not self._flaps:
            return apart(outages)
        return apart([*outages, *flapping(self._hub, self._chance, self._begin, self._until)])

    def _transit(self) -> timedelta:
        return timedelta(milliseconds=int(self._chance.within(TRANSIT) * 1000))

    def _say(self, happening: Happening, stretches: Sequence[tuple[datetime, datetime]]) -> None:
        self._seq += 1
        event_id = f"w-{self._seq}"
        at = happening.at + self._skew
        event: dict[str, Any] = {
            "id": event_id,
            "type": happening.type,
            "at": at,
            "seq": self._seq,
            "boot": "w",
        }
        if happening.device is not None:
            event["device"] = happening.device
        if happening.data:
            event["data"] = happening.data
        received_at = self._received(happening, event, stretches)
        self.said.append(
            SaidFact(
                self._hub,
                event_id,
                happening.type,
                happening.at,
                at,
                received_at,
                happening.visit,
                happening.counts,
            )
        )

    def _received(
        self, happening: Happening, event: dict[str, Any], stretches: Sequence[tuple[datetime, datetime]]
    ) -> datetime | None:
        """Send it until it is received; None when the world ends or the hub dies before."""
        at, tries, owed_from = happening.at + self._transit(), 0, happening.at + OVERDUE
        alarm = is_alarm(happening.type)
        twice, late, overtaken, lost, cut, hurt = (self._chance.share() for _ in range(6))
        held_up, a_while = self._chance.minutes(DELAY), timedelta(seconds=self._chance.whole(OVERTAKEN))
        while True:
            up = _first_up(at, stretches)
            if up is None:
                return None
            if up > at:
                # Kept while the line was down: told one after the other when it is back.
                owed_from = min(owed_from, at)
                self._flushed[up] = self._flushed.get(up, 0) + 1
                at = up + FLUSH_EACH * self._flushed[up]
            tries += 1
            again = timedelta(seconds=pause_after(tries, alarm=alarm))
            if tries == 1 and (cut < self._faults.truncate or hurt < self._faults.corrupt):
                self._spoil(at, event, cut < self._faults.truncate)
            elif tries > 1 or lost >= self._faults.drop:
                break
            at += again
        if late < self._faults.delay and not alarm:
            at += held_up
        elif overtaken < self._faults.reorder:
            at += a_while
        self._put(at, event)
        if at > owed_from:
            self._owed.append((owed_from, at))
        if twice < self._faults.duplicate:
            self._put(at + timedelta(seconds=pause_after(1, alarm=alarm)), event)
        return at if at <= self._until else None

    def _beats(self, begin: datetime, end: datetime) -> None:
        """Heartbeats while the line is up: at once when it comes up, then at the hub's interval, and once
        more as soon as a backlog has been told."""
        at = begin
        while at < end:
            queued, told = self._queued(at)
            self._heartbeat(at, queued)
            while queued and told < end:
                queued, later = self._queued(told)
                if not queued:
                    self._heartbeat(told + FLUSH_EACH, 0)
                told = later
            at += HEARTBEAT_EVERY

    def _queued(self, at: datetime) -> tuple[int, datetime]:
        """How many events the hub knows it still owes at a moment, and when the last of them is received."""
        done = [told for owed_from, told in self._owed if owed_from < at < told]
        return len(done), max(done, default=at)

    def _heartbeat(self, at: datetime, queued: int) -> None:
        self._seq += 1
        clock = at + self._skew
        self._put(
            at + timedelta(milliseconds=10),
            {"id": f"w-{self._seq}", "type": "heartbeat", "at": clock, "data": {"queued": queued}},
        )

    def _status(self, at: datetime, online: bool) -> None:
        self._line_of(at, {"status": {"online": online}})

    def _put(self, at: datetime, event: dict[str, Any]) -> None:
        self._line_of(at, {"event": event})

    def _line_of(self, at: datetime, what: dict[str, Any]) -> None:
        self.lines.append((at, msgspec.json.encode({"hub": self._hub, "received_at": at} | what)))

    def _spoil(self, at: datetime, event: dict[str, Any], cut: bool) -> None:
        """A line that nobody can read, in place of the event."""
        whole = msgspec.json.encode({"hub": self._hub, "received_at": at, "event": event})
        self.lines.append((at, whole[: len(whole) // 2] if cut else whole.replace(b'":', b'"\xff', 3)))


def _up(begin: datetime, until: datetime, down: Sequence[OutageFact]) -> list[tuple[datetime, datetime]]:
    """The times at which the line stands."""
    found, at = [], begin
    for outage in down:
        if outage.begin >= until:
            break
        found.append((at, outage.begin))
        if outage.end is None or outage.end >= until:
            return found
        at = outage.end
    found.append((at, until))
    return found


def _first_up(at: datetime, stretches: Sequence[tuple[datetime, datetime]]) -> datetime | None:
    """The first moment from `at` on at which the line stands."""
    for begin, end in stretches:
        if at < end:
            return max(at, begin)
    return None
