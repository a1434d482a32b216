"""The watcher: once a minute a press travels from the broker to a test contact, duties are audited, and a
dead-man's switch outside is told that all is well. What fails three times is an alert of every monitoring
centre.

It runs in the role `alerts`. Of several copies one presses in each period.
"""

import asyncio
import json
import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import aiomqtt
import httpx
import structlog
from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout

from alerts import audit, monitor, own_faults
from alerts.classify import TEST_PRESS
from api.live import Broadcast
from api.tokens import Role as CallerRole
from app.clock import Clock
from app.metrics import PINGS, PRESS_AT, PRESS_SECONDS, PRESSES
from app.settings import Settings, WatchSettings
from db.caller import Caller
from db.pool import Pool, execute
from db.sql import Queries
from gateway.broker import Broker
from gateway.topics import Topics

log = structlog.get_logger(__name__)
_Q = Queries("db")

LONGEST_PRESS = timedelta(seconds=20)
"""A press that takes longer has failed; a person's would have waited too long."""
SEND_AGAIN = timedelta(seconds=5)
"""As a home's alarm (contract §2)."""
FAILURES = 3
"""So many presses in a row make an alert: one may fall into a restart."""
PING_SECONDS = 10.0
LOOK_EVERY = 0.05
"""Seconds between two looks whether the test contact was told."""
BEAT = "press"
"""The name of presses among the beats that `/readyz` reads."""


def presser_of(settings: Settings, gateway: Broker) -> Broker | None:
    """The account by which the service presses; None: the broker asks for accounts, and we have none."""
    password = settings.watch.password
    if password is None and (gateway.username is not None or gateway.cert_file is not None):
        return None
    return replace(
        gateway,
        client_id=monitor.MONITOR,
        username=settings.watch.username if password else None,
        password=password.get_secret_value() if password else None,
        cert_file=None,
        key_file=None,
    )


