"""Work on many things in shares, between which others in this process get their turn.

A press has a dozen questions to the database, and would wait for whoever keeps the loop after each of them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, TypeVar

GiveWay = Callable[[], Awaitable[None]]

SHARE: Final = 50
"""Messages, events or hubs worked on at a stretch: half a millisecond or one."""

T = TypeVar("T")


async def next_turn() -> None:
    """Lets others in this process have their turn."""
    await asyncio.sleep(0)


async def shares(items: Sequence[T], give_way: GiveWay, size: int = SHARE) -> AsyncIterator[Sequence[T]]:
    """The items, so many at a time; `give_way` is awaited between them."""
    for first in range(0, len(items), size):
        if first:
            await give_way()
        yield items[first : first + size]
