"""The same as `homes` for a county: ten thousand connected homes. Two minutes, so only when it is named."""

from collections.abc import Sequence

from benchmarks.figures import Figure
from benchmarks.homes import measured

HOMES, RATE = 10_000, 1_000


async def run() -> Sequence[Figure]:
    """Measures them."""
    return await measured(HOMES, RATE)
