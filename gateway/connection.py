"""One connection to the broker, from its beginning to its end: our own few packets on asyncio's transport.

A client library spends about forty microseconds of processor on each message (a system call or two for its
parts, a lock, a walk through callbacks); here a whole read is one call (docs/performance.md).
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

from gateway import packets
from gateway.broker import Broker
from gateway.packets import ProtocolFault, Publish, Splitter

KEEPALIVE = 10
"""Seconds without traffic before we ask whether the broker is there; it is given up after as long again."""
CONNECT_TIMEOUT = 5.0
"""Seconds for the TCP connection, and as long again for the broker to grant the subscriptions."""
LOOK_EVERY = 1.0
"""Seconds between looks at the keepalive clock."""
MOST_UNSENT = 8 * 1024 * 1024
"""Bytes that may wait for the broker to read them; then we publish no more, and homes ask again."""
SUBSCRIPTION_REFUSED = 0x80
SUBSCRIPTION_ID, CHANGE_ID = 1, 2


@dataclass(frozen=True, slots=True)
class Subscription:
    """A topic filter. When the broker refuses one that is not `required`, we do without it."""

    topic: str
    qos: int
    required: bool = True


class Connection(asyncio.Protocol):
    """One connection, from its attempt to its end. `take` is given the messages of each read, in order."""

    def __init__(
        self,
        broker: Broker,
        subscriptions: tuple[Subscription, ...],
        take: Callable[["Connection", list[Publish]], None],
    ) -> None:
        self.broker = broker
        self.subscriptions = subscriptions
        self.paused = False
        self.session_present = False
        self.loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[str] = self.loop.create_future()
        self.subscribed: asyncio.Future[None] = self.loop.create_future()
        self.unacknowledged: deque[tuple[int, float]] = deque()
        """Message ids in the order of their delivery, with the loop's time at which each was taken."""
        self._take = take
        self._open: set[int] = set()
        self._done: set[int] = set()
        self._taken = 0
        self._accepted = False
        self._transport: asyncio.Transport | None = None
        self._splitter = Splitter()
        self._ids = itertools.cycle(range(CHANGE_ID + 1, packets.MOST_MESSAGE_IDS + 1))
        self._in_flight: set[int] = set()
        self._heard_at = self._said_at = self.loop.time()
        self._asked_at: float | None = None

    async def open(self) -> None:
        """Connects and subscribes. Raises OSError or TimeoutError; `ended` says why the broker refused.

        Raises BrokerFault for unusable certificate files.
        """
        broker = self.broker
        context = broker.tls_context()
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await self.loop.create_connection(lambda: self, broker.host, broker.port, ssl=context)
        self._write(packets.connect(broker.client_id, KEEPALIVE, broker.username, broker.password))
        await self._granted()

    async def _granted(self) -> None:
        """Waits for the subscriptions. What queued up for us comes before them: that is an answer too."""
        answers: set[asyncio.Future[str] | asyncio.Future[None]] = {self.ended, self.subscribed}
        while True:
            taken = self._taken
            done, _ = await asyncio.wait(
                answers, timeout=CONNECT_TIMEOUT, return_when=asyncio.FIRST_COMPLETED
            )
            if done:
                return
            if taken == self._taken and not self.paused:
                raise TimeoutError

    async def watch(self) -> str:
        """Keeps the connection alive until it ends, and says why it ended."""
        while not self.ended.done():
            await asyncio.wait({self.ended}, timeout=LOOK_EVERY)
            self._keep_alive(self.loop.time())
        return self.ended.result()

    def _keep_alive(self, now: float) -> None:
        """Asks a broker whether it is there; one that we do not listen to cannot be late with its answer."""
        if self.paused:
            self._asked_at = None
        elif self._asked_at is not None and now - self._asked_at > KEEPALIVE:
            self._end("the broker has fallen silent")
            return
        if now - self._said_at >= KEEPALIVE or now - self._heard_at >= KEEPALIVE:
            if self._asked_at is None:
                self._asked_at = now
                self._write(packets.PINGREQ_PACKET)
            elif now - self._said_at >= KEEPALIVE:
                self._write(packets.PINGREQ_PACKET)

    def acknowledge(self, mids: Iterable[int]) -> None:
        """Tells the broker that messages are ours, each once all that were delivered before it are ours too.

        MQTT asks for acknowledgements in the order of delivery (3.1.1, section 4.6), and rumqttd ends the
        connection of who answers in another; we commit a press before what waited longer.
        """
        self._done.update(self._open.intersection(mids))
        ready: list[int] = []
        while self.unacknowledged and (first := self.unacknowledged[0][0]) in self._done:
            self.unacknowledged.popleft()
            self._done.discard(first)
            self._open.discard(first)
            ready.append(first)
        if ready:
            self._write(packets.pubacks(ready))

    def publish(self, messages: Iterable[tuple[str, bytes]]) -> list[bool]:
        """Hands messages to the broker in one piece, QoS 1; for each whether it went out."""
        out: list[bytes] = []
        went: list[bool] = []
        for topic, payload in messages:
            if not self._may_say_more():
                went.append(False)
                continue
            mid = next(self._ids)
            while mid in self._in_flight:
                mid = next(self._ids)
            self._in_flight.add(mid)
            out.append(packets.publish(topic.encode(), payload, mid))
            went.append(True)
        if out:
            self._write(b"".join(out))
        return went

    def change(self, subscriptions: tuple[Subscription, ...]) -> None:
        """Asks for other topics from now on; those that stay are left alone, so nothing kept comes again."""
        added = [(one.topic, one.qos) for one in subscriptions if one not in self.subscriptions]
        gone = [one.topic for one in self.subscriptions if one not in subscriptions]
        self.subscriptions = subscriptions
        if self._accepted and added:
            self._write(packets.subscribe(CHANGE_ID, added))
        if self._accepted and gone:
            self._write(packets.unsubscribe(CHANGE_ID, gone))

    def _may_say_more(self) -> bool:
        return (
            self._accepted
            and not self.ended.done()
            and self._transport is not None
            and len(self._in_flight) < packets.MOST_MESSAGE_IDS // 2
            and self._transport.get_write_buffer_size() < MOST_UNSENT
        )

    def close(self, why: str) -> None:
        """Ends it from our side; the broker keeps the session. What still waits to be sent is sent."""
        self._end(why)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(packets.DISCONNECT_PACKET)
            self._transport.close()
            # A broker that reads nothing would keep the rest, and the socket, for ever.
            self.loop.call_later(CONNECT_TIMEOUT, self._transport.abort)

    def pause(self, paused: bool) -> None:
        """Stops or resumes reading; the broker's window fills and it waits."""
        if self._transport is None or self._transport.is_closing() or paused is self.paused:
            return
        self.paused = paused
        if paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket stands; asyncio has set it to send at once (a receipt must not wait for company)."""
        # A cast, not an assertion: uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket has ended."""
        self._end(f"connection lost: {exc or 'the broker closed it'}")

    def data_received(self, data: bytes) -> None:
        """Takes one read apart: all its messages are handed on in one call."""
        self._heard_at, self._asked_at = self.loop.time(), None
        if self.ended.done():
            return
        try:
            messages = [
                packets.read_publish(first, body)
                for first, body in self._splitter.feed(data)
                if first >> 4 == packets.PUBLISH or self._told(first >> 4, body)
            ]
        except ProtocolFault as fault:
            self._end(f"the broker breaks the protocol: {fault}")
            return
        if messages:
            self._taken += 1
            for message in messages:
                if message.qos and message.mid not in self._open:
                    self._open.add(message.mid)
                    self.unacknowledged.append((message.mid, self._heard_at))
            self._take(self, messages)

    def _told(self, kind: int, body: bytes) -> bool:
        """Takes a packet that is no message."""
        if kind == packets.PUBACK and len(body) >= 2:
            self._in_flight.discard(int.from_bytes(body[:2], "big"))
        elif kind == packets.CONNACK and len(body) == 2:
            self._on_connack(bool(body[0] & 1), body[1])
        elif kind == packets.SUBACK and len(body) > 2:
            if int.from_bytes(body[:2], "big") == SUBSCRIPTION_ID:
                self._on_suback(body[2:])
        elif kind not in (packets.PINGRESP, packets.UNSUBACK):
            raise ProtocolFault(f"a packet of kind {kind} and {len(body)} bytes")
        return False

    def _on_connack(self, session_present: bool, refused: int) -> None:
        if refused:
            why = packets.CONNECTION_REFUSED.get(refused, f"code {refused}")
            self._end(f"the broker refused us: {why}")
            return
        self._accepted, self.session_present = True, session_present
        filters = [(wanted.topic, wanted.qos) for wanted in self.subscriptions]
        self._write(packets.subscribe(SUBSCRIPTION_ID, filters))

    def _on_suback(self, granted: bytes) -> None:
        refused = [
            wanted.topic
            for wanted, code in zip(self.subscriptions, granted, strict=False)
            if wanted.required and code >= SUBSCRIPTION_REFUSED
        ]
        if refused:
            self._end(f"the broker refused our subscription to {', '.join(refused)}")
        elif not self.subscribed.done():
            self.subscribed.set_result(None)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._said_at = self.loop.time()
            self._transport.write(data)

    def _end(self, why: str) -> None:
        if not self.ended.done():
            self.ended.set_result(why)
