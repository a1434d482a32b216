"""An estate for alerts: two homes, two parties and a centre, and a clock that moves when it is told to."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts import service, sweep
from alerts.channels.contract import Outgoing
from alerts.model import Actor, Signal, VisitAlert, VisitAlertKind
from alerts.retry import Delivered, Outcome
from alerts.worker import deliver_due
from db.pool import Pool

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
A = timedelta(minutes=15)

ESTATE = """
INSERT INTO organisation VALUES ('elm', 'landlord', 'Elm Housing'), ('bright', 'care_provider', 'BrightCare'),
    ('north', 'monitoring_centre', 'Northgate Lifeline'),
    ('south', 'monitoring_centre', 'Southgate Lifeline');
INSERT INTO contact (organisation_id, position, name, email, webhook_url, webhook_secret, on_call) VALUES
    ('elm', 1, 'Duty housing officer', 'duty@elm.example', NULL, NULL, true),
    ('elm', 2, 'Housing manager', 'manager@elm.example', NULL, NULL, false),
    ('bright', 1, 'On-call coordinator', 'oncall@bright.example', 'https://bright.example/hook',
     'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD', true),
    ('north', 1, 'Supervisor', 'supervisor@north.example', NULL, NULL, true);
INSERT INTO dwelling VALUES ('elm-12', 'elm', 'elm-court', 'Flat 12, Elm Court', 'Europe/London'),
    ('elm-14', 'elm', 'elm-court', 'Flat 14, Elm Court', 'Europe/London');
INSERT INTO resident (id, dwelling_id, name, monitoring_centre_id) VALUES
    ('ada', 'elm-12', 'Ada Byrne', 'north'), ('bob', 'elm-14', 'Bob Carr', 'north');
INSERT INTO hub (id, dwelling_id, heartbeat_every) VALUES
    ('hub-12', 'elm-12', 'PT10M'), ('hub-14', 'elm-14', 'PT10M');
INSERT INTO hub (id, scheme) VALUES ('hub-door', 'elm-court');
INSERT INTO carer VALUES ('joy', 'bright', 'Joy Okafor');
INSERT INTO credential VALUES ('fob:04A1B2', 'joy');
INSERT INTO package VALUES ('pkg-ada', 'ada', 'bright', 'essential');
INSERT INTO visit (ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_wall,
                   start_at, end_at, carers_required, carers, plan, source)
VALUES ('v1', 'pkg-ada', 'ada', 'elm-12', 'bright', 'essential', '2026-11-21', '08:00', '2026-11-21 08:00+00',
        '2026-11-21 08:30+00', 1, '{joy}', 'planned', 'roster');
