"""Hands messages over: leases due ones, sends outside any transaction, records what became of them.

A worker that dies between sending and recording sends the same message again with the same key; one that was
frozen past its lease finds that its word no longer counts. A receiver that hangs holds up only itself.
"""

import asyncio
import random
import uuid
from collections.abc import Callable, Mapping, Set
from datetime import datetime, timedelta
from typing import Any

import structlog
from psycopg.rows import DictRow

from alerts import metrics, store
from alerts.channels.contract import Channel, Outgoing
from alerts.model import Priority
from alerts.retry import (
    Corrected,
    Delivered,
    DeliveryState,
    Next,
    Outcome,
    Permanent,
    Purpose,
    Retryable,
    Worth,
    after_attempt,
    worth_sending,
)
from alerts.store import History, Q
from alerts.wording import Message, WordingError, render, thin
from db.pool import Pool, execute, fetch_all, fetch_one

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
"""Longer than any attempt may take, shorter than a person would wait."""
LONGEST_ATTEMPT = 40.0
"""Seconds: a channel that does not keep its own limit is cut off well inside the lease."""
AT_ONCE = 16
"""Attempts of one channel at the same time; each has its own, so that mail never waits for webhooks."""
WAIT_FOR_CORRECTED = timedelta(seconds=1)
"""How soon to look again whether a message that is to be taken back has arrived."""

Clock = Callable[[], datetime]


