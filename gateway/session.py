"""One MQTT connection after another, with the broker keeping our queue in between (contract §2).

MQTT 3.1.1 with a persistent session: what arrives while we are away waits at the broker, and Mosquitto and
rumqttd both keep such a session. (Of MQTT 5, Mosquitto drops the queue at every clean start; and paho takes
three times as long to read a message.)

Every connection is a client object of its own. A message remembers the connection it came by, and is
acknowledged there or nowhere: after a reconnect the same message id belongs to another message.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache, partial

import msgspec
import structlog

from gateway import metrics
from gateway.broker import Broker
from gateway.buffered import Published
from gateway.connection import Connection, Subscription
from gateway.topics import COMMANDS, EVENTS, MOST_REMEMBERED, STATUS

log = structlog.get_logger(__name__)

PAUSES = (0.1, 0.3, 1.0, 2.0, 3.0)
"""Seconds before the next try; the last one repeats. Short: homes wait for receipts, and a try is cheap."""


_MESSAGES = {leaf: metrics.MESSAGES.labels(leaf) for leaf in (EVENTS, STATUS, COMMANDS)}
_OTHERS = metrics.MESSAGES.labels("other")


@lru_cache(maxsize=MOST_REMEMBERED)
def _words(topic: bytes) -> tuple[str, str]:
    """A topic as text, and its last part. One that is no text is kept by whoever reads it as of no kind."""
    text = topic.decode("utf-8", "replace")
    return text, text.rpartition("/")[2]


def _leave(connection: Connection, _stopped: object) -> None:
    """Told to stop while it connects, too: paused, it would not hear the broker's answer."""
    connection.end("stopping")


class Message(msgspec.Struct, eq=False):
    """One message as taken from the broker; `received_at` is our clock when it was."""

    topic: str
    payload: bytes
    retained: bool
    received_at: datetime
    mid: int
    """0: it asks for no acknowledgement."""
    connection: Connection
    again: bool = False
    """The broker has delivered it before."""


