"""What a benchmark found, in the form that the table and bench.json share."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `aim` is what the project wants of it; `beside` puts it in proportion."""

    part: str
    name: str
    value: float
    unit: str
    aim: str = ""
    beside: str = ""


Part = Callable[[], Coroutine[Any, Any, Sequence[Figure]]]
"""One part of the benchmarks: sets up what it needs, measures, takes it down."""


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed; nan when there are none."""
    if not values:
        return float("nan")
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, -(-int(len(ranked) * share * 1000) // 1000) - 1))]
