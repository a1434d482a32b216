"""`threshold token create`, and what it makes."""

import re

import pytest
from typer.testing import CliRunner

from api.tokens import caller_of_token
from app.cli import cli
from app.errors import Fault
from app.tokens import cli as tokens
from db.pool import Pool
from tests.integration.api import world

assert cli


@pytest.fixture
def command(database_url: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """The command line on the test's database."""
    monkeypatch.setenv("THRESHOLD_DATABASE_URL", database_url)
    return CliRunner()


async def _create(command: CliRunner, *arguments: str) -> str:
    import asyncio

    result = await asyncio.to_thread(command.invoke, tokens, ["create", *arguments], catch_exceptions=True)
    if isinstance(result.exception, Fault):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


async def test_a_token_is_printed_once_and_kept_as_a_hash(
    furnished: None, command: CliRunner, pool: Pool
) -> None:
    """The command prints the token and nothing else; the database cannot give it back."""
    printed = await _create(command, "--organisation", "northgate", "--role", "operator", "--name", "Olu")
    assert re.fullmatch(r"thr_[\w-]{43}\n", printed)
    async with pool.connection() as conn:
        caller = await caller_of_token(conn, printed.strip(), world.NOW)
        rows = await (await conn.execute("SELECT token::text AS kept FROM token")).fetchall()
    assert caller is not None
    assert (caller.organisation_id, caller.role, caller.name) == ("northgate", "operator", "Olu")
    assert printed.strip() not in str(rows)


async def test_two_tokens_never_share_a_name(furnished: None, command: CliRunner, pool: Pool) -> None:
    """A claim is held by a name, so a second Olu is another one."""
    for _ in range(3):
        await _create(command, "--organisation", "northgate", "--role", "operator", "--name", "Olu")
    await _create(command, "--organisation", "northgate", "--role", "engineer")
    async with pool.connection() as conn:
        rows = await (await conn.execute("SELECT name FROM token ORDER BY id")).fetchall()
    assert [row["name"] for row in rows] == ["Olu", "Olu (2)", "Olu (3)", "engineer at Northgate Lifeline"]


@pytest.mark.parametrize(
    ("organisation", "role", "said"),
    [
        ("nowhere", "operator", "no such organisation: nowhere"),
        ("northgate", "king", "no such role: king"),
        (
            "elm-housing",
            "operator",
            "elm-housing is a landlord; the role operator is for a monitoring centre",
        ),
    ],
)
async def test_a_token_that_makes_no_sense_is_refused_in_one_line(
    furnished: None, command: CliRunner, organisation: str, role: str, said: str
) -> None:
    """An unknown organisation, an unknown role, and a role of another kind of organisation are faults."""
    with pytest.raises(Fault, match=re.escape(said)):
        await _create(command, "--organisation", organisation, "--role", role)
