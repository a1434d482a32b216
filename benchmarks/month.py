"""The same as `backtest` for 2,000 homes. Minutes and gigabytes, so only when it is named."""

from collections.abc import Sequence

from benchmarks.backtest import measured
from benchmarks.figures import Figure

HOMES = 2_000


async def run() -> Sequence[Figure]:
    """Measures them."""
    return await measured(HOMES)
