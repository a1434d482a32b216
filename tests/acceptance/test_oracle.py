"""The engine against a second, naive reading of the rules, on random worlds made to be nasty.

`THRESHOLD_TEST_WORLDS` and `THRESHOLD_TEST_SEED` choose how many worlds and which; the hunt of many
thousands, with each difference thinned out, is `python -m tests.support.oracle.hunt`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.oracle import oracle_report
from tests.support.oracle.compare import differences
from tests.support.oracle.hunt import play, thinned
from tests.support.worlds import make_world

WORLDS = int(os.environ.get("THRESHOLD_TEST_WORLDS", "48"))
SEED = int(os.environ.get("THRESHOLD_TEST_SEED", "20261121"))
LOTS = 8


@pytest.mark.timeout(0)
@pytest.mark.parametrize("lot", range(LOTS))
def test_random_worlds_are_judged_alike(lot: int, tmp_path: Path) -> None:
    """The engine and the oracle agree on every verdict, alert, duty and step of each random world."""
    for seed in range(SEED + lot, SEED + WORLDS, LOTS):
        files = make_world(seed)
        if play(files):
            files = thinned(files, play, rounds=40)
            files.write(tmp_path)
            found = "\n".join(play(files)[:20])
            pytest.fail(f"world {seed}, until {files.until}, thinned out in {tmp_path}:\n{found}")


@pytest.mark.parametrize("seed", [1, 7])
def test_the_command_line_answers_like_the_oracle(seed: int, tmp_path: Path) -> None:
    """`threshold backtest` writes the report which the oracle expects, and ends with 0."""
    files = make_world(seed)
    estate, roster, events, policy = files.write(tmp_path)
    out = tmp_path / "report.json"
    command = [sys.executable, "-c", "from app.cli import main; main()", "backtest", "--estate", str(estate)]
    command += ["--roster", str(roster), "--events", str(events), "--policy", str(policy), "--out", str(out)]
    if files.until is not None:
        command += ["--until", files.until]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert (
        differences(oracle_report(estate, roster, events, policy, files.until), json.loads(out.read_bytes()))
        == []
    )
