"""One home in an engineer's hands, against the real service over a real broker with its own credential."""

import asyncio
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import msgspec
import pytest

from app.clock import system_clock
from app.load import apply_files
from app.role import Role
from app.service import Service
from app.settings import load_settings
from db.pool import Connection, connection_arguments, fetch_all
from gateway.model import Command
from tests.integration.device_sim.platform import TOPICS
from tests.support.mosquitto import GATEWAY, Mosquitto

ESTATE = """
organisations:
  - {id: northgate, kind: monitoring_centre, name: Northgate}
dwellings:
  - {id: d1, time_zone: Europe/London}
residents:
  - {id: ada, dwelling: d1, name: Ada Byrne, monitoring_centre: northgate}
hubs:
  - {id: hub-1, dwelling: d1, devices: [{id: p1, kind: pendant}, {id: door-1, kind: door_panel}]}
"""


@asynccontextmanager
async def running(database_url: str, broker: Mosquitto, folder: Path) -> AsyncIterator[None]:
    """The intake and the alerts of the service, with the estate above."""
    settings = load_settings(
        database_url=database_url,
        mqtt_url=broker.url,
        mqtt={"username": GATEWAY, "password": broker.passwords[GATEWAY]} if broker.passwords else {},
    )
    (folder / "estate.yaml").write_text(ESTATE)
    await apply_files(settings, folder / "estate.yaml", [], system_clock())
    stop = asyncio.Event()
    service = Service(settings, [Role.INGEST, Role.ALERTS], system_clock)
    task = asyncio.create_task(service.run(stop))
    try:
        await asyncio.wait_for(service.ready.wait(), 30)
        yield
    finally:
        stop.set()
        await task


async def driven(
    broker: Mosquitto, folder: Path, *, terminal: int | None = None
) -> asyncio.subprocess.Process:
    """`threshold sim home hub-1`, fed by a pipe or by a terminal."""
    credential: tuple[str, ...] = ()
    if broker.passwords:
        (folder / "credential").write_text(broker.enrol(["hub-1"])["hub-1"] + "\n")
        credential = ("--credential", str(folder / "credential"))
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from app.cli import main; main()", "sim", "home", "hub-1"),
        *("--broker", broker.url, "--estate", str(folder / "estate.yaml")),
        *credential,
        stdin=asyncio.subprocess.PIPE if terminal is None else terminal,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # A shell that starts the suite in the background has its children pass over Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        env={name: value for name, value in os.environ.items() if not name.startswith("THRESHOLD_")},
    )


async def until(process: asyncio.subprocess.Process, text: str) -> str:
    """The output up to a line that holds a text."""
    assert process.stdout is not None
    read = ""
    async with asyncio.timeout(60):
        while text not in read:
            line = await process.stdout.readline()
            assert line, f"it ended before {text!r}:\n{read}"
            read += line.decode()
    return read


async def test_a_home_is_driven_by_lines(
    database_url: str, open_mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """Each event is shown with its receipt and how long that took, each command with what became of it."""
    async with running(database_url, open_mosquitto, tmp_path):
        process = await driven(open_mosquitto, tmp_path)
        assert process.stdin is not None
        process.stdin.write(b"press p1\nreceipts\noffline\npress p1 2\nonline\nreceipts\n")
        shown = await until(process, "connected")
        for _ in range(3):
            shown += await until(process, "<- stored")
        await commanded(open_mosquitto, "late", timedelta(seconds=-1))
        await commanded(open_mosquitto, "c-1", timedelta(seconds=30))
        shown += await until(process, "command door.release c-1: obeyed, the door is released")
        await commanded(open_mosquitto, "c-1", timedelta(seconds=30))
        shown += await until(process, "c-1: not obeyed, a repeat")
        rest, complaints = await process.communicate(b"arrive fob:04A1B2\n")
        shown += rest.decode()
        assert (process.returncode, complaints) == (0, b"")
        assert "command door.release late: refused, expired" in shown
        assert shown.count("-> alarm.pendant p1") == 3
        assert "(kept: the line is down)" in shown
        assert "ms after it was sent" in shown
        assert "without a receipt 0; commands: obeyed 1, refused 1" in shown
        async with await Connection.connect(database_url, **connection_arguments("test")) as conn:
            rows = await fetch_all(conn, "SELECT kind, press_count FROM alert")
            types = await fetch_all(conn, "SELECT type FROM event WHERE type <> 'heartbeat' ORDER BY type")
        assert rows == [{"kind": "alarm.pendant", "press_count": 3}]
        assert [row["type"] for row in types] == [
            "alarm.pendant", "alarm.pendant", "alarm.pendant", "carer.arrived", "command.done",
            "command.refused", "door.released",
        ]  # fmt: skip


async def commanded(broker: Mosquitto, command_id: str, expires: timedelta) -> None:
    """Send a command, as anybody may to whom the broker gives the right."""
    now = datetime.now(UTC)
    command = Command(
        command_id, "door.release", now - timedelta(minutes=1), now + expires, {"panel": "door-1"}
    )
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.publish(TOPICS.commands("hub-1"), msgspec.json.encode(command), qos=1)


@pytest.mark.parametrize("end", [b"q", None], ids=["by its key", "by Ctrl-C"])
async def test_a_home_is_driven_by_keys(
    end: bytes | None, database_url: str, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """A key is a line, a colon begins any other, and at the end the home says goodbye."""
    keyboard, terminal = pty.openpty()
    try:
        async with running(database_url, mosquitto, tmp_path):
            process = await driven(mosquitto, tmp_path, terminal=terminal)
            shown = await until(process, "? this")
            os.write(keyboard, b"p")
            shown += await until(process, "<- stored")
            os.write(keyboard, b":jump\n")
            shown += await until(process, "'jump' is no word here")
            if end is None:
                process.send_signal(signal.SIGINT)
            else:
                os.write(keyboard, end)
            _, complaints = await process.communicate()
            assert complaints == b""
            assert process.returncode == (130 if end is None else 0)
            assert "-> alarm.pendant p1" in shown
            async with await Connection.connect(database_url, **connection_arguments("test")) as conn:
                async with asyncio.timeout(60):
                    while (await fetch_all(conn, "SELECT online FROM hub"))[0]["online"]:
                        await conn.commit()
                        await asyncio.sleep(0.05)
    finally:
        os.close(keyboard)
        os.close(terminal)


async def test_a_wrong_line_of_a_pipe_ends_it(
    database_url: str, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """With 1 and one sentence that names the line; what was said before is said."""
    async with running(database_url, mosquitto, tmp_path):
        process = await driven(mosquitto, tmp_path)
        _, complaints = await process.communicate(b"press p1\njump\npress p1\n")
        assert (process.returncode, complaints) == (1, b"line 2: 'jump' is no word here; help lists them\n")
