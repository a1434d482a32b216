"""One connection to the broker, from its beginning to its end: paho inside the asyncio loop.

A thread of paho's own has to win the interpreter lock from the loop for every message, which under load
costs a third of the rate and all of the good latencies; so there is none but for the blocking connect.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from gateway.broker import Broker

KEEPALIVE = 10
"""Seconds without traffic before we ask whether the broker is there; it is given up after as long again."""
CONNECT_TIMEOUT = 5.0
"""Seconds for the TCP connection, and as long again for the broker to grant the subscriptions."""
MISC_EVERY = 1.0
"""Seconds between looks at paho's keepalive clock."""
SUBSCRIPTION_REFUSED = 0x80


@dataclass(frozen=True, slots=True)
class Subscription:
    """A topic filter. When the broker refuses one that is not `required`, we do without it."""

    topic: str
    qos: int
    required: bool = True


class Connection:
    """One client object, from its connection to its end."""

    def __init__(
        self,
        broker: Broker,
        subscriptions: tuple["Subscription", ...],
        take: Callable[["Connection", mqtt.MQTTMessage], None],
        own_topic: str,
    ) -> None:
        self.broker = broker
        self.subscriptions = subscriptions
        self.paused = False
        self._take = take
        self._own_topic = own_topic
        self.loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[str] = self.loop.create_future()
        self.subscribed: asyncio.Future[None] = self.loop.create_future()
        self.session_present = False
        self.unacknowledged: deque[tuple[int, float]] = deque()
        """Message ids in the order of their delivery, with the loop's time at which each was taken."""
        self._open: set[int] = set()
        self._done: set[int] = set()
        self._taken = 0
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id,
            clean_session=False,
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self.client.connect_timeout = CONNECT_TIMEOUT
        # What we publish is either sent again on demand (receipts) or kept in the database (commands).
        # Without these limits lifted paho would hold receipts back while it waits for the broker's word.
        self.client.max_inflight_messages_set(0)
        self.client.max_queued_messages_set(0)
        if broker.username is not None:
            self.client.username_pw_set(broker.username, broker.password)
        if (context := broker.tls_context()) is not None:
            self.client.tls_set_context(context)
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_disconnect = self._on_disconnect
        self.client.on_message = self._on_message

    async def open(self) -> None:
        """Connects and subscribes. Raises OSError or TimeoutError; `ended` says why the broker refused."""
        broker = self.broker
        await asyncio.to_thread(self.client.connect, broker.host, broker.port, KEEPALIVE)
        # The callbacks go on only now: the thread above must not touch the loop.
        self.client.on_socket_register_write = self._want_write
        self.client.on_socket_unregister_write = self._done_writing
        self.client.on_socket_close = self._on_socket_close
        sock = self.client.socket()
        if sock is None:
            self._end("the broker closed the connection")
            return
        if isinstance(sock, socket.socket):  # a receipt of a few bytes must not wait for company
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.loop.add_reader(sock, self._readable)
        if self.client.want_write():
            self.loop.add_writer(sock, self.client.loop_write)
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
            await asyncio.wait({self.ended}, timeout=MISC_EVERY)
            if self.ended.done():
                break
            if not self.paused:
                self.client.loop_misc()
            elif (quiet := quiet + 1) % (KEEPALIVE // 2) == 0:
                # paho would ask the broker whether it is there and, as we do not read, never learn.
                self.client.publish(self._own_topic, b"", qos=0)
        return self.ended.result()

    def acknowledge(self, mid: int) -> None:
        """Tells the broker that a message is ours, once all that were delivered before it are ours too.

        MQTT asks for acknowledgements in the order of delivery (3.1.1, section 4.6), and rumqttd ends the
        connection of who answers in another; we commit a press before what waited longer.
        """
        if mid not in self._open:
            return
        self._done.add(mid)
        while self.unacknowledged and (first := self.unacknowledged[0][0]) in self._done:
            self.unacknowledged.popleft()
            self._done.discard(first)
            self._open.discard(first)
            self.client.ack(first, 1)

    def close(self, why: str) -> None:
        """Ends it from our side; the broker keeps the session."""
        if not self.ended.done():
            self._end(why)
        self.client.disconnect()
        if self.client.want_write():
            self.client.loop_write()  # receipts that still wait, and the farewell
        if (sock := self.client.socket()) is not None:
            self._forget(sock)
            sock.close()

    def pause(self, paused: bool) -> None:
        """Stops or resumes reading; the broker's window fills and it waits."""
        sock = self.client.socket()
        if sock is None or paused is self.paused:
            return
        self.paused = paused
        if paused:
            self.loop.remove_reader(sock)
        else:
            self.loop.add_reader(sock, self._readable)

    def _readable(self) -> None:
        self.client.loop_read()
        # TLS may have decrypted more than one packet; the socket itself will not say so again.
        while (sock := self.client.socket()) is not None and getattr(sock, "pending", int)() > 0:
            self.client.loop_read()

    def _want_write(self, _client: mqtt.Client, _userdata: Any, sock: Any) -> None:
        self.loop.add_writer(sock, self.client.loop_write)

    def _done_writing(self, _client: mqtt.Client, _userdata: Any, sock: Any) -> None:
        self.loop.remove_writer(sock)

    def _on_socket_close(self, _client: mqtt.Client, _userdata: Any, sock: Any) -> None:
        self._forget(sock)

    def _forget(self, sock: Any) -> None:
        if sock.fileno() >= 0:
            self.loop.remove_reader(sock)
            self.loop.remove_writer(sock)

    def _end(self, why: str) -> None:
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
            self._end(f"the broker refused us: {reason}")
            return
        self.session_present = flags.session_present
        client.subscribe([(wanted.topic, wanted.qos) for wanted in self.subscriptions])

    def _on_subscribe(
        self, _client: mqtt.Client, _userdata: Any, _mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        refused = [
            wanted.topic
            for wanted, reason in zip(self.subscriptions, reasons, strict=False)
            if wanted.required and reason.value >= SUBSCRIPTION_REFUSED
        ]
        if refused:
            self._end(f"the broker refused our subscription to {', '.join(refused)}")
        elif not self.subscribed.done():
            self.subscribed.set_result(None)

    def _on_disconnect(
        self, _client: mqtt.Client, _userdata: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        self._end(f"connection lost: {reason}")

    def _on_message(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        self._taken += 1
        if message.qos and message.mid not in self._open:
            self._open.add(message.mid)
            self.unacknowledged.append((message.mid, self.loop.time()))
        self._take(self, message)
