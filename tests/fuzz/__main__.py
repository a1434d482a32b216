"""`python -m tests.fuzz [TARGET …] [--seconds N]`: coverage-guided fuzzing with atheris, target by target.

What ends a run is written to the present folder as `crash-…` by libFuzzer; the status is then 1. How often
each target was executed is printed.
"""

import argparse
import re
import subprocess
import sys

from tests.fuzz.targets import TARGETS

EXECUTED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


def main() -> int:
    """Fuzzes the targets that were named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; none: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    given = parser.parse_args()
    if unknown := set(given.targets) - TARGETS.keys():
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    failed = False
    for name in given.targets or TARGETS:
        # A process for each: its code is instrumented as it is imported, and a crash ends it.
        run = [sys.executable, "-m", "tests.fuzz.one", name, str(given.seconds)]
        done = subprocess.run(run, capture_output=True, text=True, errors="replace", check=False)
        executed = EXECUTED.search(done.stderr)
        print(f"{name}: {executed[1] if executed else '?'} executions", flush=True)
        if done.returncode != 0:
            failed = True
            print(done.stdout[-2000:] + done.stderr[-6000:], file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
