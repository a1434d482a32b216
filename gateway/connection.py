"""One connection to the broker, from its beginning to its end: paho inside the asyncio loop.

A thread of paho's own has to win the interpreter lock from the loop for every message, which under load
costs a third of the rate and all of the good latencies; so there is none but for the blocking connect.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from gateway.broker import Broker
from gateway.buffered import Buffered, MalformedPacket, Published
from gateway.client import Client

KEEPALIVE = 10
"""Seconds without traffic before we ask whether the broker is there; it is given up after as long again."""
CONNECT_TIMEOUT = 5.0
"""Seconds for the TCP connection, and as long again for the broker to grant the subscriptions."""
LOOK_EVERY = 1.0
"""Seconds between looks at paho's keepalive clock."""
MOST_UNSENT = 8 * 1024 * 1024
"""Bytes that may wait for the broker to read them; then we publish no more, and homes ask again."""
MOST_UNANSWERED = 32_000
"""Messages of ours whose acknowledgement may be outstanding: half of all message ids."""
MESSAGES_AT_ONCE = 25
"""Messages read in one turn of the loop: half a millisecond, so that a press waits little after each of its
questions to the database."""
SUBSCRIPTION_REFUSED = 0x80


@dataclass(frozen=True, slots=True)
class Subscription:
    """A topic filter. When the broker refuses one that is not `required`, we do without it."""

    topic: str
    qos: int
    required: bool = True