class DeliveryWorker:
    """One sender. Any number may run on one database; each leases its own messages.

    `channels` by name ('email', 'webhook'); messages for a channel that is not among them wait for a worker
    that has it. `console` is the address in letters at which an alert is answered.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        channels: Mapping[str, Channel],
        console: str,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._channels = channels
        self._console = console
        self._jitter = jitter
        self._busy: dict[str, set[asyncio.Task[None]]] = {name: set() for name in channels}
        self._stopping = False

    async def deliver_due(self) -> int:
        """Leases what is due, as far as hands are free, and begins to send it; how many messages it took.

        Returns as soon as they are begun. An attempt that ends takes up what is due next by itself, so a
        receiver that hangs keeps one hand busy and nobody waiting.
        """
        return sum([await self._begin(name) for name in self._channels])

    @property
    def under_way(self) -> Set[asyncio.Task[None]]:
        """The attempts that are being made."""
        return frozenset(task for tasks in self._busy.values() for task in tasks)

    async def finish(self) -> None:
        """Waits until nothing is under way, and with it nothing due."""
        while busy := self.under_way:
            await asyncio.wait(busy)

    async def stop(self) -> None:
        """Takes up nothing more, and waits until the attempts under way are recorded."""
        self._stopping = True
        await self.finish()

    async def _begin(self, channel: str) -> int:
        free = AT_ONCE - len(self._busy[channel])
        if free <= 0 or self._stopping:
            return 0
        now = self._clock()
        lease = uuid.uuid4().hex
        async with self._pool.connection() as conn, conn.transaction():
            leased = await execute(
                conn,
                Q["lease_deliveries"],
                channel=channel,
                lease=lease,
                until=now + LEASE,
                now=now,
                limit=free,
            )
            rows = await fetch_all(conn, Q["leased_deliveries"], lease=lease) if leased else []
        for row in rows:
            task = asyncio.create_task(self._attend(channel, row), name=f"delivery {row['id']}")
            self._busy[channel].add(task)
            task.add_done_callback(self._busy[channel].discard)  # keeps the task alive until then
        return len(rows)

    async def _attend(self, channel: str, row: DictRow) -> None:
        try:
            await self._send_and_record(channel, row)
            task = asyncio.current_task()
            if task is not None:
                self._busy[channel].discard(task)  # this hand is free
            await self._begin(channel)
        except Exception:
            # The outermost frame of one attempt: its lease ends by itself, and it is made again.
            metrics.ATTEMPTS.labels(channel, "error").inc()
            log.exception("an attempt could not be recorded and will be made again", delivery=row["id"])

    async def _send_and_record(self, channel: str, row: DictRow) -> None:
        corrected = None
        if row["corrects"] is not None:
            corrected = Corrected(DeliveryState(row["corrected_state"]), row["corrected_maybe"])
        worth, why = worth_sending(
            Purpose(row["purpose"]),
            answered=row["answered"],
            alert_over=row["alert_over"],
            corrected=corrected,
        )
        if worth is Worth.WAIT:
            again = Next(DeliveryState.PENDING, self._clock() + WAIT_FOR_CORRECTED, why)
            await self._record(channel, row, again, attempts=row["attempts"] - 1)
            return
        if worth is Worth.WITHDRAW:
            given_up = Next(DeliveryState.WITHDRAWN, None, why)
            await self._record(channel, row, given_up, attempts=row["attempts"] - 1)
            return
        outcome = await self._attempt(channel, row)
        metrics.ATTEMPTS.labels(channel, type(outcome).__name__.lower()).inc()
        await self._settle(channel, row, outcome)

    async def _attempt(self, channel: str, row: DictRow) -> Outcome:
        if row["contact_id"] is None:
            return Permanent("the contact is no longer in the estate")
        try:
            message = outgoing(row, self._console)
        except (WordingError, KeyError, ValueError) as error:
            log.error("a message cannot be put into words", delivery=row["id"], error=str(error))
            return Permanent(f"the message cannot be put into words: {error}")
        if channel == "webhook" and row["webhook_disabled"]:
            return Permanent("the webhook is disabled")
        try:
            async with asyncio.timeout(LONGEST_ATTEMPT):
                return await self._channels[channel].send(message, self._clock())
        except TimeoutError:
            return Retryable(f"no answer within {LONGEST_ATTEMPT:g} s", maybe=True)

    async def _settle(self, channel: str, row: DictRow, outcome: Outcome) -> None:
        now = self._clock()
        async with self._pool.connection() as conn:
            wanted = await fetch_one(conn, Q["still_wanted"], id=row["id"])
        purpose = Purpose(row["purpose"])
        next_state = after_attempt(
            outcome,
            attempts=row["attempts"],
            priority=row["priority"],
            wanted=purpose is Purpose.STAND_DOWN or bool(wanted and wanted["wanted"]),
            jitter=self._jitter(),
            now=now,
        )
        await self._record(channel, row, next_state, attempts=row["attempts"], outcome=outcome)

    async def _record(
        self, channel: str, row: DictRow, following: Next, *, attempts: int, outcome: Outcome | None = None
    ) -> None:
        now = self._clock()
        delivered = following.state is DeliveryState.DELIVERED
        async with self._pool.connection() as conn, conn.transaction():
            written = await execute(
                conn,
                Q["record_attempt"],
                id=row["id"],
                lease=row["leased_by"],
                state=following.state,
                next_attempt_at=following.attempt_at,
                delivered_at=now if delivered else None,
                maybe=isinstance(outcome, Retryable) and outcome.maybe,
                provider_ref=outcome.ref if isinstance(outcome, Delivered) else None,
                last_error=None if delivered else following.reason[:500],
                attempts=attempts,
            )
            if not written:
                metrics.FENCED.labels(channel).inc()
                log.warning("a lease had passed to another worker", delivery=row["id"])
                return
            if isinstance(outcome, Permanent) and outcome.disable:
                await execute(
                    conn,
                    Q["disable_webhook"],
                    contact=row["contact_id"],
                    url=row["webhook_url"],
                    reason=outcome.why,
                    now=now,
                )
                log.warning("a webhook asked to be used no more", contact=row["contact_id"])
            await store.add_history(conn, _line(channel, row, following, now), now)
        if delivered:
            waited = (now - row["created_at"]).total_seconds()
            metrics.HANDOVER_SECONDS.labels(channel, row["priority"]).observe(max(0.0, waited))


def _line(channel: str, row: DictRow, following: Next, now: datetime) -> list[History]:
    whats = {DeliveryState.DELIVERED: "delivered", DeliveryState.DEAD: "undelivered"}
    what = whats.get(following.state)
    if what is None:
        return []
    detail: dict[str, Any] = {
        "delivery": row["id"],
        "contact": row["contact_name"],
        "channel": channel,
        "purpose": row["purpose"],
        "attempts": row["attempts"],
    }
    if what == "undelivered":
        detail["reason"] = following.reason
    return [History(row["alert_id"], row["duty_id"], now, what, detail=detail)]


def outgoing(row: DictRow, console: str) -> Outgoing:
    """The message of a delivery's row, rendered. Raises WordingError, KeyError."""
    stored = row["message"]
    written = render(Message(stored["template"], stored["fields"]), console)
    purpose = Purpose(row["purpose"])
    return Outgoing(
        key=row["idempotency_key"],
        subject=written.subject,
        text=written.text,
        payload=thin(row["kind"], purpose, row["alert_id"], row["duty_id"], row["created_at"]),
        email=row["email"],
        webhook_url=row["webhook_url"],
        webhook_secret=row["webhook_secret"],
        urgent=row["priority"] == Priority.LIFE_SAFETY and purpose is not Purpose.STAND_DOWN,
    )


async def deliver_due(
    pool: Pool, clock: Clock, channels: Mapping[str, Channel], console: str = "http://127.0.0.1:8470"
) -> int:
    """Sends everything that is due, waits until it is recorded, and says how many messages it began with."""
    worker = DeliveryWorker(pool, clock, channels, console)
    taken = await worker.deliver_due()
    await worker.finish()
    return taken
