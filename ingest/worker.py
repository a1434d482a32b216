"""The intake: takes messages, commits them, acknowledges them, and tells the homes. In that order.

One copy is active at a time, because one client id has one connection: the active copy holds an advisory
lock on each connection by which it writes. Whoever loses the one loses the other; a copy that was frozen
finds its connections ended and stands by. What two copies might still both do, the receipts table makes once.

What may be a call for help has a lane of its own, with its own connection: it is committed and receipted
while batches of everyday events are still being written. When the database was frozen, not we, all stay.
"""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

import psycopg
import structlog

from db.pool import Connection
from gateway.broker import Broker
from gateway.codec import Reason, encode_receipts
from gateway.connection import Subscription
from gateway.session import Message, Session
from gateway.topics import Topics
from ingest import adapted, metrics, replay, store
from ingest.beat import Beat
from ingest.commands import send_commands
from ingest.gather import Gatherer, InHand, Lane, lane_of
from ingest.lease import lease
from ingest.model import Arrival, Recorded, read, unreadable
from ingest.presence import Marker, decode_marker
from ingest.refusals import read_refusal
from ingest.turns import next_turn, shares
from ingest.writer import LeaseLost, Writer, words

log = structlog.get_logger(__name__)

STANDBY_PAUSE = 1.0
"""Seconds between a standby's tries for the lease."""
BEAT_EVERY = 1.0
"""Seconds between two signs of life; also how often pending commands are looked for without a hint."""
SHORTEST_BEAT = 0.1
"""Seconds between two of them on a clock that hurries."""
SELDOM = 10
"""Beats between looks for what hardly ever happens."""
RECEIPT_IDS = 500
"""Most ids in one receipt message: as many as a hub may send at once."""
DRAIN_SECONDS = 5.0
"""Longest time for what is in hand when we are told to stop; what is left, the broker delivers again."""
FORGOTTEN_AFTER = 30.0
"""Seconds without an acknowledgement, of a message not in hand, after which it must have been forgotten."""


_NEXT = dict(itertools.pairwise(Lane))


