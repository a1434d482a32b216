"""One MQTT connection after another, with the broker keeping our queue in between (contract §2).

MQTT 3.1.1 with a persistent session: what arrives while we are away waits at the broker, and Mosquitto and
rumqttd both keep such a session. (Of MQTT 5, Mosquitto drops the queue at every clean start; and paho takes
three times as long to read a message, 100 µs instead of 36.)

paho runs inside the asyncio loop: a thread of its own has to win the interpreter lock from the loop for
every message, which under load costs a third of the rate and all of the good latencies.

Every connection is a client object of its own. A message remembers the connection it came by, and is
acknowledged there or nowhere: after a reconnect the same message id belongs to another message.
"""

import asyncio
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from gateway import metrics
from gateway.broker import Broker

log = structlog.get_logger(__name__)

KEEPALIVE = 10
"""Seconds without traffic before we ask whether the broker is there; it is given up after as long again."""
CONNECT_TIMEOUT = 5.0
"""Seconds for the TCP connection, and as long again for the broker to grant the subscriptions."""
PAUSES = (0.1, 0.3, 1.0, 2.0, 3.0)
"""Seconds before the next try; the last one repeats. Short: homes wait for receipts, and a try is cheap."""
MISC_EVERY = 1.0
"""Seconds between looks at paho's keepalive clock."""
SUBSCRIPTION_REFUSED = 0x80


@dataclass(slots=True, eq=False)
class Message:
    """One message as taken from the broker; `received_at` is our clock when it was."""

    topic: str
    payload: bytes
    retained: bool
    received_at: datetime
    mid: int
    qos: int
    connection: "_Connection"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A topic filter. When the broker refuses one that is not `required`, we do without it."""

    topic: str
    qos: int
    required: bool = True


class _Connection:
    """One client object, from its connection to its end."""

    def __init__(self, session: "Session") -> None:
        self.session = session
        self.loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[str] = self.loop.create_future()
        self.subscribed: asyncio.Future[None] = self.loop.create_future()
        self.session_present = False
        self.unacknowledged: dict[int, float] = {}
        broker = session.broker
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
        broker = self.session.broker
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
        async with asyncio.timeout(CONNECT_TIMEOUT):
            answers: set[asyncio.Future[Any]] = {self.ended, self.subscribed}
            await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)

    async def watch(self) -> str:
        """Keeps the connection alive until it ends, and says why it ended."""
        while not self.ended.done():
            await asyncio.wait({self.ended}, timeout=MISC_EVERY)
            if not self.ended.done() and not self.session.paused:
                self.client.loop_misc()
        return self.ended.result()

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
        if sock is None:
            return
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
        client.subscribe([(wanted.topic, wanted.qos) for wanted in self.session.subscriptions])

    def _on_subscribe(
        self, _client: mqtt.Client, _userdata: Any, _mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        refused = [
            wanted.topic
            for wanted, reason in zip(self.session.subscriptions, reasons, strict=False)
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
        self.session.take(self, message)


class Session:
    """The gateway's standing conversation with the broker.

    `on_message` is called in the loop for every message and must not block; the message stays the broker's
    until `acknowledge`. `on_up` is called when subscriptions stand, `on_down` with a connection that has
    ended; the messages that came by it will be delivered again by the next.
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
        self.paused = False
        self._clock = clock
        self._on_message = on_message
        self._on_up = on_up
        self._on_down = on_down
        self._connection: _Connection | None = None

    @property
    def connected(self) -> bool:
        """Whether the subscriptions stand."""
        return self._connection is not None

    async def run(self, stop: asyncio.Event) -> None:
        """Connects, waits out failures, connects again, until `stop`.

        Raises BrokerFault for unusable certificate files.
        """
        stopped = asyncio.create_task(stop.wait())
        failures = 0
        told = ""
        try:
            while not stop.is_set():
                connection = _Connection(self)
                why = await self._connect(connection)
                if why is None:
                    failures, told = 0, ""
                    why = await self._stay(connection, stopped)
                else:
                    failures += 1
                    if why != told:  # said once, not every three seconds
                        log.warning("waiting for the broker", broker=str(self.broker), why=why)
                        told = why
                connection.close("closed by us")
                if not stop.is_set():
                    pause = PAUSES[min(failures, len(PAUSES) - 1)]
                    await asyncio.wait({stopped}, timeout=pause * random.uniform(0.7, 1.3))
        finally:
            stopped.cancel()

    async def _connect(self, connection: _Connection) -> str | None:
        """None when the subscriptions stand, else why not."""
        try:
            await connection.open()
        except TimeoutError:
            return "the broker does not answer"
        except OSError as error:
            return f"the broker cannot be reached: {error}"
        return connection.ended.result() if connection.ended.done() else None

    async def _stay(self, connection: _Connection, stopped: asyncio.Task[bool]) -> str:
        self._connection = connection
        self.paused = False
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
            self._connection = None
            metrics.CONNECTED.set(0)
            metrics.UNACKNOWLEDGED.set(0)
            self._on_down(connection)
        metrics.CONNECTION_ENDED.labels(why.partition(":")[0]).inc()
        log.info("left the broker", broker=str(self.broker), why=why)
        return why

    def take(self, connection: _Connection, message: mqtt.MQTTMessage) -> None:
        """A message has arrived by this connection."""
        now = self._clock()
        if message.qos:
            connection.unacknowledged[message.mid] = connection.loop.time()
        try:
            topic = message.topic
        except UnicodeDecodeError:  # kept by whoever reads the topic as one of no kind we know
            topic = message._topic.decode("utf-8", "replace")
        self._on_message(
            Message(
                topic=topic,
                payload=bytes(message.payload),
                retained=message.retain,
                received_at=now,
                mid=message.mid,
                qos=message.qos,
                connection=connection,
            )
        )

    def acknowledge(self, message: Message) -> None:
        """Tells the broker that the message is ours now. Call it after the commit, never before.

        On a connection that has ended nothing is sent; the broker delivers the message again.
        """
        if message.qos == 0:
            return
        if message.connection is not self._connection:
            metrics.STALE_ACKS.inc()
            return
        message.connection.unacknowledged.pop(message.mid, None)
        message.connection.client.ack(message.mid, message.qos)

    def publish(self, topic: str, payload: bytes) -> bool:
        """Hands a message to the broker, QoS 1, not retained; False without a connection."""
        leaf = topic.rpartition("/")[2]
        if self._connection is None:
            metrics.NOT_PUBLISHED.labels(leaf).inc()
            return False
        info = self._connection.client.publish(topic, payload, qos=1)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            metrics.NOT_PUBLISHED.labels(leaf).inc()
            return False
        metrics.PUBLISHED.labels(leaf).inc()
        return True

    def oldest_unacknowledged(self) -> float:
        """Seconds that the longest unacknowledged message of this connection has waited; 0 when none does."""
        if self._connection is None or not self._connection.unacknowledged:
            return 0.0
        metrics.UNACKNOWLEDGED.set(len(self._connection.unacknowledged))
        return self._connection.loop.time() - next(iter(self._connection.unacknowledged.values()))

    def pause(self, paused: bool) -> None:
        """Stops or resumes taking messages while too much is in hand."""
        if self._connection is not None and paused != self.paused:
            self.paused = paused
            self._connection.pause(paused)

    def drop(self, why: str) -> None:
        """Gives the present connection up; the next one is delivered all that was not acknowledged."""
        if self._connection is not None:
            self._connection.close(why)
