"""`threshold rejected` and `threshold hub`, as a person uses them."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aiomqtt
import pytest

from db.pool import Pool
from gateway.codec import Reason
from gateway.credentials import verifies
from ingest.service import record
from tests.integration.ingest.world import T0, count, event, make_estate, rows, says
from tests.support.mosquitto import Mosquitto

THRESHOLD = str(Path(sys.executable).with_name("threshold"))

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def threshold(database_url: str) -> Run:
    """Runs the command line against this test's database."""

    def run(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {"THRESHOLD_DATABASE_URL": database_url} | settings
        return subprocess.run(
            [THRESHOLD, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    return run


@pytest.fixture
async def estate(pool: Pool) -> Pool:
    """The small estate, committed."""
    async with pool.connection() as conn:
        await make_estate(conn)
    return pool


async def one(pool: Pool, sql: str) -> dict[str, object]:
    async with pool.connection() as conn:
        (row,) = await rows(conn, sql)
    return row


async def test_rejected_things_are_listed_without_their_contents(estate: Pool, threshold: Run) -> None:
    """The list says what, from whom, why and how often; contents and escape codes stay out of it."""
    assert (await asyncio.to_thread(threshold, "rejected", "list")).stdout == "nothing is kept as rejected\n"
    async with estate.connection() as conn:
        pin = b'{"id": "p1", "type": "carer.arrived", "data": {"credential": "pin:938274"}}'
        await record(conn, [says(pin), says(pin), says(event("x"), hub="\x1b[31mred")], T0)
    table = await asyncio.to_thread(threshold, "rejected", "list")
    assert table.returncode == 0
    assert Reason.MISSING_FIELD in table.stdout
    assert "hub-12" in table.stdout
    assert "938274" not in table.stdout
    assert "\x1b" not in table.stdout
    lines = (await asyncio.to_thread(threshold, "rejected", "list", "--json")).stdout.splitlines()
    listed = {line["event_id"]: line for line in map(json.loads, lines)}
    assert (listed["p1"]["reason"], listed["p1"]["seen"]) == (Reason.MISSING_FIELD, 1)
    assert "payload" not in listed["p1"]


async def test_a_replay_takes_in_what_is_good_now(estate: Pool, threshold: Run) -> None:
    """After the estate has learned of a hub, its events are stored with the time at which they came."""
    async with estate.connection() as conn:
        await record(conn, [says(event("a"), event("b"), hub="late"), says(b"rubbish", hub="late")], T0)
        await conn.execute("INSERT INTO hub (id, dwelling_id) VALUES ('late', 'elm-14')")
    done = await asyncio.to_thread(threshold, "rejected", "replay")
    assert (done.returncode, done.stdout) == (0, "taken in: 2, rejected again: 1\n")
    async with estate.connection() as conn:
        stored = await rows(conn, "SELECT id, received_at FROM event ORDER BY id")
        assert stored == [{"id": "a", "received_at": T0}, {"id": "b", "received_at": T0}]
        results = await rows(
            conn, "SELECT replay_result, replayed_at IS NULL AS open FROM rejected ORDER BY id"
        )
    assert [row["open"] for row in results] == [False, False, True]
    again = await asyncio.to_thread(threshold, "rejected", "replay")
    assert again.stdout == "taken in: 0, rejected again: 1\n"


async def test_a_retained_press_is_taken_in_only_by_name(estate: Pool, threshold: Run) -> None:
    """A replay of everything leaves what the broker had kept alone; naming it is a person's decision."""
    async with estate.connection() as conn:
        await record(conn, [says(event("p", "alarm.pendant"), retained=True)], T0)
    await asyncio.to_thread(threshold, "rejected", "replay")
    async with estate.connection() as conn:
        assert await count(conn, "event") == 0
        (row,) = await rows(conn, "SELECT id FROM rejected")
    named = await asyncio.to_thread(threshold, "rejected", "replay", "--id", str(row["id"]))
    assert named.stdout == "taken in: 1, rejected again: 0\n"
    async with estate.connection() as conn:
        assert await count(conn, "alert") == 1


async def test_an_enrolled_hub_is_let_in_and_a_revoked_one_is_not(
    estate: Pool, threshold: Run, mosquitto: Mosquitto
) -> None:
    """The password that is printed once opens the real broker; its hash is all that is kept."""
    file = mosquitto.directory / "passwords"
    setting = {"THRESHOLD_MQTT__PASSWORD_FILE": str(file)}
    before = file.read_text()
    enrolled = await asyncio.to_thread(threshold, "hub", "enrol", "hub-12", **setting)
    password = enrolled.stdout.strip()
    assert (enrolled.returncode, enrolled.stderr) == (0, "")
    kept = await one(estate, "SELECT credential_hash, enrolled_at, revoked_at FROM hub WHERE id = 'hub-12'")
    assert verifies(password, str(kept["credential_hash"]))
    assert file.read_text() == before + f"hub-12:{kept['credential_hash']}\n"
    mosquitto.restart()
    assert await may_connect(mosquitto, "hub-12", password)
    second = (await asyncio.to_thread(threshold, "hub", "enrol", "hub-12", **setting)).stdout.strip()
    mosquitto.restart()
    assert not await may_connect(mosquitto, "hub-12", password)
    assert await may_connect(mosquitto, "hub-12", second)
    revoked = await asyncio.to_thread(threshold, "hub", "revoke", "hub-12", **setting)
    assert revoked.stdout == "hub-12: revoked\n"
    assert file.read_text() == before
    mosquitto.restart()
    assert not await may_connect(mosquitto, "hub-12", second)
    again = await asyncio.to_thread(threshold, "hub", "revoke", "hub-12", **setting)
    assert (again.returncode, again.stdout) == (0, "hub-12: had no credential\n")


async def may_connect(broker: Mosquitto, account: str, password: str) -> bool:
    """Whether the broker lets this account in."""
    try:
        async with aiomqtt.Client(
            "127.0.0.1", broker.port, identifier=account, username=account, password=password
        ):
            return True
    except aiomqtt.MqttError:
        return False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hub", "enrol", "nobody"), "hub 'nobody': the estate has no such hub\n"),
        (("hub", "revoke", "nobody"), "hub 'nobody': the estate has no such hub\n"),
        (("hub", "enrol", "a:b"), "hub 'a:b': an id with : + # / or unprintable characters cannot be"),
    ],
)
async def test_a_wrong_hub_is_one_clear_line(
    estate: Pool, threshold: Run, arguments: tuple[str, ...], said: str
) -> None:
    """A hub that cannot be enrolled is said in a line on stderr, exit status 1, and nothing on stdout."""
    done = await asyncio.to_thread(threshold, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stderr


async def test_a_password_file_that_cannot_be_written_changes_nothing(
    estate: Pool, threshold: Run, tmp_path: Path
) -> None:
    """The database and the broker's file are changed together or not at all."""
    missing = str(tmp_path / "no folder" / "passwords")
    done = await asyncio.to_thread(threshold, "hub", "enrol", "hub-12", THRESHOLD_MQTT__PASSWORD_FILE=missing)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("the password file ")
    kept = await one(estate, "SELECT credential_hash FROM hub WHERE id = 'hub-12'")
    assert kept == {"credential_hash": None}


async def test_without_a_password_file_the_line_for_it_is_shown(estate: Pool, threshold: Run) -> None:
    """Somebody who keeps the broker's accounts elsewhere is told what to enter there."""
    done = await asyncio.to_thread(threshold, "hub", "enrol", "hub-12")
    line = done.stderr.splitlines()[-1]
    assert done.returncode == 0
    assert line.startswith("hub-12:$7$")
    assert verifies(done.stdout.strip(), line.partition(":")[2])
