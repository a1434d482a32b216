"""Hands messages over: leases due ones, sends outside any transaction, records what became of them.

A worker that dies between sending and recording sends the same message again with the same key; one that was
frozen past its lease finds that its word no longer counts. A receiver that hangs holds up only itself.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import datetime, timedelta

import structlog
from psycopg.rows import DictRow

from alerts import metrics, outbox
from alerts.bundles import BETWEEN_LETTERS
from alerts.channels.contract import Channel, Outgoing
from alerts.languages import DEFAULT_LANGUAGE
from alerts.model import Priority
from alerts.outbox import Leased, Result
from alerts.reach import WEBHOOK
from alerts.receipts import ask, due_for_a_word
from alerts.retry import (
    Corrected,
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
from alerts.wording import Message, WordingError, Written, listed, render, thin
from db.pool import Pool

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
"""Longer than any attempt may take, shorter than a person would wait."""
LONGEST_ATTEMPT = 40.0
"""Seconds: a channel that does not keep its own limit is cut off well inside the lease."""
NO_MORE_AFTER = LEASE - timedelta(seconds=LONGEST_ATTEMPT)
"""In a bundle that is sent one by one, none is begun so late that it could outlast the lease."""
AT_ONCE = 16
"""Hands of one channel; each channel has its own, so that mail never waits for webhooks."""
WAIT_FOR_CORRECTED = timedelta(seconds=1)
"""How soon to look again whether a message that is to be taken back has arrived."""
FOR_PROGRAMS = frozenset({WEBHOOK})
"""Everything else is for people: what is due together is one message, and a minute lies between two."""

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
        self._asking: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def deliver_due(self) -> int:
        """Leases what is due, as far as hands are free, and begins to send it; how many messages it took.

        Returns as soon as they are begun. An attempt that ends takes up what is due next by itself, so a
        receiver that hangs keeps one hand busy and nobody waiting.
        """
        await self._ask_providers()
        return sum([await self._begin(name) for name in self._channels])

    @property
    def under_way(self) -> Set[asyncio.Task[None]]:
        """The attempts that are being made."""
        return frozenset(task for tasks in self._busy.values() for task in tasks) | self._asking

    async def finish(self) -> None:
        """Waits until nothing is under way, and with it nothing due."""
        while busy := self.under_way:
            await asyncio.wait(busy)

    async def stop(self) -> None:
        """Takes up nothing more, and waits until the attempts under way are recorded."""
        self._stopping = True
        await self.finish()

    async def _ask_providers(self) -> None:
        """Begins to ask what became of messages; nobody waits for a provider that takes its time."""
        if self._stopping:
            return
        for row in await due_for_a_word(self._pool, self._clock()):
            task = asyncio.create_task(self._ask(row), name="a provider's word")
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def _ask(self, row: DictRow) -> None:
        try:
            await ask(self._pool, self._channels.get(row["channel"]), row, self._clock, self._jitter())
            for channel in self._channels:  # it may go on by another
                await self._begin(channel)
        except Exception:
            # The outermost frame of one question: it is asked again.
            metrics.WORDS.labels(row["channel"], "error").inc()
            log.exception("a provider's word could not be taken", delivery=row["id"])

    async def _begin(self, channel: str) -> int:
        hands = AT_ONCE - len(self._busy[channel])
        if hands <= 0 or self._stopping:
            return 0
        now = self._clock()
        between = timedelta(0) if channel in FOR_PROGRAMS else BETWEEN_LETTERS
        async with self._pool.connection() as conn, conn.transaction():
            taken = await outbox.lease(conn, channel, hands, now + LEASE, now, between)
        for leased in taken:
            task = asyncio.create_task(self._attend(channel, leased), name=f"delivery by {channel}")
            self._busy[channel].add(task)
            task.add_done_callback(self._busy[channel].discard)  # keeps the task alive until then
        return sum(len(leased.rows) for leased in taken)

    async def _attend(self, channel: str, leased: Leased) -> None:
        try:
            await self._send_and_record(channel, leased)
            task = asyncio.current_task()
            if task is not None:
                self._busy[channel].discard(task)  # this hand is free
            await self._begin(channel)
        except Exception:
            # The outermost frame of one attempt: its lease ends by itself, and it is made again.
            metrics.ATTEMPTS.labels(channel, "error").inc()
            log.exception(
                "an attempt could not be recorded and will be made again",
                deliveries=[row["id"] for row in leased.rows],
            )

    async def _send_and_record(self, channel: str, leased: Leased) -> None:
        to_send = []
        settled = []
        for row in leased.rows:
            decided = self._looked_at(row)
            if decided is None:
                to_send.append(row)
            else:
                settled.append(Result(row, decided))
        await self._record(channel, leased, settled)
        if channel in FOR_PROGRAMS:
            await self._send_each(channel, leased, to_send)
        else:
            await self._send_list(channel, leased, to_send)

    def _looked_at(self, row: DictRow) -> Next | None:
        """What becomes of a message that is not to be sent now; None: it is."""
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
            return Next(DeliveryState.PENDING, self._clock() + WAIT_FOR_CORRECTED, why)
        return Next(DeliveryState.WITHDRAWN, None, why) if worth is Worth.WITHDRAW else None

    async def _send_each(self, channel: str, leased: Leased, rows: Sequence[DictRow]) -> None:
        """One after the other; what would outlast the lease is given back."""
        begun_at = self._clock()
        for index, row in enumerate(rows):
            if index and (self._stopping or self._clock() - begun_at > NO_MORE_AFTER):
                async with self._pool.connection() as conn, conn.transaction():
                    await outbox.let_go(conn, leased, rows[index:])
                return
            await self._settle(
                channel, leased, [row], await self._attempt(channel, row["idempotency_key"], [row])
            )

    async def _send_list(self, channel: str, leased: Leased, rows: Sequence[DictRow]) -> None:
        """All in one message; one that cannot be put into words is left out of it."""
        readable = []
        for row in rows:
            try:
                self._words(row)
            except WordingError as error:
                await self._settle(channel, leased, [row], _unspeakable(row, error))
            else:
                readable.append(row)
        if readable:
            key = leased.key if len(readable) > 1 else readable[0]["idempotency_key"]
            await self._settle(channel, leased, readable, await self._attempt(channel, key, readable))

    def _words(self, row: DictRow) -> Written:
        stored = row["message"]
        return render(Message(stored["template"], stored["fields"]), self._console, _language(row))

    async def _attempt(self, channel: str, key: str, rows: Sequence[DictRow]) -> Outcome:
        first = rows[0]
        if first["contact_id"] is None:
            return Permanent("the contact is no longer in the estate")
        if channel == WEBHOOK and first["webhook_disabled"]:
            return Permanent("the webhook is disabled")
        try:
            message = _outgoing(key, rows, listed([self._words(row) for row in rows], _language(first)))
        except WordingError as error:
            return _unspeakable(first, error)
        try:
            async with asyncio.timeout(LONGEST_ATTEMPT):
                outcome = await self._channels[channel].send(message, self._clock())
        except TimeoutError:
            outcome = Retryable(f"no answer within {LONGEST_ATTEMPT:g} s", maybe=True)
        metrics.ATTEMPTS.labels(channel, type(outcome).__name__.lower()).inc()
        return outcome

    async def _settle(self, channel: str, leased: Leased, rows: Sequence[DictRow], outcome: Outcome) -> None:
        wanted: set[int] = set()
        if isinstance(outcome, Retryable | Permanent):  # only then is it asked
            async with self._pool.connection() as conn:
                wanted = await outbox.wanted(conn, rows)
        jitter = self._jitter()  # one for all: what went out together comes due together
        now = self._clock()
        results = [
            Result(
                row,
                after_attempt(outcome, outbox.tried(row, wanted=row["id"] in wanted), jitter=jitter, now=now),
                outcome,
            )
            for row in rows
        ]
        await self._record(channel, leased, results)

    async def _record(self, channel: str, leased: Leased, results: Sequence[Result]) -> None:
        if results:
            async with self._pool.connection() as conn, conn.transaction():
                await outbox.record(conn, channel, leased, results, self._clock())


def _unspeakable(row: DictRow, error: WordingError) -> Permanent:
    log.error("a message cannot be put into words", delivery=row["id"], error=str(error))
    return Permanent(f"the message cannot be put into words: {error}")


def _language(row: DictRow) -> str:
    return row["language"] or DEFAULT_LANGUAGE  # a contact that left the estate has none


def _outgoing(key: str, rows: Sequence[DictRow], written: Written) -> Outgoing:
    """The message of some rows of one contact; only a single one has a payload for a program."""
    row = rows[0]
    purpose = Purpose(row["purpose"])
    return Outgoing(
        key=key,
        subject=written.subject,
        text=written.text,
        payload=thin(row["kind"], purpose, row["alert_id"], row["duty_id"], row["created_at"]),
        short=written.short,
        spoken=written.spoken,
        language=_language(row),
        email=row["email"],
        phone=row["phone"],
        push_url=row["push_url"],
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
