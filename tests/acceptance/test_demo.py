"""`make run`, as a stranger meets it: one command, two minutes, Ctrl-C."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.support.processes import free_port

THRESHOLD = [str(Path(sys.executable).parent / "threshold"), "demo"]


@dataclass
class Demonstration:
    """A running demonstration and what it has printed so far."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int

    @property
    def said(self) -> str:
        """Everything it printed."""
        return self.log.read_text()

    def waits_for(self, look: Callable[[], Any], within: float, what: str) -> Any:
        """What `look` finds; fails when the demonstration ends before, or after `within` seconds."""
        deadline = time.monotonic() + within
        while not (found := look()):
            assert self.process.poll() is None, f"it ended: {self.said}"
            assert time.monotonic() < deadline, f"not within {within} s: {what}\n{self.said}"
            time.sleep(0.5)
        return found

    def keys(self) -> dict[str, str]:
        """Access keys as printed, by the person's name."""
        return {name: key for key, name in re.findall(r"(thr_\S+)  \(([^)]+)\)", self.said)}

    def ask(self, key: str, path: str, **query: str) -> list[dict[str, Any]]:
        """The items that the API shows this person."""
        answer = httpx.get(
            f"http://127.0.0.1:{self.port}/api/v1/{path}",
            params=query,
            headers={"Authorization": f"Bearer {key}"},
        )
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def stops(self) -> None:
        """Ctrl-C: it ends well, and nothing that it started is left."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(40) == 0
        _, left = psutil.wait_procs(family, timeout=10)
        assert left == []


@contextmanager
def demonstration(folder: Path, log: Path) -> Iterator[Demonstration]:
    """A start of the demonstration on free ports, running and printing its sign-ins."""
    port = free_port()
    ports = ["--port", str(port), "--mqtt-port", str(free_port()), "--directory", str(folder)]
    with log.open("wb") as output:
        process = subprocess.Popen([*THRESHOLD, *ports], stdout=output, stderr=output)
    demo = Demonstration(process, log, port)
    try:
        demo.waits_for(lambda: "Ctrl-C stops everything" in demo.said, 90, "the sign-ins are printed")
        yield demo
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(40)


@pytest.mark.timeout(400)
def test_two_minutes_show_what_it_is_for_and_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    """Completed, late, missed with two duties, stood down, unconfirmed, and a pendant press; then a clean end
    and a second start with the same data and keys."""
    with demonstration(tmp_path / "demo", tmp_path / "first.log") as demo:
        keys = demo.keys()
        grace, ines, martin, kim = (
            keys[name] for name in ("Grace Lowe", "Ines Duarte", "Martin Shaw", "Kim Adair")
        )

        def kinds(key: str) -> set[tuple[str, bool]]:
            found = demo.ask(key, "alerts")
            return {(alert["kind"], alert["stood_down_at"] is not None) for alert in found}

        demo.waits_for(lambda: ("alarm.pendant", False) in kinds(kim), 60, "a pendant press")
        demo.waits_for(lambda: ("visit.late", True) in kinds(ines), 150, "a late visit that was made")
        demo.waits_for(lambda: ("visit.missed", False) in kinds(grace), 150, "a missed visit")
        assert ("visit.missed", False) in kinds(martin)
        demo.waits_for(lambda: ("visit.missed", True) in kinds(martin), 60, "a missed visit stood down")
        demo.waits_for(lambda: ("visit.unverified", True) in kinds(grace), 90, "an unconfirmed one, resolved")
        assert "visit.late" not in {kind for kind, _ in kinds(martin)}
        completed = demo.waits_for(
            lambda: [v for v in demo.ask(kim, "visits") if v["state"] == "completed"], 60, "completed visits"
        )
        assert {visit["attendance"] for visit in completed} == {"attended"}
        letters = list((tmp_path / "demo" / "letters").glob("*.eml"))
        assert letters
        first = {visit["ref"] for visit in demo.ask(kim, "visits")}
        demo.stops()

    with demonstration(tmp_path / "demo", tmp_path / "second.log") as demo:
        assert demo.keys() == keys
        assert first <= {visit["ref"] for visit in demo.ask(kim, "visits")}
        demo.stops()
    assert json.loads((tmp_path / "demo" / "sign-ins.json").read_text()) == keys


def test_a_busy_port_is_one_clear_line(tmp_path: Path) -> None:
    """Each port that is taken is named in one line, with exit status 1 and no traceback."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = str(taken.getsockname()[1])
        for option, other in (("--port", "--mqtt-port"), ("--mqtt-port", "--port")):
            done = subprocess.run(
                [*THRESHOLD, option, busy, other, str(free_port()), "--directory", str(tmp_path / "demo")],
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
            assert done.returncode == 1
            assert done.stderr.count("\n") == 1
            assert busy in done.stderr
