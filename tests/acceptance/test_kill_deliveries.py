"""SIGKILL and SIGSTOP of delivery roles while they send: nobody is left untold, and what is told twice says
so."""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from tests.support.processes import ServerProcess
from tests.support.smtp import Mailbox
from tests.support.webhook import SECRET, WebhookSink

ROLES, KILLS = 3, 20
LETTERS, HOOKS = 200, 1800
HANDS = 16 * 2
"""What one role can have in hand when it dies: so many messages at most come twice for each death."""

ESTATE = """
INSERT INTO organisation (id, kind, name) VALUES ('north', 'monitoring_centre', 'Northgate Lifeline');
INSERT INTO alert (kind, priority, dedupe_key, raised_at, noticed_at, reason)
    VALUES ('alarm.pendant', 1, 'k', now(), now(), '');
INSERT INTO duty (alert_id, organisation_id, role, priority, raised_at, ladder, step_from, next_check_at)
    SELECT id, 'north', 'monitoring_centre', 1, now(), 'alarm.1', now(), now() + interval '1 hour' FROM alert;
INSERT INTO contact (organisation_id, position, name, email, webhook_url, webhook_secret)
    SELECT 'north', n, 'Contact ' || n, 'c' || n || '@north.example', '{url}/' || n, '{secret}'
    FROM generate_series(1, 100) AS n;
INSERT INTO delivery (alert_id, duty_id, organisation_id, contact_id, channel, purpose, step, priority,
                      idempotency_key, message, created_at, next_attempt_at)
    SELECT duty.alert_id, duty.id, 'north', contact.id, CASE WHEN n <= {letters} THEN 'email' ELSE 'webhook'
    END,
           'raise', 1, CASE WHEN n <= {letters} THEN 1 ELSE 2 END, 'msg_' || n, '{message}', now(), now()
    FROM generate_series(1, {letters} + {hooks}) AS n, duty, contact WHERE contact.position = n % 100 + 1;
"""
MESSAGE = (
    '{"template": "alarm.monitoring_centre.open", "fields": {"alert": 1, "kind": "alarm.pendant",'
    ' "priority": 1, "place": "Flat 12", "zone": "Europe/London", "since": "2026-11-21T09:00:00+00:00",'
    ' "reminder": false, "raised_late": false, "others": [], "presses": 1, "is_test": false, "hub": "h"}}'
)


@dataclass
class Scene:
    """Roles that live again when they are killed, and receivers that keep what they get."""

    database_url: str
    mailbox: Mailbox
    sink: WebhookSink
    folder: Path
    roles: list[ServerProcess] = field(default_factory=list)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database_url) as conn:
            return conn.execute(sql.encode()).fetchall()

    async def states(self) -> dict[str, int]:
        """How many messages stand where."""
        rows = await asyncio.to_thread(self.query, "SELECT state, count(*) FROM delivery GROUP BY state")
        return {str(state): int(str(number)) for state, number in rows}

    def start(self, number: int) -> None:
        """One role more."""
        lives = self.folder / f"lives-{number}"
        command = [sys.executable, "-m", "tests.support.delivering", self.database_url]
        role = ServerProcess(
            [*command, str(self.mailbox.port), str(lives)], self.folder / f"role-{number}.log"
        )
        role.start(lives.exists)
        self.roles.append(role)

    def life(self, number: int) -> int:
        """The process that sends for a role now."""
        return int((self.folder / f"lives-{number}").read_text().splitlines()[-1])

    def seen(self) -> Counter[str]:
        """How often each message arrived, by its key."""
        letters = (str(letter.message["Message-ID"])[1:].split("@")[0] for letter in self.mailbox.letters)
        hooks = (received.headers["webhook-id"] for received in self.sink.received)
        return Counter([*letters, *hooks])


@pytest.fixture
async def scene(
    database_url: str, mailbox: Mailbox, webhook_sink: WebhookSink, tmp_path: Path
) -> AsyncIterator[Scene]:
    """2,000 messages in the outbox; the roles end with the test."""
    scene = Scene(database_url, mailbox, webhook_sink, tmp_path)
    with psycopg.connect(database_url) as conn:
        sql = ESTATE.format(
            url=webhook_sink.url, secret=SECRET, letters=LETTERS, hooks=HOOKS, message=MESSAGE
        )
        conn.execute(sql.encode())
    yield scene
    for role in scene.roles:
        role.stop()


@pytest.mark.timeout(300)
async def test_twenty_kills_lose_no_message_and_a_frozen_role_is_not_believed(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    """2,000 messages, three roles, twenty deaths and a faint: each is told, with one key, and what came
    twice is counted."""
    for number in range(ROLES):
        await asyncio.to_thread(scene.start, number)
    chance = random.Random(7)
    frozen = scene.life(0)
    os.kill(frozen, signal.SIGSTOP)
    killed, done = 0, 0
    while done < LETTERS + HOOKS:
        states = await scene.states()
        done = states.get("delivered", 0)
        assert not states.get("dead"), scene.query("SELECT DISTINCT last_error FROM delivery")
        if killed < KILLS and done >= (LETTERS + HOOKS) * killed // (KILLS + 1):
            with contextlib.suppress(ProcessLookupError):  # it has just died of the last one
                os.kill(scene.life(chance.choice((1, 2))), signal.SIGKILL)
                killed += 1
        if killed == KILLS:
            with contextlib.suppress(ProcessLookupError):  # woken, it may have died of what it missed
                os.kill(frozen, signal.SIGCONT)
        await asyncio.sleep(0.05)
    seen = scene.seen()
    assert len(seen) == LETTERS + HOOKS
    again = sum(seen.values()) - len(seen)
    assert killed == KILLS
    assert again <= (KILLS + 1) * HANDS
    with capsys.disabled():
        print(
            f"\n{LETTERS + HOOKS} messages, {KILLS} kills, 1 freeze: 0 lost, {again} came twice, by their key"
        )
    rows = scene.query("SELECT idempotency_key, attempts FROM delivery")
    attempts = {str(key): int(str(number)) for key, number in rows}
    assert all(attempts[key] >= count for key, count in seen.items()), "no send without a lease"
