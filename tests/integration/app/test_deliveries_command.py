"""`threshold deliveries list` and `replay`: what reached nobody, without its words, and sending it again."""

import asyncio
import json

import pytest
from typer.testing import CliRunner, Result

from app.deliveries import cli as deliveries
from db.pool import Pool
from tests.integration.api import world


@pytest.fixture
async def dead(pool: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The estate of the API's tests; its three messages are dead, that of an acknowledged duty among them."""
    async with pool.connection() as conn:
        await world.furnish(conn)
        await conn.execute(
            "UPDATE delivery SET state = 'dead', last_error = 'the address was refused (550)',"
            " delivered_at = NULL, next_attempt_at = NULL"
        )
    monkeypatch.setenv("THRESHOLD_DATABASE_URL", database_url)


async def command(*arguments: str) -> Result:
    """The command's output and exit status."""
    return await asyncio.to_thread(CliRunner().invoke, deliveries, list(arguments))


async def test_dead_messages_are_listed_without_their_words(dead: None) -> None:
    """Whose they are, why nobody took them, and whether somebody still waits; no address and no text."""
    result = await command("list", "--json")
    rows = [json.loads(line) for line in result.output.splitlines()]
    assert {row["organisation_id"] for row in rows} == {"elm-housing", "brightcare", "northgate"}
    assert {row["last_error"] for row in rows} == {"the address was refused (550)"}
    assert "@" not in result.output
    table = await command("list", "--organisation", "brightcare")
    assert "On-call coordinator" in table.output
    assert "northgate" not in table.output


async def test_what_is_waited_for_is_sent_again(dead: None, pool: Pool) -> None:
    """And what nobody waits for stays dead; asked for by number it is refused in one line."""
    wanted = [json.loads(line) for line in (await command("list", "--json")).output.splitlines()]
    waited_for = sum(row["wanted"] for row in wanted)
    assert 0 < waited_for < len(wanted)
    result = await command("replay")
    assert (result.exit_code, result.output) == (0, f"in the outbox again: {waited_for}\n")
    answered = next(row["id"] for row in wanted if not row["wanted"])
    refused = await command("replay", "--id", str(answered), "--id", "999")
    assert refused.exit_code == 1
    assert f"the duty of message {answered} was answered meanwhile" in refused.output
    assert "there is no message 999" in refused.output
    async with pool.connection() as conn:
        rows = await (await conn.execute("SELECT what FROM alert_history WHERE what = 'replayed'")).fetchall()
    assert len(rows) == waited_for


async def test_nothing_dead_is_said_in_a_sentence(
    pool: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty list is good news."""
    monkeypatch.setenv("THRESHOLD_DATABASE_URL", database_url)
    assert "every message has reached somebody" in (await command("list")).output
