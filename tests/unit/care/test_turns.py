"""Long work leaves the loop to others."""

import asyncio

import pytest

from care import turns
from care.turns import in_turns


async def test_others_get_their_turn_between_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """When a piece of time is over, whatever else waits in this process goes first."""
    monkeypatch.setattr(turns, "PIECE", -1.0)  # every item takes longer than that
    seen: list[str] = []

    async def others() -> None:
        for _ in range(3):
            seen.append("other")
            await asyncio.sleep(0)

    waiting = asyncio.create_task(others())
    async for item in in_turns(["a", "b", "c"]):
        seen.append(item)
    await waiting

    assert seen == ["a", "other", "b", "other", "c", "other"]


async def test_short_work_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a piece of time nobody is asked: a turn costs more than a small item."""
    monkeypatch.setattr(turns, "PIECE", 60.0)
    seen: list[str] = []

    async def others() -> None:
        seen.append("other")

    waiting = asyncio.create_task(others())
    async for item in in_turns(["a", "b"]):
        seen.append(item)
    await waiting

    assert seen == ["a", "b", "other"]
