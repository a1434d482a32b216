"""`threshold sim` as an engineer meets it: what it prints, and how it ends (contract §1)."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from device_sim.ledger import read_ledger
from device_sim.scenario import names
from gateway.model import Event, Receipts
from gateway.topics import Topics
from tests.support.mosquitto import GATEWAY, Mosquitto
from tests.support.processes import free_port

ESTATE = """
organisations:
  - {id: bright, kind: care_provider, name: BrightCare}
dwellings:
  - {id: d1, time_zone: Europe/London}
residents:
  - {id: ada, dwelling: d1, name: Ada Byrne}
hubs:
  - {id: hub-1, dwelling: d1, devices: [{id: p1, kind: pendant}]}
"""


def sim(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    command = [sys.executable, "-c", "from app.cli import main; main()", "sim", *arguments]
    bare = {name: value for name, value in os.environ.items() if not name.startswith("THRESHOLD_")}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=bare)


@pytest.fixture
def estate(tmp_path: Path) -> str:
    """A small estate file."""
    path = tmp_path / "estate.yaml"
    path.write_text(ESTATE)
    return str(path)


@pytest.fixture
def receipting(mosquitto: Mosquitto) -> Iterator[None]:
    """Something that receipts every event, in a thread."""
    topics, up = Topics(), threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=GATEWAY)
    client.username_pw_set(GATEWAY, mosquitto.passwords[GATEWAY])

    def receipt(_client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        read = msgspec.json.decode(message.payload, type=Event | list[Event])
        stored = tuple(event.id for event in (read if isinstance(read, list) else [read]))
        parsed = topics.parse(message.topic)
        assert parsed is not None
        client.publish(topics.receipts(parsed[0]), msgspec.json.encode(Receipts(stored)), qos=1)

    client.on_message = receipt
    client.on_subscribe = lambda *_: up.set()
    client.connect("127.0.0.1", mosquitto.port)
    client.subscribe(topics.events("+"), qos=1)
    client.loop_start()
    assert up.wait(10)
    yield
    client.disconnect()
    client.loop_stop()


def test_the_list_has_a_line_for_each_scenario() -> None:
    """Name and title, nothing else."""
    done = sim("--list")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(names())


@pytest.mark.usefixtures("receipting")
def test_a_scenario_is_played_and_what_must_come_out_is_printed(
    mosquitto: Mosquitto, estate: str, tmp_path: Path
) -> None:
    """Each step is a line, the end says that all was receipted, and the ledger holds it."""
    password = mosquitto.enrol(["hub-1"])["hub-1"]
    (tmp_path / "passwords").write_text(f"# of a test\n\nhub-1:{password}\n")
    done = sim(
        "pendant", "--broker", mosquitto.url, "--estate", estate, "--speed", "100",
        "--passwords", str(tmp_path / "passwords"), "--ledger", str(tmp_path / "ledger"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("pendant: hub-1 as home; from now until ")
    assert sum("hub-1 presses device=pendant" in line for line in lines) == 2
    assert lines[-2:] == [
        "pendant: played, 4 events, all with a receipt; what must come out:",
        "  hub-1: alert alarm.pendant, owed an answer by monitoring_centre",
    ]
    assert password not in done.stdout + done.stderr
    account = read_ledger(tmp_path / "ledger")
    assert len(account.stored) == len(account.said) == 5  # a heartbeat beside the story


def test_a_broker_that_is_not_there_is_told_in_one_line(estate: str) -> None:
    """The line names the broker, the hub and what the system said."""
    done = sim("pendant", "--broker", f"mqtt://127.0.0.1:{free_port()}", "--estate", estate)
    assert done.returncode == 1
    assert "hub-1: no sign of a connection within 10 s" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        ([], 2, "--list prints them"),
        (["pendant", "--estate", "ESTATE"], 1, "no broker is named"),
        (["pendant", "--estate", "ESTATE", "--broker", "tcp://x"], 2, "expected mqtt://"),
        (["pendant", "--estate", "ESTATE", "--broker", "mqtt://x", "--home", "hub-1"], 2, "is not HUB=ROLE"),
        (["pendant", "--estate", "ESTATE", "--broker", "mqtt://x", "--home", "x=home"], 1, "no hub 'x'"),
        (["pendant", "--estate", "/no/such", "--broker", "mqtt://x"], 1, "/no/such: No such file"),
        (
            ["pendant", "--estate", "ESTATE", "--broker", "mqtt://x", "--passwords", "ESTATE"],
            1,
            ":2: not HUB",
        ),
    ],
)
def test_wrong_usage_ends_with_2_and_wrong_input_with_1_and_a_sentence(
    arguments: list[str], status: int, told: str, estate: str
) -> None:
    """No traceback, whatever is wrong."""
    done = sim(*(estate if each == "ESTATE" else each for each in arguments))
    assert done.returncode == status
    assert told in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
