"""Play random worlds to the oracle and to the engine, and thin out a world on which they differ.

`python -m tests.support.oracle.hunt --from 0 --worlds 1000` plays many; with `--keep DIR` the four files of
each difference, thinned out to what matters, are kept there.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from app.backtest import backtest
from tests.support.oracle.compare import differences
from tests.support.oracle.files import Files
from tests.support.oracle.report import oracle_report
from tests.support.worlds import make_world

Player = Callable[[Files], list[str]]


def play(files: Files) -> list[str]:
    """What the oracle and the engine do not agree on in a world."""
    with TemporaryDirectory() as folder:
        estate, roster, events, policy = files.write(Path(folder))
        out = Path(folder) / "report.json"
        with redirect_stderr(StringIO()):  # it counts rejected lines there
            backtest(estate=estate, events=events, out=out, roster=[roster], policy=policy, until=files.until)
        ours = oracle_report(estate, roster, events, policy, files.until)
        return differences(ours, json.loads(out.read_bytes()))


def thinner(files: Files) -> Iterator[Files]:
    """The same world with something left out, the big pieces first."""
    size = max(1, len(files.events) // 2)
    while size:
        for start in range(0, len(files.events), size):
            less = files.copy()
            del less.events[start : start + size]
            yield less
        size //= 2
    for index in range(len(files.roster)):
        less = files.copy()
        del less.roster[index]
        yield less
    for group in ("suspensions", "packages", "carers", "hubs", "residents", "dwellings"):
        for index in range(len(files.estate[group])):
            less = files.copy()
            del less.estate[group][index]
            yield less
    for index, package in enumerate(files.estate["packages"]):
        for number in range(len(package["visits"])):
            less = files.copy()
            del less.estate["packages"][index]["visits"][number]
            yield less
    for key in files.policy:
        less = files.copy()
        del less.policy[key]
        yield less


def thinned(files: Files, player: Player, rounds: int = 400) -> Files:
    """The smallest world found on which the two still differ."""
    for _ in range(rounds):
        for less in thinner(files):
            try:
                if player(less):
                    files = less
                    break
            except Exception:  # noqa: BLE001 - what is left out may be needed by what is left in
                continue
        else:
            return files
    return files


def main() -> int:
    """Play many worlds and say on which the two differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--most", type=int, default=10, help="stop after so many differences")
    given = parser.parse_args()
    differing = 0
    for seed in range(given.first, given.first + given.worlds):
        files = make_world(seed)
        found = play(files)
        if not found:
            continue
        differing += 1
        print(f"world {seed} differs in {len(found)}:")
        if given.keep:
            files = thinned(files, play)
            found = play(files)
            folder = given.keep / str(seed)
            folder.mkdir(parents=True, exist_ok=True)
            files.write(folder)
            (folder / "differences.txt").write_text("\n".join([f"until {files.until}", *found]) + "\n")
        print("\n".join(f"    {line}" for line in found[:8]), flush=True)
        if differing >= given.most:
            break
    print(f"{differing} of {seed - given.first + 1} worlds differ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
