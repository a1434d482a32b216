"""Fuzzes one target and ends the process: libFuzzer does not come back. `tests.fuzz` runs it."""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["gateway", "care", "ingest", "app", "yaml"]):
    from tests.fuzz.targets import SEEDS, TARGETS

LONGEST = 4096
"""Bytes of an input: what goes wrong goes wrong in less."""


def main(name: str, seconds: str) -> None:
    """Fuzzes this target for so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(SEEDS[name]):
            (Path(folder) / str(number)).write_bytes(seed)
        limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=20"]
        atheris.Setup([sys.argv[0], *limits, "-print_final_stats=1", "-verbosity=0", folder], TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
