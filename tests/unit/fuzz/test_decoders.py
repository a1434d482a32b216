"""Every decoder takes any bytes. For hours with coverage: `python -m tests.fuzz`."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import SEEDS, TARGETS

PROJECT = Path(__file__).parents[3]


def near(seed: bytes) -> st.SearchStrategy[bytes]:
    """Bytes like these, but for a piece somewhere that is cut out, doubled or replaced."""
    place = st.integers(0, len(seed))
    pieces = st.sampled_from(
        [b"", b'"', b"{", b"[", b"null", b"true", b"-1", b"1e400", b"\x00", b"\xff", b"\\u0000", b"\\ud800",
         b"\xf0\x9f\x98\x80", b"9" * 25, b"\n", b"\t", b": ", b"&a", b"*a", b"0001-01-01T00:00:00+14:00"]
    )  # fmt: skip
    return st.builds(
        lambda at, to, piece: seed[: min(at, to)] + piece + seed[max(at, to) :], place, place, pieces
    )


@pytest.mark.parametrize("name", TARGETS)
def test_a_decoder_takes_anything(name: str) -> None:
    """Whatever the bytes are, near to what is meant or far from it, the decoder keeps what it promises."""
    strategy = st.binary(max_size=60) | st.one_of([near(seed) for seed in SEEDS[name]])

    @settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def anything(data: bytes) -> None:
        TARGETS[name](data)

    for seed in SEEDS[name]:
        TARGETS[name](seed)
    anything()


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has no build for this Python"
)
def test_the_fuzzer_finds_nothing_in_a_moment(tmp_path: Path) -> None:
    """The command for long runs works, and a decoder survives a second of it."""
    command = [sys.executable, "-m", "tests.fuzz", "zigbee2mqtt", "--seconds", "1"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert re.fullmatch(r"zigbee2mqtt: \d+ executions\n", done.stdout)
