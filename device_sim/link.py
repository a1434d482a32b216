"""One home's MQTT connection: made again for ever, cut like a cable, publishing without standing in line."""

import asyncio
import contextlib
import functools
import logging
import math
import random
import socket
import threading
from collections.abc import Callable
from typing import Any

import aiomqtt
import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from device_sim.clock import Clock, Timer
from device_sim.wire import Broker

log = structlog.get_logger(__name__)

WINDOW = 10
"""Messages that may be with the broker unacknowledged. Few, so that an alarm never stands behind many."""

STALLED_AFTER = 10.0
"""Seconds without any acknowledgement while some are owed: the broker is as good as gone, so reconnect."""

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 5.0
"""Seconds between attempts to connect, doubling with jitter. Short, because a press may be in the store."""

KEEPALIVE = 30
"""Seconds. A broker notices a dead hub, and publishes its will, after one and a half of these."""

PATIENCE = 5.0
"""Seconds for a handshake. aiomqtt does not notice a connection lost before its CONNACK and waits it out."""

REFUSED = 0x80
"""The first of the return and reason codes that mean no."""

SESSION_KEPT = 14 * 24 * 3600
"""Seconds for which an MQTT 5 broker is asked to keep our session; 3.1.1 keeps it as the broker is set."""


class Link:
    """A hub's connection. Its callbacks are called on the event loop, in order, and must not block.

    `on_up` once a connection stands and both subscriptions were granted, `on_down` when it is gone,
    `on_room` when another message may be published, `on_message` with topic, payload, retained.
    """

    def __init__(
        self,
        broker: Broker,
        clock: Clock,
        *,
        hub: str,
        password: str | None,
        username: str | None = None,
        will: tuple[str, bytes],
        subscribe_to: tuple[str, ...],
        keepalive: int = KEEPALIVE,
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._hub = hub
        self._password = password
        self._username = username or hub
        self._will = will
        self._subscribe_to = subscribe_to
        self._keepalive = keepalive
        self._jitter = random.Random(hub)
        self._wanted = asyncio.Event()
        self._ending = False
        self._client: aiomqtt.Client | None = None
        self._up = False
        self._task: asyncio.Task[None] | None = None
        self._publishing: set[asyncio.Task[None]] = set()
        self._watchdog: Timer | None = None
        self._last_progress = 0.0
        self._dropped_because: str | None = None
        self.last_failure: str | None = None
        """Why the last attempt or connection ended, in words; None after one that stands."""
        self.connections = 0
        self.on_up: Callable[[], None] = _nothing
        self.on_down: Callable[[], None] = _nothing
        self.on_room: Callable[[], None] = _nothing
        self.on_message: Callable[[str, bytes, bool], None] = _ignore

    @property
    def up(self) -> bool:
        """Whether a connection stands."""
        return self._up

    @property
    def room(self) -> int:
        """How many messages may be published now."""
        return WINDOW - len(self._publishing) if self._up else 0

    def start(self) -> None:
        """Begin to connect, and go on for ever, until `stop`."""
        self._wanted.set()
        if self._task is None:
            self._task = asyncio.create_task(self._live(), name=f"link {self._hub}")

    def cut(self) -> None:
        """Lose the connection as a pulled cable does, without a farewell: the broker publishes the will."""
        self._wanted.clear()
        self._drop("the link was cut")

    def mend(self) -> None:
        """Connect again after `cut`."""
        self._wanted.set()

    async def stop(self, farewell: tuple[str, bytes]) -> None:
        """Say farewell (a retained message) when connected, disconnect in order, and end."""
        client, task, self._ending = self._client, self._task, True
        if task is None:
            return
        if client is not None and not self._up:
            # A thread is connecting and cannot be stopped; cancelling now would leave its socket open.
            await asyncio.wait({task}, timeout=2 * PATIENCE)
        elif client is not None:
            try:
                await client.publish(*farewell, qos=1, retain=True, timeout=2.0)
            except aiomqtt.MqttError as failure:
                log.debug("no farewell", hub=self._hub, reason=str(failure))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self._task = None

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand a message to the connection, QoS 1. Nothing is promised: only a receipt tells."""
        if self._client is None or not self._up:
            return
        # The wait for the acknowledgement has no limit of its own, as a timer for each would cost more
        # than the message; the watchdog ends the connection when acknowledgements stop coming.
        coroutine = self._client.publish(topic, payload, qos=1, retain=retain, timeout=math.inf)
        task = asyncio.create_task(coroutine)
        self._publishing.add(task)
        task.add_done_callback(self._published)
        if len(self._publishing) == 1:
            self._last_progress = self._clock.monotonic()
        if self._watchdog is None:
            self._watchdog = self._clock.call_later(STALLED_AFTER, self._watch)

    def _published(self, task: asyncio.Task[None]) -> None:
        failure = None if task.cancelled() else task.exception()
        if task not in self._publishing:
            return
        self._publishing.discard(task)
        self._last_progress = self._clock.monotonic()
        if failure is not None:
            self._drop(f"publishing failed: {failure}")
            return
        if self._up:
            self.on_room()

    def _watch(self) -> None:
        self._watchdog = None
        if not self._publishing:
            return
        left = self._last_progress + STALLED_AFTER - self._clock.monotonic()
        if left > 0:
            self._watchdog = self._clock.call_later(left, self._watch)
        else:
            self._drop(f"the broker acknowledged nothing for {STALLED_AFTER:g} s")

    def _drop(self, reason: str) -> None:
        self.last_failure = self._dropped_because = reason
        if self._client is not None:
            _shut(self._client)

    async def _live(self) -> None:
        failures = 0
        while not self._ending:
            await self._wanted.wait()
            client = self._new_client()
            before = self.connections
            try:
                await self._connection(client)
            except (aiomqtt.MqttError, OSError) as failure:
                self.last_failure = self._dropped_because or str(failure)
                log.debug("connection lost", hub=self._hub, reason=self.last_failure)
            failures = 0 if self.connections > before else failures + 1
            if self._wanted.is_set() and not self._ending:
                pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures, 8))
                await self._clock.sleep(pause * self._jitter.uniform(0.5, 1.0))

    async def _connection(self, client: aiomqtt.Client) -> None:
        self._client, self._dropped_because = client, None
        try:
            async with client:
                granted = await client.subscribe([(topic, 1) for topic in self._subscribe_to])
                codes: list[int | ReasonCode] = list(granted)
                for topic, code in zip(self._subscribe_to, codes, strict=True):
                    if code.is_failure if isinstance(code, ReasonCode) else code >= REFUSED:
                        raise aiomqtt.MqttError(f"the broker refused the subscription to {topic}")
                if self._ending or not self._wanted.is_set():
                    return  # the link was cut, or the home switched off, while it was being made
                self._rise()
                async for message in client.messages:
                    body = message.payload if isinstance(message.payload, bytes) else b""
                    self.on_message(message.topic.value, body, message.retain)
        finally:
            _shut(client)
            self._fall()

    def _rise(self) -> None:
        self._up = True
        self.connections += 1
        self.last_failure = None
        self.on_up()

    def _fall(self) -> None:
        was_up, self._up, self._client = self._up, False, None
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        # aiomqtt leaves a publish waiting for its acknowledgement after the connection is gone.
        unfinished, self._publishing = self._publishing, set()
        for task in unfinished:
            task.cancel()
        if was_up:
            self.on_down()

    def _new_client(self) -> aiomqtt.Client:
        """A client of its own for each connection: what paho still holds must not be sent by it later."""
        five = self._broker.protocol == "5"
        session = Properties(PacketTypes.CONNECT) if five else None  # type: ignore[no-untyped-call]
        if session is not None:
            session.SessionExpiryInterval = SESSION_KEPT
        return _Client(
            self._broker.host,
            self._broker.port,
            identifier=self._hub,
            username=self._username,
            password=self._password,
            protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
            clean_session=None if five else False,
            clean_start=False if five else mqtt.MQTT_CLEAN_START_FIRST_ONLY,
            properties=session,
            will=aiomqtt.Will(*self._will, qos=1, retain=True),
            logger=_silent(),
            keepalive=self._keepalive,
            timeout=PATIENCE,
            # Or an acknowledgement waits 40 ms for company (Nagle meets delayed acknowledgement).
            socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
            max_inflight_messages=WINDOW + 2,  # beside the window: a status, and a farewell
            tls_context=self._broker.tls,
        )


class _Client(aiomqtt.Client):
    """aiomqtt, except in two things.

    It looks after the keepalive once a second, which for ten thousand homes is all that a core can do. Here a
    home looks ten times in a keepalive.

    And it begins to watch a socket for writing in the next turn of the loop. When the connection ends within
    this one, the file number is closed by then, or is another home's socket: that one would be written to by
    a dead client, for ever, at full speed. Here it is done at once, and the number cannot have changed hands.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._thread = threading.get_ident()
        super().__init__(*arguments, **options)
        self._look_every = max(1.0, options["keepalive"] / 10)

    async def _misc_loop(self) -> None:
        while self._client.loop_misc() == mqtt.MQTT_ERR_SUCCESS:  # noqa: ASYNC110 - paho knows no event
            await asyncio.sleep(self._look_every)

    def _on_socket_register_write(self, client: mqtt.Client, userdata: Any, sock: Any) -> None:
        if threading.get_ident() != self._thread:  # the thread that connects; nothing ends meanwhile
            super()._on_socket_register_write(client, userdata, sock)
            return

        def write() -> None:
            # An OSError here means a broken connection, which the reader of the socket finds and ends.
            with contextlib.suppress(OSError):
                client.loop_write()

        self._loop.add_writer(sock.fileno(), write)


def _shut(client: aiomqtt.Client) -> None:
    """Close the socket without a DISCONNECT.

    aiomqtt has no public way: leaving its context says goodbye, and after a goodbye the broker keeps the
    will to itself; after a handshake that took too long it forgets the socket and leaves it open.
    """
    connection = client._client.socket()
    if isinstance(connection, socket.socket):
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # gone already


@functools.cache
def _silent() -> logging.Logger:
    """paho logs an error for every connection that breaks. Homes are cut off all the time; we tell of it."""
    logger = logging.getLogger("device_sim.mqtt")
    logger.setLevel(logging.CRITICAL)
    return logger


def _nothing() -> None:
    return None


def _ignore(topic: str, payload: bytes, retained: bool) -> None:
    return None