class Session:
    """The gateway's standing conversation with the broker.

    `on_message` is called in the loop for every message and must not block; the message stays the broker's
    until `acknowledge`. `on_up` is called when subscriptions stand, `on_down` with each connection or attempt
    that has ended; the messages that came by it will be delivered again by the next.
    """

    def __init__(
        self,
        broker: Broker,
        subscriptions: tuple[Subscription, ...],
        clock: Callable[[], datetime],
        *,
        on_message: Callable[[Message], None],
        on_up: Callable[[], None] = lambda: None,
        on_down: Callable[[object], None] = lambda _connection: None,
    ) -> None:
        self.broker = broker
        self.subscriptions = subscriptions
        self._clock = clock
        self._on_message = on_message
        self._on_up = on_up
        self._on_down = on_down
        # Set from the first attempt on: the broker delivers what waited even before it grants subscriptions.
        self._connection: Connection | None = None
        self._is_up = False

    @property
    def connected(self) -> bool:
        """Whether the subscriptions stand."""
        return self._is_up

    def behind(self) -> bool:
        """Whether messages have come that were not taken yet."""
        return self._connection is not None and self._connection.behind

    @property
    def paused(self) -> bool:
        """Whether we have stopped taking messages for a while."""
        return self._connection is not None and self._connection.paused

    async def run(self, stop: asyncio.Event) -> None:
        """Connects, waits out failures, connects again, until `stop`.

        Raises BrokerFault for unusable certificate files.
        """
        stopped = asyncio.create_task(stop.wait())
        failures = 0
        told = ""
        try:
            while not stop.is_set():
                self._connection = connection = Connection(self.broker, self.subscriptions, self.take)
                leave = partial(_leave, connection)
                stopped.add_done_callback(leave)
                try:
                    why = await self._connect(connection)
                    if why is None:
                        failures, told = 0, ""
                        await self._stay(connection, stopped)
                    else:
                        failures += 1
                        if why != told:  # said once, not every three seconds
                            log.warning("waiting for the broker", broker=str(self.broker), why=why)
                            told = why
                finally:
                    stopped.remove_done_callback(leave)
                    self._connection = None
                    connection.close("closed by us")
                    self._on_down(connection)
                if not stop.is_set():
                    pause = PAUSES[min(failures, len(PAUSES) - 1)]
                    await asyncio.wait({stopped}, timeout=pause * random.uniform(0.7, 1.3))
        finally:
            stopped.cancel()

    async def _connect(self, connection: Connection) -> str | None:
        """None when the subscriptions stand, else why not."""
        try:
            await connection.open()
        except TimeoutError:
            return "the broker does not answer"
        except OSError as error:
            return f"the broker cannot be reached: {error}"
        return connection.ended.result() if connection.ended.done() else None

    async def _stay(self, connection: Connection, stopped: asyncio.Task[bool]) -> None:
        self._is_up = True
        metrics.CONNECTED.set(1)
        metrics.CONNECTIONS.labels("kept" if connection.session_present else "new").inc()
        log.info("connected to the broker", broker=str(self.broker), queue_kept=connection.session_present)
        self._on_up()
        watching = asyncio.create_task(connection.watch())
        try:
            await asyncio.wait({watching, stopped}, return_when=asyncio.FIRST_COMPLETED)
            why = watching.result() if watching.done() else "stopping"
        finally:
            watching.cancel()
            self._is_up = False
            metrics.CONNECTED.set(0)
            metrics.UNACKNOWLEDGED.set(0)
        metrics.CONNECTION_ENDED.labels(why.partition(":")[0]).inc()
        log.info("left the broker", broker=str(self.broker), why=why)

    def take(self, connection: Connection, messages: list[Published]) -> None:
        """Messages have arrived together by this connection."""
        leaves: Counter[str] = Counter()
        now = self._clock()
        for message in messages:
            topic, leaf = _words(message.topic)
            leaves[leaf] += 1
            self._on_message(
                Message(topic, message.payload, message.retained, now, message.mid, connection, message.again)
            )
        for leaf, number in leaves.items():
            _MESSAGES.get(leaf, _OTHERS).inc(number)

    def follow(self, subscriptions: tuple[Subscription, ...]) -> None:
        """Asks for other topics, on this connection and on every later one."""
        self.subscriptions = subscriptions
        if self._connection is not None:
            self._connection.change(subscriptions)

    def acknowledge(self, messages: Iterable[Message]) -> None:
        """Tells the broker that messages are ours now. Call it after the commit, never before.

        On a connection that has ended nothing is sent; the broker delivers the message again.
        """
        mids: list[int] = []
        for message in messages:
            if message.mid and message.connection is self._connection:
                mids.append(message.mid)
            elif message.mid:
                metrics.STALE_ACKS.inc()
        if self._connection is not None:
            self._connection.acknowledge(mids)

    def publish(self, topic: str, payload: bytes) -> bool:
        """Hands a message to the broker, QoS 1, not retained; False without a connection."""
        return self.publish_all([(topic, payload)])[0]

    def publish_all(self, messages: Sequence[tuple[str, bytes]]) -> list[bool]:
        """Hands messages to the broker in one piece; for each whether there was a connection to take it."""
        went = [False] * len(messages) if self._connection is None else self._connection.publish(messages)
        said = zip(messages, went, strict=True)
        counts = Counter((topic.rpartition("/")[2], out) for (topic, _), out in said)
        for (leaf, out), number in counts.items():
            (metrics.PUBLISHED if out else metrics.NOT_PUBLISHED).labels(leaf).inc(number)
        return went

    def oldest_unacknowledged(self) -> tuple[int, float]:
        """The longest unacknowledged message of this connection: its id, and the seconds it has waited.

        0 and 0 when none does: no message has that id.
        """
        if self._connection is None or not self._connection.unacknowledged:
            return 0, 0.0
        metrics.UNACKNOWLEDGED.set(len(self._connection.unacknowledged))
        mid, taken = self._connection.unacknowledged[0]
        return mid, self._connection.loop.time() - taken

    def pause(self, paused: bool) -> None:
        """Stops or resumes taking messages while too much is in hand."""
        if self._connection is not None:
            self._connection.pause(paused)

    def drop(self, why: str) -> None:
        """Gives the present connection up; the next one is delivered all that was not acknowledged."""
        if self._connection is not None:
            self._connection.close(why)
