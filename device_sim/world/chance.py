"""Chance that is the same everywhere: one generator for each entity, seeded by its name."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """Draws of one entity. Only `random()` of the Mersenne twister is used, whose values Python promises to
    keep, and only sums and products of it, which every machine rounds alike."""

    def __init__(self, *names: object) -> None:
        # A text seeds through SHA-512, the same in every process; a hash() would not be.
        self._random = random.Random("/".join(str(name) for name in names))

    def share(self) -> float:
        """A number from 0 up to 1."""
        return self._random.random()

    def happens(self, share: float) -> bool:
        """Whether something of this likelihood happens. Always draws once."""
        return self._random.random() < share

    def within(self, bounds: tuple[float, float]) -> float:
        """A number between two others, all alike likely."""
        return bounds[0] + (bounds[1] - bounds[0]) * self._random.random()

    def whole(self, bounds: tuple[int, int]) -> int:
        """A whole number between two others, both included."""
        return bounds[0] + int((bounds[1] - bounds[0] + 1) * self._random.random())

    def minutes(self, bounds: tuple[float, float]) -> timedelta:
        """A length between two numbers of minutes, in whole seconds."""
        return timedelta(seconds=int(self.within(bounds) * 60))

    def pick(self, weighted: Sequence[tuple[T, float]]) -> T:
        """One of several, by weight. The weights need not add up to one."""
        left = self._random.random() * sum(weight for _, weight in weighted)
        for value, weight in weighted:
            left -= weight
            if left < 0:
                return value
        return weighted[-1][0]
