"""A small stand-in for the platform, for tests of the homes alone: it receipts what it hears."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiomqtt
import msgspec

from device_sim.clock import RealClock, Timer
from gateway.model import Command, Event, Receipts, Refusal, Status
from gateway.topics import Topics

TOPICS = Topics()


class Listener:
    """What arrived over the broker, message by message. While not `receipting` it only listens."""

    def __init__(self, port: int, username: str | None = None, password: str | None = None) -> None:
        self.receipting = True
        self.refuses: set[str] = set()
        """Event types that are receipted as rejected."""
        self.messages: list[tuple[str, list[Event]]] = []
        self.statuses: list[tuple[str, Status]] = []
        self.unreadable: list[bytes] = []
        self.heard: Counter[tuple[str, str]] = Counter()
        self._port, self._username, self._password = port, username, password
        self._client: aiomqtt.Client | None = None
        self._news = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()

    def types(self, hub: str) -> list[str]:
        """The types of the events of a hub in the order in which they arrived, repeats included."""
        return [event.type for name, events in self.messages if name == hub for event in events]

    def ids(self, hub: str) -> list[str]:
        """The ids of the events of a hub in the order in which they arrived, repeats included."""
        return [event.id for name, events in self.messages if name == hub for event in events]

    async def hears_that(self, hub: str, *, online: bool) -> None:
        """Return when the last status of a hub says so."""
        await self.until(
            lambda: [each.online for name, each in self.statuses if name == hub][-1:] == [online]
        )

    async def until(self, true: Callable[[], object], within: float = 15.0) -> None:
        """Return when `true()`; a TimeoutError after `within` seconds."""
        async with asyncio.timeout(within):
            while not true():
                self._news.clear()
                await self._news.wait()

    async def command(self, hub: str, command: Command, *, retain: bool = False) -> None:
        """Send a command to a hub."""
        await self.send(TOPICS.commands(hub), msgspec.json.encode(command), retain=retain)

    async def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish anything."""
        assert self._client is not None
        await self._client.publish(topic, payload, qos=1, retain=retain)

    async def run(self) -> None:
        """Listen for ever; the broker may come and go."""
        while True:
            with contextlib.suppress(aiomqtt.MqttError):
                await self._listen()
            self._client = None
            await asyncio.sleep(0.1)

    async def _listen(self) -> None:
        async with aiomqtt.Client(
            "127.0.0.1",
            self._port,
            identifier="threshold-gateway",
            username=self._username,
            password=self._password,
            clean_session=False,
        ) as client:
            await client.subscribe([(TOPICS.events("+"), 1), (TOPICS.status("+"), 1)])
            self._client = client
            self._news.set()
            async for message in client.messages:
                await self._hear(client, message)
                self._news.set()

    async def _hear(self, client: aiomqtt.Client, message: aiomqtt.Message) -> None:
        parsed = TOPICS.parse(message.topic.value)
        assert parsed is not None
        assert isinstance(message.payload, bytes)
        hub, leaf = parsed
        if leaf == "status":
            self.statuses.append((hub, msgspec.json.decode(message.payload, type=Status)))
            return
        try:
            read = msgspec.json.decode(message.payload, type=Event | list[Event])
        except msgspec.MsgspecError:
            self.unreadable.append(message.payload)
            return
        events = read if isinstance(read, list) else [read]
        self.messages.append((hub, events))
        self.heard.update((hub, event.id) for event in events)
        if self.receipting:
            receipts = Receipts(
                stored=tuple(event.id for event in events if event.type not in self.refuses),
                rejected=tuple(
                    Refusal(event.id, "not today") for event in events if event.type in self.refuses
                ),
            )
            # Not waited for: after a kill of the broker no acknowledgement comes, and aiomqtt waits on.
            sending = asyncio.create_task(self._receipt(client, hub, msgspec.json.encode(receipts)))
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)

    async def _receipt(self, client: aiomqtt.Client, hub: str, payload: bytes) -> None:
        with contextlib.suppress(aiomqtt.MqttError):
            await client.publish(TOPICS.receipts(hub), payload, qos=1)


@asynccontextmanager
async def listening(
    port: int, *, username: str | None = None, password: str | None = None
) -> AsyncIterator[Listener]:
    """A listener that runs in the background."""
    listener = Listener(port, username, password)
    running = asyncio.create_task(listener.run())
    try:
        await listener.until(lambda: listener._client is not None)
        yield listener
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def door_release(command_id: str, *, expires_in: float = 30.0, panel: str = "panel-1") -> Command:
    """A command to open a door, issued now."""
    now = datetime.now(UTC)
    return Command(command_id, "door.release", now, now + timedelta(seconds=expires_in), {"panel": panel})


class HurriedClock(RealClock):
    """A clock whose seconds are a tenth as long: what homes wait for comes soon, and the date is right."""

    FACTOR = 10.0

    def monotonic(self) -> float:
        """Short seconds."""
        return super().monotonic() * self.FACTOR

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """After so many short seconds."""
        return super().call_later(seconds / self.FACTOR, callback)

    async def sleep(self, seconds: float) -> None:
        """For so many short seconds."""
        await super().sleep(seconds / self.FACTOR)
