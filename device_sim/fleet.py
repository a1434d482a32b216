"""Many homes on one event loop, and what they measured."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType

from device_sim.behaviour import Action
from device_sim.clock import Clock
from device_sim.home import Home
from device_sim.ledger import Ledger
from device_sim.spec import HomeSpec
from device_sim.wire import Broker

CONNECTING_AT_ONCE = 50
"""Homes that may be shaking hands at a time. More only queue in the broker's backlog and time out there."""

LEAVING_AT_ONCE = 200
"""Homes that may be saying goodbye at a time: of ten thousand at once most would not be answered in time."""

REMEMBERED = 20_000
"""Latencies that are kept: the last so many, because a fleet may run for weeks."""

SLICE = 0.02
"""Seconds between two spurts of a load. Shorter costs more wake-ups, longer makes the load lumpy."""


@dataclass(frozen=True, slots=True)
class Latencies:
    """Seconds from first sending to receipt, of the last `REMEMBERED`; None while there are none.

    `worst` is that of all time.
    """

    p50: float | None
    p99: float | None
    worst: float | None


class _Waits:
    """Latencies as they come in."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=REMEMBERED)
        self._worst: float | None = None

    def add(self, seconds: float) -> None:
        self._last.append(seconds)
        if self._worst is None or seconds > self._worst:
            self._worst = seconds

    def told(self) -> Latencies:
        ranked = sorted(self._last)
        return Latencies(_quantile(ranked, 0.50), _quantile(ranked, 0.99), self._worst)


@dataclass(frozen=True, slots=True)
class Tally:
    """What a fleet has said and heard so far."""

    homes: int
    connected: int
    stored: int
    rejected: int
    in_store: int
    sent_again: int
    presses: int
    """Alarms that are stored."""
    to_receipt: Latencies
    press_to_receipt: Latencies


class Fleet:
    """Homes that live together. `async with` connects them all, and switches them off at the end.

    `on_receipt(hub, event id)` is called for each event that a receipt calls stored.
    Raises ValueError when two homes have the same hub id: a broker would have each throw the other out.
    """

    def __init__(
        self,
        specs: Iterable[HomeSpec],
        broker: Broker,
        clock: Clock,
        *,
        ledger: Ledger | None = None,
        skew: timedelta = timedelta(0),
        keepalive: int = 60,
        on_receipt: Callable[[str, str], None] | None = None,
    ) -> None:
        self._clock = clock
        self._on_receipt = on_receipt
        self._waits, self._press_waits = _Waits(), _Waits()
        self._stored = self._presses = 0
        self._homes: dict[str, Home] = {}
        for spec in specs:
            if spec.hub in self._homes:
                raise ValueError(f"two homes have the hub id {spec.hub}")
            self._homes[spec.hub] = Home(
                spec,
                broker,
                clock,
                ledger=ledger,
                skew=skew,
                on_receipt=self._receipted,
                keepalive=keepalive,
            )

    def __iter__(self) -> Iterator[Home]:
        return iter(self._homes.values())

    def __len__(self) -> int:
        return len(self._homes)

    def home(self, hub: str) -> Home:
        """The home with this hub. Raises KeyError when there is none."""
        return self._homes[hub]

    async def __aenter__(self) -> "Fleet":
        standing = False
        try:
            await self.switch_on()
            standing = True
        finally:
            if not standing:
                await self.switch_off()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.switch_off()

    async def switch_on(self, within: float = 60.0) -> None:
        """Connect every home, some at a time. Raises TimeoutError when one is not connected in time.

        The homes that are connected stay so, and those that are not go on trying.
        """
        turns = asyncio.Semaphore(CONNECTING_AT_ONCE)

        async def one(home: Home) -> None:
            async with turns:
                await home.switches_on()
                await home.connected(within)

        for outcome in await asyncio.gather(*(one(home) for home in self), return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def switch_off(self) -> None:
        """Say goodbye for every home and disconnect, some at a time."""
        turns = asyncio.Semaphore(LEAVING_AT_ONCE)

        async def one(home: Home) -> None:
            async with turns:
                await home.switches_off()

        await asyncio.gather(*(one(home) for home in self))

    async def all_receipted(self, within: float = 60.0) -> None:
        """Return when every store is empty. Raises TimeoutError naming the first home that is not."""
        await asyncio.gather(*(home.all_receipted(within) for home in self))

    async def talk(
        self,
        *,
        per_second: float,
        seconds: float,
        together: int = 1,
        event_type: str = "door.opened",
        device: str | None = None,
    ) -> int:
        """Say events at a steady rate, `together` at a time by home after home; returns how many.

        What is said together travels in one message. The rate is kept over the whole: a spurt that came
        late is made up for. Raises ValueError when the fleet is empty.
        """
        if not self._homes:
            raise ValueError("an empty fleet has nobody to talk")
        homes = list(self)
        began, said, total = self._clock.monotonic(), 0, round(per_second * seconds)
        while said < total:
            owed = min(total, int((self._clock.monotonic() - began) * per_second) + 1)
            while said < owed:
                homes[said // together % len(homes)].hub.say(event_type, device=device, data={"n": said})
                said += 1
            await self._clock.sleep(SLICE)
        return said

    async def beat(self, every: timedelta) -> None:
        """Begin the heartbeats of home after home, so that they are spread over the interval."""
        for home in self:
            await home.heartbeats(every)
            await self._clock.sleep(every.total_seconds() / len(self))

    async def live(self, actions: Iterable[Action]) -> int:
        """Carry out timed actions, each at its moment; returns how many. One that is past is done at once.

        The actions must be in order of time. Raises KeyError for a hub that is not of this fleet.
        """
        done = 0
        for action in actions:
            wait = (action.at - self._clock.now()).total_seconds()
            if wait > 0:
                await self._clock.sleep(wait)
            await getattr(self.home(action.hub), action.does)(**action.arguments)
            done += 1
        return done

    def tally(self) -> Tally:
        """What was said and heard until now."""
        homes = list(self)
        return Tally(
            homes=len(homes),
            connected=sum(home.hub.link.up for home in homes),
            stored=self._stored,
            rejected=sum(len(home.hub.rejected) for home in homes),
            in_store=sum(len(home.hub.outbox) for home in homes),
            sent_again=sum(home.hub.outbox.sent_again for home in homes),
            presses=self._presses,
            to_receipt=self._waits.told(),
            press_to_receipt=self._press_waits.told(),
        )

    def _receipted(self, hub: str, event_id: str, seconds: float, alarm: bool) -> None:
        self._stored += 1
        self._waits.add(seconds)
        if alarm:
            self._presses += 1
            self._press_waits.add(seconds)
        if self._on_receipt is not None:
            self._on_receipt(hub, event_id)


def _quantile(ranked: list[float], share: float) -> float | None:
    """The smallest value that at least this share of the values does not exceed."""
    if not ranked:
        return None
    return ranked[max(0, min(len(ranked) - 1, -(-int(len(ranked) * share * 1000) // 1000) - 1))]
