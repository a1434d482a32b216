"""Duties under anything that can happen to them, in any order: what must hold whatever came before."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import psycopg
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from alerts import service
from alerts.channels import Outgoing
from alerts.errors import DutyRefused
from alerts.escalate import climb
from alerts.model import Actor, VisitAlert, VisitAlertKind
from alerts.retry import Delivered, Outcome, Permanent, Retryable
from alerts.store import duty_from
from alerts.suppression import Why
from alerts.windows import Opening, Place
from alerts.worker import DeliveryWorker
from db.pool import make_pool
from tests.integration.alerts.conftest import ESTATE, World

T = TypeVar("T")

PEOPLE = [Actor("Ana", "bright"), Actor("Hugh", "elm"), Actor("Olga", "north"), Actor("Otto", "north")]
OUTCOMES = {
    "landlord": "resident_well",
    "care_provider": "carer_attended",
    "monitoring_centre": "reassurance",
}
PRESSES = ["alarm.pendant", "alarm.flood", "alarm.inactivity", "alarm.cancelled"]
EMPTY = "TRUNCATE alert, duty, alert_history, delivery, feed, fault, event, command, suppression CASCADE"


@dataclass
class Moody:
    """A channel whose next answers are drawn; it keeps every key that a receiver may have."""

    answers: list[str] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)
    lost: set[str] = field(default_factory=set)
    told: set[int] = field(default_factory=set)
    told_that_it_is_over: set[int] = field(default_factory=set)

    def take(self, message: Outgoing) -> None:
        """The receiver has it, whatever it answers."""
        self.taken[message.key] += 1
        over = message.payload["type"] == "alert.stood_down"
        (self.told_that_it_is_over if over else self.told).add(message.payload["data"]["alert"])

    async def send(self, message: Outgoing, now: datetime) -> Outcome:
        """Answers as drawn, or delivers."""
        match self.answers.pop(0) if self.answers else "taken":
            case "busy":
                return Retryable("busy")
            case "refused":
                return Permanent("refused")
            case "lost":
                self.take(message)
                self.lost.add(message.key)
                return Retryable("no answer", maybe=True)
            case "dies":
                self.take(message)
                self.lost.add(message.key)
                raise asyncio.CancelledError  # the worker is killed between sending and recording
            case _:
                self.take(message)
                return Delivered()


class Duties(RuleBasedStateMachine):
    """Alerts, people, time, receivers and kills in any order, on a real database."""

    database_url: str

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.channels = {"email": Moody(), "webhook": Moody()}
        self.visits: list[VisitAlert] = []
        self.world = self.runs(self._open())

    def teardown(self) -> None:
        """Closes what the example opened."""
        self.runs(self.stack.aclose())
        self.runner.close()

    def runs(self, work: Coroutine[Any, Any, T]) -> T:
        """Work in this example's loop."""
        return self.runner.run(work)

    async def _open(self) -> World:
        pool = make_pool(self.database_url, name="test", max_size=4)
        await self.stack.enter_async_context(pool)
        async with pool.connection() as conn:
            await conn.execute(EMPTY)
        return World(pool)

    @rule(kind=st.sampled_from(list(VisitAlertKind)), late=st.integers(0, 50))
    def a_visit_is_raised(self, kind: VisitAlertKind, late: int) -> None:
        """As care does, perhaps later than it became true."""
        raised_at = self.world.now - timedelta(minutes=late)
        alert = self.world.visit_alert(kind, visit_ref=f"v{len(self.visits)}", raised_at=raised_at)
        self.visits.append(alert)
        self.runs(self.world.raises(alert))

    @rule(device=st.integers(0, 1), kind=st.sampled_from(PRESSES))
    def somebody_presses(self, device: int, kind: str) -> None:
        """A press, a repeat or a cancel."""
        self.runs(self.world.hear(self.world.signal(kind, device=f"pendant-{device}")))

    @rule(why=st.sampled_from(Why), minutes=st.sampled_from([1, 20, 90]))
    def a_window_opens(self, why: Why, minutes: int) -> None:
        """A test, works or an absence at the home; it ends by itself."""
        self.runs(self._opens(why, timedelta(minutes=minutes)))

    async def _opens(self, why: Why, lasts: timedelta) -> None:
        now = self.world.now
        asked = Opening(why, Place(dwelling_id="elm-12"), now, now + lasts)
        async with self.world.pool.connection() as conn:
            await service.open_window(conn, asked, PEOPLE[2], now)

    @rule(number=st.integers(0, 5), fails=st.booleans())
    def a_unit_fails_or_recovers(self, number: int, fails: bool) -> None:
        """A fault and its end."""
        kind = "technical.link_failed" if fails else "technical.link_restored"
        self.runs(self.world.hear(self.world.signal(kind, device=f"d{number}")))

    @rule(
        pick=st.integers(0, 30),
        person=st.sampled_from(PEOPLE),
        act=st.sampled_from(["claim", "renew", "release", "acknowledge", "promise", "close", "note", "next"]),
        minutes=st.integers(-5, 90),
    )
    def somebody_answers(self, pick: int, person: Actor, act: str, minutes: int) -> None:
        """Anybody may try anything with any duty; a refusal is a sentence and changes nothing."""
        rows = self.runs(self.world.rows("SELECT id, role FROM duty ORDER BY id"))
        if rows:
            row = rows[pick % len(rows)]
            self.runs(self._answers(row["id"], OUTCOMES[row["role"]], person, act, minutes))

    async def _answers(self, duty: int, outcome: str, person: Actor, act: str, minutes: int) -> None:
        now = self.world.now
        async with self.world.pool.connection() as conn:
            acts: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
                "claim": lambda: service.claim(conn, duty, person, now),
                "renew": lambda: service.renew_claim(conn, duty, person, now),
                "release": lambda: service.release(conn, duty, person, now),
                "acknowledge": lambda: service.acknowledge(conn, duty, person, now),
                "promise": lambda: service.acknowledge(
                    conn, duty, person, now, eta=now + timedelta(minutes=minutes)
                ),
                "close": lambda: service.close(conn, duty, person, outcome, now),
                "note": lambda: service.add_note(conn, duty, person, "words", now),
                "next": lambda: service.claim_next(conn, "north", person, now),
            }
            with contextlib.suppress(DutyRefused):
                await acts[act]()

    @rule(pick=st.integers(0, 30))
    def late_evidence_comes(self, pick: int) -> None:
        """A visit's alert is stood down, perhaps again."""
        if self.visits:
            self.runs(self.world.stands_down(self.visits[pick % len(self.visits)]))

    @rule(seconds=st.sampled_from([1, 10, 30, 60, 61, 180, 900, 1800, 7200]))
    def time_passes(self, seconds: int) -> None:
        """Nobody looks."""
        self.world.advance(seconds=seconds)

    @rule(
        answers=st.lists(
            st.sampled_from(["taken", "busy", "lost", "dies", "refused"]), min_size=1, max_size=3
        )
    )
    def messages_go_out(self, answers: list[str]) -> None:
        """To receivers in a mood of their own."""
        for channel in self.channels.values():
            channel.answers = list(answers)
        self.runs(self._deliver())

    async def _deliver(self) -> None:
        worker = DeliveryWorker(self.world.pool, lambda: self.world.now, self.channels, "http://console")
        await worker.deliver_due()
        await worker.finish()
        for channel in self.channels.values():
            channel.answers.clear()

    @rule()
    def the_sweep_looks(self) -> None:
        """What is due is taken; then no open duty is without a future check."""
        self.runs(self.world.sweep())
        now = self.world.now
        unwatched = (
            "SELECT id FROM duty WHERE state = 'open' AND (next_check_at IS NULL OR next_check_at <= %s)"
        )
        assert self.runs(self.world.rows(unwatched, now)) == []

    @rule()
    def a_sweep_dies_before_it_commits(self) -> None:
        """Killed with everything done and nothing kept; the next one does it all."""
        self.runs(self._dies())

    async def _dies(self) -> None:
        async with self.world.pool.connection() as conn, conn.transaction(force_rollback=True):
            rows = await (
                await conn.execute("SELECT * FROM duty WHERE next_check_at <= %s", (self.world.now,))
            ).fetchall()
            await climb(conn, [duty_from(row) for row in rows], self.world.now)

    @invariant()
    def what_is_held_back_tells_nobody(self) -> None:
        """A suppressed alert is over as it is written, has its reason, and no message ever."""
        wrong = (
            "SELECT id FROM alert WHERE suppressed IS NOT NULL AND (closed_at IS NULL OR priority = 1"
            " OR EXISTS (SELECT FROM delivery WHERE delivery.alert_id = alert.id))"
        )
        assert self.runs(self.world.rows(wrong)) == []

    @invariant()
    def every_open_duty_has_a_check(self) -> None:
        """And every promised one; a closed duty has none."""
        wrong = (
            "SELECT id FROM duty WHERE (state = 'closed' AND next_check_at IS NOT NULL)"
            " OR (state <> 'closed' AND next_check_at IS NULL AND (state = 'open' OR eta IS NOT NULL))"
        )
        assert self.runs(self.world.rows(wrong)) == []

    @invariant()
    def a_closed_duty_tells_nobody(self) -> None:
        """Nothing is handed over for a duty after it was closed, but that the alert is over."""
        wrong = (
            "SELECT delivery.id FROM delivery JOIN duty ON duty.id = delivery.duty_id"
            " WHERE delivery.purpose <> 'stand_down' AND delivery.delivered_at > duty.closed_at"
        )
        assert self.runs(self.world.rows(wrong)) == []

    @invariant()
    def nobody_is_told_twice(self) -> None:
        """The same message reaches a receiver twice only when its first answer was lost."""
        for channel in self.channels.values():
            assert {key for key, times in channel.taken.items() if times > 1} <= channel.lost

    @invariant()
    def each_step_is_taken_once(self) -> None:
        """No rung of a ladder is written twice for the same due time."""
        twice = (
            "SELECT duty_id, at FROM alert_history WHERE what = 'step'"
            " GROUP BY duty_id, at, detail ->> 'step' HAVING count(*) > 1"
        )
        assert self.runs(self.world.rows(twice)) == []

    @invariant()
    def an_alert_ends_with_its_last_duty(self) -> None:
        """Closed or stood down exactly when nobody owes an answer any more."""
        wrong = (
            "SELECT id FROM alert WHERE (closed_at IS NULL) <> EXISTS"
            " (SELECT FROM duty WHERE duty.alert_id = alert.id AND state <> 'closed')"
        )
        assert self.runs(self.world.rows(wrong)) == []

    def check_the_end(self) -> None:
        """All visits made after all, all sent: those who were told were told that too, and only they."""
        for alert in self.visits:
            self.runs(self.world.stands_down(alert))
        for _ in range(6):
            self.world.advance(minutes=2)
            self.runs(self._deliver())
        wrong = """
            WITH told AS (SELECT DISTINCT alert_id, contact_id, channel FROM delivery
                          WHERE purpose <> 'stand_down' AND (state = 'delivered' OR maybe_told)),
                 over AS (SELECT DISTINCT alert_id, contact_id, channel FROM delivery
                          WHERE purpose = 'stand_down' AND state IN ('delivered', 'dead')),
                 ended AS (SELECT id FROM alert WHERE stood_down_at IS NOT NULL)
            (SELECT * FROM told WHERE alert_id IN (SELECT id FROM ended) EXCEPT SELECT * FROM over)
            UNION ALL (SELECT * FROM over EXCEPT SELECT * FROM told)
        """
        assert self.runs(self.world.rows(wrong)) == []
        # The one webhook of the estate: what its receiver itself saw. A refused all-clear was tried.
        hook = self.channels["webhook"]
        ended = "SELECT id FROM alert WHERE stood_down_at IS NOT NULL"
        refused = "SELECT alert_id AS id FROM delivery WHERE state = 'dead' AND channel = 'webhook'"
        over = {row["id"] for row in self.runs(self.world.rows(ended))}
        tried = {row["id"] for row in self.runs(self.world.rows(refused))}
        assert hook.told_that_it_is_over <= hook.told
        assert hook.told & over <= hook.told_that_it_is_over | tried


class Checked(Duties):
    """The same, with the last word when an example ends well."""

    def teardown(self) -> None:
        """Sends what is left, checks who was told, closes."""
        try:
            self.check_the_end()
        finally:
            super().teardown()


def test_duties_hold_under_anything_in_any_order(database_url: str) -> None:
    """No open duty unwatched, nobody told twice, a closed duty silent, exactly those told stood down."""
    with psycopg.connect(database_url) as conn:
        conn.execute(ESTATE.encode())
    machine = type("OnThisDatabase", (Checked,), {"database_url": database_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=10,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # shrinking against a database takes longer than reading the steps
        ),
    )