class Connection:
    """One client object, from its attempt to its end. `take` is given the messages of each read, in order."""

    def __init__(
        self,
        broker: Broker,
        subscriptions: tuple[Subscription, ...],
        take: Callable[["Connection", list[Published]], None],
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
        self._asked: int | None = None
        self._will_write = False
        self._will_read = False
        self._client = self._made(broker)

    def _made(self, broker: Broker) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id,
            clean_session=False,
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = CONNECT_TIMEOUT
        # What we publish is either sent again on demand (receipts) or kept in the database (commands).
        # With paho's own limit in flight it would hold receipts back while it waits for the broker's word.
        client.max_inflight_messages_set(0)
        client.max_queued_messages_set(MOST_UNANSWERED)
        if broker.username is not None:
            client.username_pw_set(broker.username, broker.password)
        if (context := broker.tls_context()) is not None:
            client.tls_set_context(context)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        return client

    async def open(self) -> None:
        """Connects and subscribes. Raises OSError or TimeoutError; `ended` says why the broker refused."""
        broker = self.broker
        await asyncio.to_thread(self._client.connect, broker.host, broker.port, KEEPALIVE)
        # The callbacks go on only now: the thread above must not touch the loop.
        self._client.on_socket_register_write = self._want_write
        self._client.on_socket_close = self._on_socket_close
        wire = self._wire()
        if wire is None:
            self.end("the broker closed the connection")
            return
        if not self.paused:
            self.loop.add_reader(wire, self._readable)
        self._write()
        await self._granted()

    async def _granted(self) -> None:
        """Waits for the subscriptions. What queued up for us comes before them: that is an answer too."""
        answers: set[asyncio.Future[Any]] = {self.ended, self.subscribed}
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
        quiet = 0
        while not self.ended.done():
            await asyncio.wait({self.ended}, timeout=LOOK_EVERY)
            if self.ended.done():
                break
            if not self.paused:
                self._client.loop_misc()
            elif (quiet := quiet + 1) % (KEEPALIVE // 2) == 0:
                # paho would ask the broker whether it is there and, as we do not read, never learn.
                self._client.say_we_live()
        return self.ended.result()

    def acknowledge(self, mids: Iterable[int]) -> None:
        """Tells the broker that messages are ours, each once all that were delivered before it are ours too.

        MQTT asks for acknowledgements in the order of delivery (3.1.1, section 4.6), and rumqttd ends the
        connection of who answers in another; we commit a press before what waited longer.
        """
        self._done.update(self._open.intersection(mids))
        ready: list[int] = []
        while self.unacknowledged and (first := self.unacknowledged[0][0]) in self._done:
            self.unacknowledged.popleft()
            ready.append(first)
        self._done.difference_update(ready)
        self._open.difference_update(ready)
        if ready and (wire := self._wire()) is not None and self._client.is_connected():
            wire.acknowledge(ready)
            self._write_soon()

    def publish(self, messages: Iterable[tuple[str, bytes]]) -> list[bool]:
        """Hands messages to the broker in one piece, QoS 1; for each whether it went out."""
        wire = self._wire()
        if wire is None or not self._client.is_connected():
            return [False for _ in messages]
        return [
            wire.unsent() < MOST_UNSENT
            and self._client.publish(topic, payload, qos=1).rc is MQTTErrorCode.MQTT_ERR_SUCCESS
            for topic, payload in messages
        ]

    def change(self, subscriptions: tuple[Subscription, ...]) -> None:
        """Asks for other topics from now on; those that stay are left alone, so nothing kept comes again."""
        added = [(one.topic, one.qos) for one in subscriptions if one not in self.subscriptions]
        gone = [one.topic for one in self.subscriptions if one not in subscriptions]
        self.subscriptions = subscriptions
        if self._client.is_connected() and added:
            self._client.subscribe(added)
        if self._client.is_connected() and gone:
            self._client.unsubscribe(gone)

    def close(self, why: str) -> None:
        """Ends it from our side; the broker keeps the session."""
        self.end(why)
        self._client.disconnect()
        self._write()  # receipts that still wait, and the farewell
        if (wire := self._wire()) is not None:
            self._forget(wire)
            wire.close()

    def pause(self, paused: bool) -> None:
        """Stops or resumes reading; the broker's window fills and it waits."""
        wire = self._wire()
        if wire is None or paused is self.paused:
            return
        self.paused = paused
        if paused:
            self.loop.remove_reader(wire)
        else:
            self._client.something_came()  # or may have, while we did not look
            self.loop.add_reader(wire, self._readable)
            self._read_soon()  # what was read before the pause

    @property
    def behind(self) -> bool:
        """Whether more was read than was handed on."""
        return self._will_read

    def _readable(self) -> None:
        """Reads some of what is there, and hands its messages on in one call.

        Not more than `MESSAGES_AT_ONCE`: a long queue would keep the loop from all else, and the lease
        would be taken from a copy that only reads. The rest has its turn after what else waits in the loop.
        """
        if self._will_read:
            return  # its turn comes
        heard: list[Published] = []
        try:
            self._read(heard)
        except MalformedPacket as error:
            self.close(f"connection lost: {error}")
        if heard and not self.ended.done():
            self._taken += 1
            self._client.something_came()
            self._note(heard)
            self._take(self, heard)

    def _read(self, heard: list[Published]) -> None:
        wire, filled = self._wire(), False
        while wire is not None and not self.paused:
            heard += wire.publishes(MESSAGES_AT_ONCE - len(heard))
            if len(heard) >= MESSAGES_AT_ONCE:
                self._read_soon()
                return
            if wire.release():
                self._client.loop_read()  # paho's packets: as many as receipts are on their way, or one
                wire = self._wire()
            elif (filled and not wire.pending()) or not wire.fill():
                return
            else:
                filled = True

    def _note(self, heard: list[Published]) -> None:
        """Keeps which messages are still to be acknowledged, in their order."""
        now = self.loop.time()
        for message in heard:
            if message.mid and message.mid not in self._open:
                self._open.add(message.mid)
                self.unacknowledged.append((message.mid, now))

    def _read_soon(self) -> None:
        """What lies in our own buffer the system will not tell us of again."""
        if not self._will_read:
            self._will_read = True
            self.loop.call_soon(self._read_again)

    def _read_again(self) -> None:
        self._will_read = False
        self._readable()

    def _want_write(self, _client: mqtt.Client, _userdata: Any, _sock: Any) -> None:
        self._write_soon()

    def _write_soon(self) -> None:
        """There is something to say: whatever else there is by the end of this turn goes out with it."""
        if not self._will_write:
            self._will_write = True
            self.loop.call_soon(self._write)

    def _write(self) -> None:
        self._will_write = False
        if self._client.want_write():
            self._client.loop_write()
        self._flush()

    def _flush(self) -> None:
        """Sends what paho has said, and asks to be called again while the system does not take all of it."""
        if (wire := self._wire()) is None:
            return
        try:
            wire.flush()
        except OSError as error:
            self.end(f"connection lost: {error}")
            self._forget(wire)
            return
        if wire.unsent():
            self.loop.add_writer(wire, self._flush)
        else:
            self.loop.remove_writer(wire)

    def _wire(self) -> Buffered | None:
        """The socket while it is one."""
        wire = self._client.wire
        return wire if wire is not None and wire.fileno() >= 0 else None

    def _on_socket_close(self, _client: mqtt.Client, _userdata: Any, sock: Any) -> None:
        self._forget(sock)

    def _forget(self, wire: Buffered) -> None:
        if wire.fileno() >= 0:
            self.loop.remove_reader(wire)
            self.loop.remove_writer(wire)

    def end(self, why: str) -> None:
        """Says that it is over; who waits for it then closes it."""
        if not self.ended.done():
            self.ended.set_result(why)

    def _on_connect(
        self,
        client: mqtt.Client,
        _userdata: Any,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Any,
    ) -> None:
        if reason.is_failure:
            self.end(f"the broker refused us: {reason}")
            return
        self.session_present = flags.session_present
        _, self._asked = client.subscribe([(wanted.topic, wanted.qos) for wanted in self.subscriptions])

    def _on_subscribe(
        self, _client: mqtt.Client, _userdata: Any, mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        if mid != self._asked:
            return  # a later change: what it does not grant we do without
        refused = [
            wanted.topic
            for wanted, reason in zip(self.subscriptions, reasons, strict=False)
            if wanted.required and reason.value >= SUBSCRIPTION_REFUSED
        ]
        if refused:
            self.end(f"the broker refused our subscription to {', '.join(refused)}")
        elif not self.subscribed.done():
            self.subscribed.set_result(None)

    def _on_disconnect(
        self, _client: mqtt.Client, _userdata: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        self.end(f"connection lost: {reason}")
