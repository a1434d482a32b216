"""A new password for a hub without a gap (docs/wire.md): the hub has it before the old one ends.

The password goes down to the hub over its own connection, as a command from the broker's administrator; it
stands in no table. Only when the hub says that it keeps it does the broker's account change. A hub that does
not answer, or does not know the command, goes on with what it has.
"""

import asyncio
import secrets
from datetime import timedelta

from app import hub_accounts
from app.clock import system_clock
from app.errors import Fault
from app.settings import Settings
from db.pool import Connection
from gateway.codec import encode_command
from gateway.model import Command
from gateway.topics import Topics
from ingest import enrolment

REPLACE = "credential.replace"
ASK_EVERY = 0.2
"""Seconds between looks for the hub's answer, which intake records."""


async def hand_over(settings: Settings, conn: Connection, hub: str, password: str, wait: timedelta) -> None:
    """Hands a hub a new password and returns once it has said that it keeps it.

    Raises Fault when it refuses or does not answer in time; then nothing has changed.
    """
    now = system_clock()
    command = Command(id=f"cmd-{secrets.token_hex(12)}", type=REPLACE, issued_at=now, expires_at=now + wait)
    await enrolment.begin_rotation(conn, hub, command)
    secret = Command(
        id=command.id,
        type=command.type,
        issued_at=command.issued_at,
        expires_at=command.expires_at,
        data={"password": password},
    )
    await hub_accounts.say(settings, Topics(settings.mqtt.root).commands(hub), encode_command(secret))
    while system_clock() < command.expires_at:
        state, reason = await enrolment.answer_to(conn, command.id)
        if state == "done":
            return
        if state == "refused":
            raise Fault(
                f"hub {hub!r} keeps its password: it refused the new one ({reason or 'no reason given'})"
            )
        await asyncio.sleep(ASK_EVERY)
    raise Fault(f"hub {hub!r} keeps its password: it did not answer in {wait.total_seconds():.0f} s")
