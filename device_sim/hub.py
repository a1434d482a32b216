"""The unit in the home: keeps every event until its receipt, obeys commands, and tells that it is alive."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from device_sim.clock import Clock, Timer
from device_sim.commands import answer
from device_sim.ledger import Ledger
from device_sim.link import Link
from device_sim.outbox import Outbox, message_of
from device_sim.spec import HomeSpec
from device_sim.watcher import Watcher
from device_sim.wire import Broker
from gateway.model import Command, Event, Receipts, Status

log = structlog.get_logger(__name__)

FIRMWARE = "threshold-sim"

LARGEST_EVENT = 32 * 1024
"""Bytes; contract §2 rejects a larger one, and so does a broker, before any receipt could tell the home."""

LARGEST_DATA = 16 * 1024
"""Bytes of an event's `data` (contract §2)."""

HEARTBEAT = "heartbeat"

COMMAND_REMEMBERED = timedelta(days=1)
"""How long past its expiry an id is known. A later repeat is refused as expired, and so never obeyed."""


class Hub:
    """A hub that says events and hears receipts and commands. `Home` gives it its life.

    `on_receipt(hub, event id, seconds, alarm)` is called for each event stored, with the time since it was
    first handed to the connection. All of it runs on one event loop and never blocks on the network.
    """

    def __init__(
        self,
        spec: HomeSpec,
        broker: Broker,
        clock: Clock,
        *,
        ledger: Ledger | None = None,
        skew: timedelta = timedelta(0),
        on_receipt: Callable[[str, str, float, bool], None] | None = None,
        keepalive: int = 30,
    ) -> None:
        self.spec = spec
        self.skew = skew
        """How far this hub's clock is ahead of the truth."""
        self.outbox = Outbox()
        self.stored: set[str] = set()
        self.rejected: dict[str, str] = {}
        self.obeyed: list[Command] = []
        self.refused: list[tuple[str, str]] = []
        """Commands not obeyed: id and reason."""
        self.told: list[str] = []
        """Alerts of which the resident was told that help is coming."""
        self.unreadable: Counter[str] = Counter()
        """Messages from the platform that made no sense, by topic: the platform's faults, not ours."""
        self.mains, self.battery = True, 1.0
        self.watcher: Watcher | None = None
        self.way: Callable[[bytes, Callable[[bytes], None]], None] | None = None
        """What carries a message of events to the line, where that is to be done badly."""
        self._clock = clock
        self._ledger = ledger
        self._on_receipt = on_receipt
        topics = broker.topics
        self._events, self._status = topics.events(spec.hub), topics.status(spec.hub)
        self._receipts, self._commands = topics.receipts(spec.hub), topics.commands(spec.hub)
        self.link = Link(
            broker,
            clock,
            hub=spec.hub,
            password=spec.password,
            username=spec.username,
            will=(self._status, msgspec.json.encode(Status(online=False))),
            subscribe_to=(self._receipts, self._commands),
            keepalive=keepalive,
        )
        self.link.on_up, self.link.on_down = self._up, self._down
        self.link.on_room, self.link.on_message = self._pump, self._hear
        self._seen: dict[str, datetime] = {}
        self._changed = asyncio.Event()
        self._again: Timer | None = None
        self._again_at = 0.0
        self._pumping_soon = False
        self._beat: Timer | None = None
        self._beat_every: timedelta | None = None
        self._said_queued = False
        self._boot, self._seq, self._booted = "", 0, clock.monotonic()
        self._begin_boot()

    def now(self) -> datetime:
        """What this hub's clock says."""
        return self._clock.now() + self.skew

    def start(self) -> None:
        """Begin to connect."""
        self.link.start()

    async def stop(self) -> None:
        """Stop the timers, say goodbye when connected, and disconnect."""
        self.stop_heartbeats()
        await self.link.stop((self._status, msgspec.json.encode(Status(online=False, at=self.now()))))
        self._stop_timer()

    def reboot(self) -> None:
        """A new boot, and a new connection when there was one."""
        self._begin_boot()
        if self.link.up:
            self.link.cut()
            self.link.mend()

    def remember(self, events: tuple[Event, ...]) -> None:
        """Put events into the store that an earlier life of this hub still owes (see `ledger.Account`)."""
        for event in events:
            self.outbox.put(event.id, event.type, msgspec.json.encode(event), self._clock.monotonic())
        self._pump()

    def say(
        self,
        event_type: str,
        *,
        device: str | None = None,
        data: dict[str, Any] | None = None,
        happened: datetime | None = None,
    ) -> str:
        """Make an event, keep it, and send it when there is a connection. Returns its id.

        Raises ValueError when it is larger than the contract allows.
        """
        self._seq += 1
        event = Event(
            id=f"{self._boot}-{self._seq}",
            type=event_type,
            at=self.now() if happened is None else happened + self.skew,
            device=device,
            seq=self._seq,
            boot=self._boot,
            data=data or {},
        )
        body = msgspec.json.encode(event)
        if len(body) > LARGEST_DATA and (
            len(body) > LARGEST_EVENT or len(msgspec.json.encode(event.data)) > LARGEST_DATA
        ):
            raise ValueError(
                f"{self.spec.hub}: a {event_type} of {len(body)} bytes is larger than the contract allows"
            )
        if self._ledger is not None:
            self._ledger.said(self.spec.hub, body)
        self.outbox.put(event.id, event_type, body, self._clock.monotonic())
        if self.watcher is not None:
            self.watcher.said(event)
        self._pump_soon()
        return event.id

    def babble(self, payload: bytes) -> None:
        """Publish raw bytes on the events topic, once, when connected."""
        self.link.publish(self._events, payload)

    def say_status(self) -> None:
        """Publish the retained status, when connected."""
        status = Status(True, self.now(), firmware=FIRMWARE, mains=self.mains, battery=self.battery)
        self.link.publish(self._status, msgspec.json.encode(status), retain=True)

    def start_heartbeats(self, every: timedelta) -> None:
        """A heartbeat now and then every so often. Raises ValueError when the interval is not above zero."""
        if every <= timedelta(0):
            raise ValueError(f"{self.spec.hub}: a heartbeat needs an interval above zero")
        self.stop_heartbeats()
        self._beat_every = every
        self._heartbeat()

    def stop_heartbeats(self) -> None:
        """No more heartbeats."""
        self._beat_every = None
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None

    async def until(self, true: Callable[[], bool], within: float, what: str) -> None:
        """Return when `true()`. Raises TimeoutError naming `what` after `within` seconds of the clock."""
        over: list[bool] = []

        def end() -> None:
            over.append(True)
            self._changed.set()

        timer = self._clock.call_later(within, end)
        try:
            while not true():
                if over:
                    why = f"; {self.link.last_failure}" if self.link.last_failure else ""
                    line = "connected" if self.link.up else f"not connected{why}"
                    raise TimeoutError(
                        f"{self.spec.hub}: no sign of {what} within {within:g} s "
                        f"({line}, {len(self.outbox)} events in the store)"
                    )
                self._changed.clear()
                await self._changed.wait()
        finally:
            timer.cancel()

    def _begin_boot(self) -> None:
        # From the clock and not from a counter: a simulator started twice must not use an id twice,
        # or the second event is taken for a repeat of the first and is rightly thrown away.
        stamp = f"{int(self.now().timestamp() * 1000):x}"
        self._boot = stamp if stamp > self._boot else f"{int(self._boot, 16) + 1:x}"
        self._seq, self._booted = 0, self._clock.monotonic()

    def _up(self) -> None:
        now = self._clock.monotonic()
        if self.watcher is not None:
            self.watcher.line(True)
        self.outbox.connected(now)
        self.say_status()
        if self._beat_every is not None:
            self._heartbeat()
        self._pump()
        self._changed.set()

    def _down(self) -> None:
        self.outbox.disconnected()
        self._stop_timer()
        if self.watcher is not None:
            self.watcher.line(False)
        self._changed.set()

    def _pump_soon(self) -> None:
        """Send in the next turn of the loop: what is said in one turn travels together."""
        if self.link.up and not self._pumping_soon:
            self._pumping_soon = True
            self._clock.call_later(0.0, self._pump)

    def _pump(self) -> None:
        """Send what is due and for which there is room; arrange to look again when time alone matters."""
        self._pumping_soon = False
        room = self.link.room
        # Without room the next acknowledgement calls here; a timer in the past would only spin.
        if room <= 0:
            return
        now = self._clock.monotonic()
        for batch in self.outbox.take(now, room):
            if self.way is None:
                self.babble(message_of(batch))
            else:
                self.way(message_of(batch), self.babble)
        wakes_at = self.outbox.wakes_at()
        if wakes_at is None or (self._again is not None and self._again_at <= wakes_at):
            return  # a timer that comes too early does no harm; a new one for each event costs
        self._stop_timer()
        self._again_at = wakes_at
        self._again = self._clock.call_later(max(0.0, wakes_at - now), self._look_again)

    def _look_again(self) -> None:
        self._again = None
        self._pump()

    def _stop_timer(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None

    def _heartbeat(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
        if self._beat_every is None:
            return
        self._beat = self._clock.call_later(self._beat_every.total_seconds(), self._heartbeat)
        # Nobody is alive in the past tense: an offline hub keeps what happened, not that it was well.
        if self.link.up:
            now = self._clock.monotonic()
            queued = self.outbox.backlog(now)
            self._said_queued = queued > 0
            self.say(HEARTBEAT, data={"queued": queued, "uptime_s": int(now - self._booted)})

    def _hear(self, topic: str, payload: bytes, retained: bool) -> None:
        try:
            if topic == self._receipts:
                self._take_receipts(msgspec.json.decode(payload, type=Receipts))
            elif topic == self._commands:
                self._obey(msgspec.json.decode(payload, type=Command), retained)
        except msgspec.MsgspecError as error:
            self.unreadable[topic] += 1
            log.warning("unreadable message from the platform", topic=topic, reason=str(error))
        self._changed.set()

    def _take_receipts(self, receipts: Receipts) -> None:
        now = self._clock.monotonic()
        for event_id in receipts.stored:
            entry = self.outbox.settle(event_id)
            if entry is None:
                continue
            self.stored.add(event_id)
            if self._ledger is not None:
                self._ledger.stored(self.spec.hub, event_id)
            if entry.first_sent is None:
                continue
            if self._on_receipt is not None:
                self._on_receipt(self.spec.hub, event_id, now - entry.first_sent, entry.alarm)
            if self.watcher is not None:
                self.watcher.stored(event_id, now - entry.first_sent)
        for refusal in receipts.rejected:
            if self.outbox.settle(refusal.id) is not None:
                self.rejected[refusal.id] = refusal.reason
                if self._ledger is not None:
                    self._ledger.rejected(self.spec.hub, refusal.id, refusal.reason)
                if self.watcher is not None:
                    self.watcher.rejected(refusal.id, refusal.reason)
        if self._said_queued and not len(self.outbox):
            # A home that said it had more to tell says at once when it has told it, so that nobody need
            # wait for its next heartbeat to judge the time before (domain/visits.md §6).
            self._heartbeat()
        self._pump()

    def _obey(self, command: Command, retained: bool) -> None:
        now = self.now()
        decided = answer(command, now=now, retained=retained, seen=self._seen, panels=self.spec.panels)
        forgotten = now - COMMAND_REMEMBERED
        self._seen = {known: expiry for known, expiry in self._seen.items() if expiry > forgotten}
        if self.watcher is not None:
            self.watcher.commanded(command, decided)
        if not decided.says:
            return
        self._seen[command.id] = command.expires_at
        if decided.obeyed:
            self.obeyed.append(command)
        else:
            self.refused.append((command.id, decided.reason))
        if decided.told is not None:
            self.told.append(decided.told)
        for event_type, data in decided.says:
            panel = data.get("panel")
            self.say(event_type, device=panel if isinstance(panel, str) else None, data=data)