class IngestWorker:
    """One copy of the intake. `instance` names it in the lease; `commands` hints that one is to go out.

    `speed` is how many times faster than the wall's the clock runs, in a simulation: we then give our signs
    of life as much more often, and are as much more patient with the broker, which does not hurry. Copies
    with client ids of their own and one `shared_group` are active side by side: the broker gives each message
    to one of them.
    """

    def __init__(
        self,
        database_url: str,
        broker: Broker,
        clock: Callable[[], datetime],
        *,
        instance: str,
        topics: Topics | None = None,
        batch_size: int = 1000,
        batch_wait: float = 0.02,
        commands: asyncio.Event | None = None,
        speed: float = 1.0,
        shared_group: str | None = None,
    ) -> None:
        self._database_url = database_url
        self._broker = broker
        self._clock = clock
        self._instance = instance
        self._speed = speed
        self._shared_group = shared_group
        self._topics = topics or Topics()
        self._batch_size = batch_size
        self._batch_wait = batch_wait
        self._commands = commands or asyncio.Event()
        self._stopping = False
        self._bridges = adapted.NO_BRIDGES
        self._mirror = self._topics.commands(broker.client_id)

    async def run(self, stop: asyncio.Event) -> None:
        """Is the active intake whenever it can be, until `stop`.

        Raises BrokerFault for unusable certificate files.
        """
        told = ""
        while not stop.is_set():
            try:
                async with lease(self._database_url, self._broker.client_id, self._instance) as connections:
                    if connections is not None:
                        told = ""
                        metrics.ACTIVE.set(1)
                        log.info("active intake", instance=self._instance)
                        await self._take_in(connections, stop)
                    elif told != "standby":
                        told = "standby"
                        log.info("standing by: another copy is the active intake", instance=self._instance)
            except (psycopg.Error, LeaseLost, OSError) as error:
                why = words(error)
                if why != told:
                    log.warning("waiting for the database", why=why)
                    told = why
            metrics.ACTIVE.set(0)
            await _sleep(STANDBY_PAUSE, stop)

    async def _take_in(self, connections: Mapping[Lane, Connection], stop: asyncio.Event) -> None:
        gatherer = Gatherer(size=self._batch_size, wait=self._batch_wait)
        writers = {
            lane: Writer(conn, self._clock, next_turn if lane is Lane.URGENT else gatherer.give_way)
            for lane, conn in connections.items()
        }
        writer = writers[Lane.ORDINARY]
        beat = Beat(writer, self._clock, self._instance)
        await beat.begin()
        loop = asyncio.get_running_loop()

        def on_message(message: Message) -> None:
            try:
                content = self._read(message)
            except Exception:  # one message must not take along what was read with it
                log.exception("a message could not be read and is kept as rejected", topic=message.topic)
                content = unreadable(message.topic, message.payload, message.received_at)
            gatherer.add(InHand(message, content, loop.time()), lane_of(content))
            if gatherer.is_full:
                session.pause(True)

        def on_down(connection: object) -> None:
            gatherer.drop(connection)
            beat.disconnected()

        async with writer.transaction() as conn:
            self._bridges = await adapted.load(conn)
        session = Session(
            self._broker,
            self._subscriptions(),
            self._clock,
            on_message=on_message,
            on_up=beat.connected,
            on_down=on_down,
        )
        gatherer.behind = session.behind
        leave = asyncio.Event()
        work = [self._write(lane, writer, gatherer, session, beat) for lane, writer in writers.items()]
        jobs = [
            asyncio.create_task(job) for job in (*work, self._look_after(writer, gatherer, session, beat))
        ]
        talking = asyncio.create_task(session.run(leave), name="intake: session")
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({stopped, talking, *jobs}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set() and not any(job.done() for job in (talking, *jobs)):
                self._stopping = True
                session.pause(True)
                await _sleep(DRAIN_SECONDS, gatherer.settled)
        finally:
            leave.set()
            stopped.cancel()
            for job in jobs:
                job.cancel()
            results = await asyncio.gather(talking, *jobs, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
        await beat.leave()

    def _subscriptions(self) -> tuple[Subscription, ...]:
        from_homes = (
            Subscription(self._topics.events("+"), 1),
            Subscription(self._topics.status("+"), 1),
            Subscription(self._topics.refusals, 1, required=False),
            *self._bridges.subscriptions,
        )
        if self._shared_group is not None:
            shared = f"$share/{self._shared_group}/"
            from_homes = tuple(replace(one, topic=shared + one.topic) for one in from_homes)
        return (*from_homes, Subscription(self._mirror, 1, required=False))

    def _read(self, message: Message) -> Arrival | Marker | None:
        if message.topic == self._mirror:
            return decode_marker(message.payload)
        if not message.topic.startswith(self._topics.root):
            if message.topic == self._topics.refusals:
                return read_refusal(message.topic, message.payload, message.received_at, self._bridges)
            if (bridge := self._bridges.at(message.topic)) is not None:
                return adapted.read(
                    bridge,
                    message.topic,
                    message.payload,
                    retained=message.retained,
                    received_at=message.received_at,
                    again=message.again,
                    mid=message.mid,
                )
        return read(
            message.topic,
            message.payload,
            retained=message.retained,
            received_at=message.received_at,
            topics=self._topics,
        )

    async def _write(
        self, lane: Lane, writer: Writer, gatherer: Gatherer, session: Session, beat: Beat
    ) -> None:
        """One lane, batch after batch: commit, then acknowledge, then tell the homes.

        A marker goes round all lanes, the urgent one last: when it is back, all that came before it is
        committed, whichever way that went.
        """
        loop = asyncio.get_running_loop()
        while True:
            batch, why = await gatherer.batch(lane)
            done = await writer.write([one.content for one in batch if isinstance(one.content, Arrival)])
            for one in batch:
                if isinstance(one.content, Marker):
                    if lane is Lane.URGENT:
                        beat.returned(one.content)
                    else:
                        gatherer.add(one, _NEXT[lane])
            session.acknowledge(
                one.message for one in batch if lane is Lane.URGENT or not isinstance(one.content, Marker)
            )
            for recorded in done:
                await self._tell(session, recorded)
            metrics.BATCHES.labels(why).inc()
            metrics.WAIT_SECONDS.observe(loop.time() - batch[0].taken)
            if session.paused and gatherer.has_room and not self._stopping:
                session.pause(False)

    async def _tell(self, session: Session, recorded: Recorded) -> None:
        metrics.count(recorded)
        async for share in shares(list(recorded.answers.items()), next_turn):
            session.publish_all(
                [
                    (self._topics.receipts(hub), encode_receipts(receipts))
                    for hub, answer in share
                    for receipts in answer.receipts(RECEIPT_IDS)
                ]
            )

    async def _look_after(self, writer: Writer, gatherer: Gatherer, session: Session, beat: Beat) -> None:
        """Once a second: a sign of life, a marker to ourselves, waiting commands, a look at what is stuck."""
        for round_ in itertools.count():
            metrics.IN_HAND.set(len(gatherer))
            if session.connected and (marker := beat.next_marker()) is not None:
                session.publish(self._mirror, marker)
            try:
                await beat.write()
                await send_commands(writer, session, self._topics, self._clock)
                if round_ % SELDOM == 0:
                    await self._seldom(writer, session)
            except LeaseLost:
                raise
            except psycopg.Error as error:
                log.warning("the intake's round failed and is tried again", error=words(error))
            oldest, waited = session.oldest_unacknowledged()
            if waited > FORGOTTEN_AFTER and not gatherer.holds(oldest):
                log.error("an acknowledgement was forgotten; connecting again")
                session.drop("forgotten acknowledgement")
            if beat.is_deaf(len(gatherer), self._speed):
                log.error("the broker delivers nothing any more; connecting again")
                session.drop("deaf connection")
            self._commands.clear()
            await _sleep(max(BEAT_EVERY / self._speed, SHORTEST_BEAT), self._commands)

    async def _seldom(self, writer: Writer, session: Session) -> None:
        """Commands that nobody obeyed in time; what the estate has come to know: bridges, and hubs whose
        events wait.
        """
        async with writer.transaction() as conn:
            bridges = await adapted.load(conn)
            await store.expire_commands(conn, self._clock())
            ids = await store.waiting_for_their_hub(conn, Reason.UNKNOWN_HUB, replay.MOST)
        if bridges != self._bridges:
            self._bridges = bridges
            session.follow(self._subscriptions())
            log.info("listening to the estate's bridges", bridges=len(bridges.by_base))
        taken_in = 0
        for id_ in ids:
            async with writer.transaction() as conn:
                done = await replay.replay_next(conn, self._topics, self._clock(), ids=[id_])
            if done is not None:
                taken_in += done.taken_in
                await self._tell(session, done.recorded)
        if ids:
            log.info("events of hubs that are known now were taken in", rows=taken_in)


async def _sleep(seconds: float, unless: asyncio.Event) -> None:
    waiting = asyncio.create_task(unless.wait())
    try:
        await asyncio.wait({waiting}, timeout=seconds)
    finally:
        waiting.cancel()
