"""`threshold sim --homes N` over a real broker: lived, watched, and written down."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
import pytest
import typer
from paho.mqtt.enums import CallbackAPIVersion
from typer.testing import CliRunner

from app import simulation
from app.clock import system_clock
from app.errors import Fault
from app.simulate_load import allow_files
from device_sim.ledger import read_ledger
from device_sim.world.truth import read_truth
from gateway.model import Event, Receipts
from gateway.topics import Topics
from tests.support.mosquitto import Mosquitto


@pytest.fixture
def receipting(open_mosquitto: Mosquitto) -> Iterator[None]:
    """Something that receipts every event, in a thread."""
    topics, up = Topics(), threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2)

    def receipt(_client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        read = msgspec.json.decode(message.payload, type=Event | list[Event])
        stored = tuple(event.id for event in (read if isinstance(read, list) else [read]))
        parsed = topics.parse(message.topic)
        assert parsed is not None
        client.publish(topics.receipts(parsed[0]), msgspec.json.encode(Receipts(stored)), qos=1)

    client.on_message = receipt
    client.on_subscribe = lambda *_: up.set()
    client.connect("127.0.0.1", open_mosquitto.port)
    client.subscribe(topics.events("+"), qos=1)
    client.loop_start()
    assert up.wait(10)
    yield
    client.disconnect()
    client.loop_stop()


def sim(*arguments: str) -> tuple[int, list[str], str]:
    """Status, lines printed, and what was complained of."""
    root = typer.Typer()
    root.add_typer(simulation.cli)
    root.callback()(lambda: None)
    result = CliRunner().invoke(root, ["sim", *arguments])
    if result.exception is not None and not isinstance(result.exception, (Fault, SystemExit)):
        raise result.exception
    fault = str(result.exception) if isinstance(result.exception, Fault) else result.stderr
    return result.exit_code, result.stdout.splitlines(), fault


@pytest.mark.usefixtures("receipting")
@pytest.mark.parametrize("headless", [True, False])
def test_a_fleet_lives_and_leaves_its_truth_and_its_ledger(
    open_mosquitto: Mosquitto, tmp_path: Path, headless: bool
) -> None:
    """Two hours of 30 homes in seconds: each event is in the ledger, with its receipt, and in the truth."""
    begin = system_clock()
    until = begin + timedelta(hours=2)
    status, lines, fault = sim(
        *("--homes", "30", "--days", "2", "--speed", "1000", "--until", until.isoformat()),
        *("--since", begin.isoformat(), "--broker", open_mosquitto.url, "--out", str(tmp_path)),
        *(("--headless",) if headless else ()),
    )
    assert status == 0, fault
    truth, account = read_truth(tmp_path / "truth.jsonl"), read_ledger(tmp_path / "ledger.jsonl")
    assert {hub for hub, _ in account.open} <= {outage.hub for outage in truth.outages}
    said = {(word.hub, word.id) for word in truth.said}
    assert said == {key for key, event in account.said.items() if event.type != "heartbeat"}
    assert any(event.type == "heartbeat" for event in account.said.values())
    if headless:
        last = json.loads(lines[-1])
        assert last["homes"] == 30
        assert last["stored"] == len(account.stored)


def test_a_broker_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """It says which broker and what a home met there."""
    arguments = ("--homes", "1", "--broker", "mqtt://127.0.0.1:1", "--out", str(tmp_path), "--within", "1")
    status, _, fault = sim(*arguments)
    assert status == 1
    assert "mqtt://127.0.0.1:1: hub-0001: no sign of a connection" in fault


def test_a_world_that_is_over_is_one_line(tmp_path: Path) -> None:
    """Nobody waits for a day that has been."""
    arguments = ("--homes", "1", "--days", "1", "--begin", "2020-01-01", "--broker", "mqtt://127.0.0.1:1")
    status, _, fault = sim(*arguments, "--out", str(tmp_path))
    assert (status, fault[:19]) == (1, "that world ended at")


@pytest.mark.usefixtures("receipting")
def test_homes_talk_at_a_rate_and_measure_their_receipts(open_mosquitto: Mosquitto) -> None:
    """Every event of two seconds is receipted, and presses are measured apart."""
    status, lines, fault = sim(
        *("--homes", "40", "--rate", "200", "--presses", "10", "--seconds", "2"),
        *("--broker", open_mosquitto.url, "--headless"),
    )
    assert status == 0, fault
    last = json.loads(lines[-1])
    assert (last["connected"], last["in_store"], last["presses"]) == (40, 0, 20)
    assert last["stored"] >= 420
    assert 0 < last["press_to_receipt"]["p50"] <= last["press_to_receipt"]["worst"]


def test_more_homes_than_files_are_allowed_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is raised as far as it may be, and beyond that the line says what to raise."""
    limits: list[tuple[int, int]] = [(1_024, 4_000)]
    monkeypatch.setattr("resource.getrlimit", lambda _: limits[-1])
    monkeypatch.setattr("resource.setrlimit", lambda _, wanted: limits.append(wanted))
    allow_files(3_000)
    assert limits[-1] == (3_500, 4_000)
    with pytest.raises(Fault, match=r"5000 homes need 5500 open files, and 4000 are allowed"):
        allow_files(5_000)


def test_an_estate_with_too_few_hubs_is_one_line(tmp_path: Path) -> None:
    """Nobody is simulated who does not exist."""
    (tmp_path / "estate.yaml").write_text("hubs: []\n")
    arguments = ("--homes", "2", "--rate", "1", "--estate", str(tmp_path / "estate.yaml"))
    status, _, fault = sim(*arguments, "--broker", "mqtt://127.0.0.1:1")
    assert (status, "has 0 hubs, and 2 homes are wanted" in fault) == (1, True)
