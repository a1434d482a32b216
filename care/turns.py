"""Long work in short pieces: a sweep shares its process with a live alarm's way to a console."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

T = TypeVar("T")

PIECE = 0.003
"""Seconds of work before all else in this process gets its turn: nobody notices so short a wait."""


async def in_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """The items one by one. Whenever what is done with them has taken its piece of time, others go first."""
    begun = time.perf_counter()
    for item in items:
        yield item
        if time.perf_counter() - begun > PIECE:
            await asyncio.sleep(0)
            begun = time.perf_counter()
