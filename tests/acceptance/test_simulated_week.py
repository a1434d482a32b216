"""A simulated week with a known truth, judged and scored as anybody can do it from the command line."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from app import backtest, simulation
from app.errors import Fault


@dataclass(frozen=True)
class Done:
    """How a command ended: its status, what it printed, and what it complained of."""

    returncode: int
    stdout: str
    stderr: str


def threshold(*arguments: str) -> Done:
    """Run a command to its end. A fault is what the program prints as its one clear line."""
    root = typer.Typer()
    root.command("backtest")(backtest.backtest)
    root.add_typer(simulation.cli)
    result = CliRunner().invoke(root, list(arguments))
    if result.exception is not None and not isinstance(result.exception, (Fault, SystemExit)):
        raise result.exception
    fault = str(result.exception) if isinstance(result.exception, Fault) else ""
    return Done(result.exit_code, result.stdout, result.stderr + fault)


def week(directory: Path, seed: int, homes: int, *faults: str) -> Path:
    """Make a week and replay it; the folder has the files and the report."""
    told = [each for fault in faults for each in ("--fault", fault)]
    made = threshold(
        "sim", "world", "--homes", str(homes), "--seed", str(seed), "--out", str(directory), *told
    )
    assert made.returncode == 0, made.stderr
    replay = made.stdout.splitlines()[1].split()
    assert replay[0] == "threshold"
    replayed = threshold(*replay[1:])
    assert replayed.returncode == 0, replayed.stderr
    return directory


def scored(directory: Path) -> tuple[Done, dict[str, Any]]:
    """The score of a week, as printed and as JSON."""
    done = threshold(
        "sim",
        "score",
        "--truth",
        str(directory / "truth.jsonl"),
        "--report",
        str(directory / "report.json"),
        "--json",
        str(directory / "score.json"),
        "--html",
        str(directory / "score.html"),
    )
    return done, json.loads((directory / "score.json").read_text())


def really_missed(table: dict[str, dict[str, int]]) -> int:
    """Visits that were never made, or only after they counted as missed."""
    return sum(sum(table[row].values()) for row in ("never made", "made after it counted as missed"))


@pytest.mark.timeout(600)  # half a minute of work, on a machine that may be busy
def test_a_week_of_200_residents_holds_what_was_promised(tmp_path: Path) -> None:
    """Every true miss is raised or called unverified, no false miss is without a rule, no call is unheard."""
    done, found = scored(week(tmp_path, 7, 200))
    assert done.returncode == 0, done.stderr
    assert found["faults"] == []
    assert found["visits"] > 1_800
    assert really_missed(found["table"]) > 40
    assert len(found["found_after_s"]) == really_missed(found["table"])
    assert max(found["found_after_s"]) == 0
    assert len(found["calls"]) > 200
    assert (tmp_path / "score.html").stat().st_size > 2_000


def test_a_week_on_bad_lines_holds_what_was_promised(tmp_path: Path) -> None:
    """Repeats, delays, losses, damage, wrong clocks and lines that come and go never cost a miss."""
    faults = ("duplicate=0.05", "delay=0.05", "reorder=0.05", "drop=0.05")
    more = ("truncate=0.02", "corrupt=0.02", "skew=0.05", "flap=0.1")
    done, found = scored(week(tmp_path, 8, 40, *faults, *more))
    assert done.returncode == 0, done.stderr
    assert found["held"]
    assert found["table"]["made"]["unverified"] > 0


def test_a_report_that_hides_a_miss_does_not_pass(tmp_path: Path) -> None:
    """The score is no rubber stamp: without its alerts about misses the same report fails, and says where."""
    week(tmp_path, 9, 12)
    report = json.loads((tmp_path / "report.json").read_text())
    missed = [alert for alert in report["alerts"] if alert["kind"] == "visit.missed"]
    assert missed
    report["alerts"] = [alert for alert in report["alerts"] if alert not in missed]
    (tmp_path / "report.json").write_text(json.dumps(report))
    done, found = scored(tmp_path)
    assert done.returncode == 1
    assert "but nothing raised" in done.stderr
    assert not found["held"]


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("world", "--out", "w", "--homes", "0"), 2, "from 1 to 50,000"),
        (("world", "--out", "w", "--begin", "monday"), 2, "monday"),
        (("world", "--out", "w", "--fault", "storm=1"), 2, "storm=1"),
        (("world", "--out", "/dev/null/w", "--homes", "1", "--days", "1"), 1, "/dev/null"),
        (("score", "--truth", "none", "--report", "none"), 1, "none: No such file"),
        (("score", "--truth", "/dev/null", "--report", "none"), 1, "no line says which world"),
    ],
)
def test_wrong_input_is_one_clear_line(arguments: tuple[str, ...], status: int, says: str) -> None:
    """No traceback, and the exit status of the contract (§1)."""
    done = threshold("sim", *arguments)
    assert done.returncode == status
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