class Watch:
    """One watcher. `broker` None: it audits and pings, and presses nothing."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        settings: WatchSettings,
        broker: Broker | None,
        topics: Topics,
        name: str,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._settings = settings
        self._broker = broker
        self._topics = topics
        self._name = name
        self._began: datetime | None = None
        self._failures = 0

    async def round(self) -> int:
        """One round; 0, because there is no second batch to it.

        The first only furnishes: the others that start with us are given a period to stand.
        """
        now = self._clock()
        if self._began is None:
            await self._furnish(now)
            self._began = now
            return 0
        async with self._pool.connection() as conn:
            audited = await audit.audit(conn, now)
            if audited.fault:
                await own_faults.found(conn, "audit", audited.fault, now)
            else:
                await own_faults.mended(conn, "audit", "the next audit found nothing", now)
        fault = await self._press() if self._broker is not None else None
        await self._judge(fault)
        await self._ping(fault or audited.fault)
        return 0

    async def _furnish(self, now: datetime) -> None:
        secret = self._settings.webhook_secret
        async with self._pool.connection() as conn:
            if self._broker is None:
                log.warning("no test presses are made: the broker has no account for them")
                return
            await monitor.furnish(
                conn, self._settings.webhook_url, secret.get_secret_value() if secret else None
            )
            await self._beat(now)

    async def _press(self) -> str | None:
        """Presses once and follows it; what went wrong, None when it arrived or another copy has the turn."""
        began, press = self._clock(), f"press-{uuid.uuid4().hex[:16]}"
        async with self._pool.connection() as conn:
            if not await monitor.begin(conn, press, self._settings.every, began):
                return None
        travel = _Travel(self._pool, self._broker, self._topics, press)
        fault = None
        try:
            async with asyncio.timeout(LONGEST_PRESS.total_seconds()):
                await travel.go(began)
        except (TimeoutError, OSError, aiomqtt.MqttError, DatabaseError, PoolTimeout) as error:
            fault = f"a test press did not get past {travel.stage} ({type(error).__name__})"
            log.error("a test press failed", stage=travel.stage, error=str(error))
        now = self._clock()
        seconds = None if fault else (now - began).total_seconds()
        PRESSES.labels("failed" if fault else "arrived").inc()
        async with self._pool.connection() as conn:
            await monitor.finish(conn, press, seconds, fault, now)
        if seconds is not None:
            PRESS_SECONDS.observe(seconds)
            await self._beat(now)
        return fault

    async def _beat(self, now: datetime) -> None:
        async with self._pool.connection() as conn:
            await execute(
                conn,
                _Q["record_beat"],
                role=BEAT,
                instance=self._name,
                at=now,
                every=self._settings.every,
                detail="{}",
            )
        PRESS_AT.set(now.timestamp())

    async def _judge(self, fault: str | None) -> None:
        self._failures = self._failures + 1 if fault else 0
        async with self._pool.connection() as conn:
            if fault and self._failures >= FAILURES:
                await own_faults.found(conn, "press", fault, self._clock(), deaf=True)
            elif not fault:
                await own_faults.mended(conn, "press", "a test press arrived again", self._clock())

    async def _ping(self, fault: str | None) -> None:
        if self._settings.ping_url is None:
            return
        url = self._settings.ping_url.get_secret_value().rstrip("/")
        try:
            async with httpx.AsyncClient(timeout=PING_SECONDS) as client:
                answer = await client.post(f"{url}/fail" if fault else url, content=fault or "")
            PINGS.labels("told" if answer.is_success else "refused").inc()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            PINGS.labels("failed").inc()
            log.warning("the dead-man's switch could not be told", error=type(error).__name__)


class _Travel:
    """One press on its way. `stage` is what it has to get past next."""

    def __init__(self, pool: Pool, broker: Broker | None, topics: Topics, press: str) -> None:
        assert broker is not None
        self._pool = pool
        self._broker = broker
        self._topics = topics
        self._press = press
        self.stage = "the database"

    async def go(self, at: datetime) -> None:
        """Presses, and returns when the test contact was told. Raises what keeps it."""
        broadcast, stop = Broadcast(self._pool), asyncio.Event()
        caller = Caller(monitor.MONITOR, CallerRole.OPERATOR, "the watcher", 0)
        running = asyncio.create_task(broadcast.run(stop))
        try:
            async with broadcast.joined(caller, None, _still_good) as stream:
                self.stage = "the broker"
                async with self._broker.client(LONGEST_PRESS.total_seconds()) as client:
                    await client.subscribe(self._topics.receipts(monitor.MONITOR), qos=1)
                    self.stage = "intake"
                    while not await self._receipted(client, at):
                        pass
                self.stage = "the live stream"
                broadcast.wake.set()
                async for piece in stream:
                    if any(TEST_PRESS in row.data for row in piece):
                        break
            self.stage = "the delivery to the test contact"
            while not await self._told():  # noqa: ASYNC110 - the worker may be another process
                await asyncio.sleep(LOOK_EVERY)
        finally:
            stop.set()
            broadcast.wake.set()
            with suppress(asyncio.CancelledError):
                await running

    async def _receipted(self, client: aiomqtt.Client, at: datetime) -> bool:
        """Presses, as a home does that sends again until its receipt comes."""
        await client.publish(self._topics.events(monitor.MONITOR), self._event(at), qos=1)
        with suppress(TimeoutError):
            async with asyncio.timeout(SEND_AGAIN.total_seconds()):
                async for message in client.messages:
                    if self._press in str(message.payload):
                        return True
        return False

    async def _told(self) -> bool:
        async with self._pool.connection() as conn:
            return (await monitor.progress(conn, self._press)).told_at is not None

    def _event(self, at: datetime) -> str:
        return json.dumps(
            {"id": self._press, "type": "test.call", "at": at.isoformat(), "device": self._press}
        )


async def _still_good() -> bool:
    return True