"""


@dataclass
class Post:
    """A channel that keeps what it was given, and answers as it was told to."""

    sent: list[Outgoing] = field(default_factory=list)
    answers: list[Outcome] = field(default_factory=list)

    async def send(self, message: Outgoing, now: datetime) -> Outcome:
        """Keeps the message; the next answer in line, or delivered."""
        self.sent.append(message)
        return self.answers.pop(0) if self.answers else Delivered()


@dataclass
class World:
    """The service's alerts on a database of their own, at a time of the test's choosing."""

    pool: Pool
    now: datetime = NINE
    mail: Post = field(default_factory=Post)
    hooks: Post = field(default_factory=Post)
    _events: int = 0

    def advance(self, **duration: float) -> datetime:
        """Lets time pass, without anybody looking."""
        self.now += timedelta(**duration)
        return self.now

    async def sweep(self) -> int:
        """Looks until nothing is due."""
        total = 0
        while taken := await sweep.sweep_due(self.pool, self.now):
            total += taken
        return total

    async def deliver(self) -> int:
        """Sends what is due."""
        return await deliver_due(self.pool, lambda: self.now, {"email": self.mail, "webhook": self.hooks})

    async def passes(self, **duration: float) -> None:
        """Lets time pass, then looks and sends."""
        self.advance(**duration)
        await self.sweep()
        await self.deliver()

    def letters(self) -> list[str]:
        """To whom letters went, in order; reading them empties the box."""
        told = sorted(letter.email or "" for letter in self.mail.sent)
        self.mail.sent.clear()
        return told

    def signal(self, type_: str, **changes: Any) -> Signal:
        """One event of hub-12's pendant, received now."""
        self._events += 1
        values: dict[str, Any] = {
            "hub_id": "hub-12",
            "event_id": f"e{self._events}",
            "type": type_,
            "device": "pendant-1",
            "effective_at": self.now,
            "received_at": self.now,
        }
        return Signal(**{**values, **changes})

    async def hear(self, *signals: Signal) -> None:
        """Stores events as intake does, and hands them to alerts in the same transaction."""
        async with self.pool.connection() as conn, conn.transaction():
            for signal in signals:
                await conn.execute(
                    "INSERT INTO event (received_at, hub_id, id, type, at, effective_at, device)"
                    " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                    (
                        signal.received_at,
                        signal.hub_id,
                        signal.event_id,
                        signal.type,
                        signal.effective_at,
                        signal.effective_at,
                        signal.device,
                    ),
                )
            await service.handle_signals(conn, signals, self.now)

    def visit_alert(self, kind: VisitAlertKind = VisitAlertKind.MISSED, **changes: Any) -> VisitAlert:
        """The alert of Ada's visit, raised now."""
        values: dict[str, Any] = {
            "kind": kind,
            "visit_ref": "v1",
            "resident_id": "ada",
            "dwelling_id": "elm-12",
            "provider_id": "bright",
            "landlord_id": "elm",
            "monitoring_centre_id": "north",
            "raised_at": self.now,
            "step": A,
            "reason": "no evidence by 09:00",
            "visit_start": datetime(2026, 11, 21, 8, 0, tzinfo=UTC),
            "tier": "essential",
        }
        return VisitAlert(**{**values, **changes})

    async def raises(self, alert: VisitAlert) -> int | None:
        """Raises it as care does."""
        async with self.pool.connection() as conn, conn.transaction():
            return await service.raise_visit_alert(conn, alert, self.now)

    async def stands_down(self, alert: VisitAlert, cause: str = "the carer came at 08:05") -> None:
        """Takes it back as care does."""
        async with self.pool.connection() as conn, conn.transaction():
            await service.stand_down_visit_alert(
                conn, alert.visit_ref, alert.kind, alert.raised_at, self.now, cause, self.now
            )

    async def rows(self, sql: str, *arguments: Any) -> list[dict[str, Any]]:
        """What the database holds."""
        async with self.pool.connection() as conn:
            return await (await conn.execute(sql.encode(), arguments)).fetchall()

    async def duty(self, organisation: str) -> dict[str, Any]:
        """The newest duty of an organisation."""
        rows = await self.rows(
            "SELECT * FROM duty WHERE organisation_id = %s ORDER BY id DESC LIMIT 1", organisation
        )
        return rows[0]

    async def steps(self, organisation: str) -> list[tuple[float, int]]:
        """(minutes after nine, number) of every step taken for an organisation, by its due time."""
        rows = await self.rows(
            "SELECT h.at, h.detail FROM alert_history AS h JOIN duty ON duty.id = h.duty_id"
            " WHERE duty.organisation_id = %s AND h.what = 'step' ORDER BY h.id",
            organisation,
        )
        return [
            ((row["at"] - NINE) / timedelta(minutes=1), row["detail"]["step"])
            for row in rows
            if not row["detail"]["skipped"]
        ]


ADA = Actor("Ana", "bright")
HUGH = Actor("Hugh", "elm")
OLGA = Actor("Olga", "north")
OTTO = Actor("Otto", "north")


@pytest.fixture
async def world(pool: Pool) -> World:
    """The estate, at nine in the morning."""
    async with pool.connection() as conn:
        await conn.execute(ESTATE)
    return World(pool)
