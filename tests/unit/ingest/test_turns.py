"""Work in shares, and whom it lets go first."""

import asyncio

from ingest.turns import shares


async def test_others_have_their_turn_between_two_shares_and_only_there() -> None:
    """Everything comes once and in order; what is one share, a press above all, waits for nobody."""
    turns = 0

    async def give_way() -> None:
        nonlocal turns
        turns += 1
        await asyncio.sleep(0)

    for number, expected in ((0, []), (2, [2]), (5, [2, 2, 1])):
        turns = 0
        some = [list(share) async for share in shares(range(number), give_way, 2)]
        assert [len(share) for share in some] == expected
        assert [one for share in some for one in share] == list(range(number))
        assert turns == max(0, len(expected) - 1)
