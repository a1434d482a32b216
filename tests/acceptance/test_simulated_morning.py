"""A simulated morning lived over a broker into the whole service, both on a hurried clock, and scored."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from device_sim.world.score import Report, Score, score
from device_sim.world.truth import read_truth
from tests.acceptance.test_simulated_week import Done, threshold

ROUGH = ("--set", "forgotten=0.15", "--set", "outages=0.3", "--set", "calls_a_year=800")
"""More goes wrong than usually, so that a short morning has some of everything."""


def lived(folder: Path, homes: int, shows: str, until: str, *more: str) -> tuple[Done, Score]:
    """A piece of the second of November, with everything that it needs brought along, and its score."""
    done = threshold(
        *("sim", "--homes", str(homes), "--seed", "21", "--days", "1", "--begin", "2026-11-02"),
        *("--shows", f"2026-11-02T{shows}:00+00:00", "--until", f"2026-11-02T{until}:00+00:00"),
        *("--embedded", str(folder / "service"), "--out", str(folder), "--headless", *ROUGH, *more),
    )
    assert (folder / "report.json").exists(), done.stderr
    report = msgspec.json.decode((folder / "report.json").read_bytes(), type=Report)
    return done, score(read_truth(folder / "truth.jsonl"), report)


def errors_in(log: str) -> list[str]:
    """What was logged, but that a slow machine waited for its database."""
    waits = ("waiting for the database", "error connecting", "database away")
    return [line for line in log.splitlines() if not any(each in line for each in waits)]


@pytest.mark.timeout(300)
def test_a_morning_of_80_homes_holds_what_was_promised(tmp_path: Path) -> None:
    """Nothing lost or doubled, no receipt that lied, every real miss raised, no false one unexplained."""
    done, found = lived(tmp_path, 80, "06:20", "09:10", "--speed", "240")
    assert (done.returncode, errors_in(done.stderr), found.faults) == (0, [], [])
    assert found.visits >= 15
    assert len(found.found_after_s) >= 3
    assert found.table["made"]["nothing raised"] > 10
    assert len(found.calls) >= 3
    assert all(call.answered_after_s is not None for call in found.calls if call.received_at is not None)
    assert found.books is not None
    assert found.books.held
    assert found.books.said > 1_000
    last = msgspec.json.decode(done.stdout[: done.stdout.index("\nseed")].splitlines()[-1])
    assert last["share"] == 1
    assert last["stored"] > 0.95 * found.books.said, (
        "the view, which is taken shortly before the last receipts"
    )


@pytest.mark.timeout(300)
def test_a_morning_on_bad_lines_holds_what_was_promised(tmp_path: Path) -> None:
    """What is lost, spoilt, repeated or overtaken on the way is there in the end, once."""
    shares = ("duplicate=0.05", "delay=0.02", "reorder=0.05", "drop=0.05", "truncate=0.05", "corrupt=0.05")
    faults = [word for fault in (*shares, "skew=0.1", "flap=0.2") for word in ("--fault", fault)]
    done, found = lived(tmp_path, 30, "07:00", "08:00", "--speed", "240", *faults)
    assert (done.returncode, errors_in(done.stderr), found.faults) == (0, [], [])
    assert found.books is not None
    assert found.books.held
    truth = read_truth(tmp_path / "truth.jsonl")
    assert truth.world.faults["drop"] == 0.05
    assert any(abs(word.at - word.happened) > timedelta(minutes=30) for word in truth.said)


def test_a_folder_that_another_time_has_used_is_refused(tmp_path: Path) -> None:
    """A database that knows of another time would mix the two up."""
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "kept").touch()
    arguments = ("sim", "--homes", "1", "--embedded", str(tmp_path / "service"), "--out", str(tmp_path))
    done = threshold(*arguments)
    assert done.returncode == 1
    assert "is not empty: name a new folder" in done.stderr
