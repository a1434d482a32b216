"""A place in the feed: what was read ahead comes once, what is settled is left behind."""

from typing import Any

from api.tail import LAST_ID, Tail
from db.feed import Cursor


class Feed:
    """Rows as a statement would give them: those committed, and the oldest transaction still running."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int]] = []
        self.edge = 1

    async def execute(self, statement: str, values: dict[str, Any]) -> "Feed":
        """Keeps what was asked."""
        self.asked = values
        return self

    async def fetchall(self) -> list[dict[str, Any]]:
        """The rows after the place that was asked for, less those read ahead."""
        place = (self.asked["xid"], self.asked["id"])
        found = sorted(row for row in self.rows if row > place and row[1] not in self.asked["ahead"])
        shown = found[: self.asked["limit"]]
        if not shown:
            return [{"edge": self.edge, "xid": None, "id": None}]
        return [{"edge": self.edge, "xid": xid, "id": row} for xid, row in shown]

    async def read(self, tail: Tail, limit: int = 10) -> list[tuple[int, str]]:
        """What a look brings: the row, and where its reader may go on."""
        told = await tail.read(self, "", limit)  # type: ignore[arg-type]
        return [(row["id"], str(place)) for place, row in told]


async def test_rows_before_the_oldest_running_transaction_are_places_of_their_own() -> None:
    """Nothing can appear before them any more, so a reader may go on from each."""
    feed, tail = Feed(), Tail(Cursor(0, 0))
    feed.rows, feed.edge = [(5, 1), (6, 2)], 7
    assert await feed.read(tail) == [(1, "5-1"), (2, "6-2")]
    assert tail.settled == Cursor(6, LAST_ID)
    assert await feed.read(tail) == []


async def test_a_row_beyond_it_comes_at_once_and_once_and_its_place_lies_before_what_may_yet_come() -> None:
    """What overtakes a slow transaction is told now; whoever goes on from there still hears the slow one."""
    feed, tail = Feed(), Tail(Cursor(4, LAST_ID))
    feed.rows, feed.edge = [(9, 3)], 5  # transaction 5 is still running
    assert await feed.read(tail) == [(3, f"4-{LAST_ID}")]
    assert await feed.read(tail) == []
    feed.rows.append((5, 2))
    feed.edge = 10
    assert await feed.read(tail) == [(2, "5-2")]
    assert tail.settled == Cursor(9, LAST_ID)
    assert tail.ahead == {}


async def test_a_full_batch_settles_no_further_than_what_it_held() -> None:
    """With more rows than one look takes, the next goes on behind the last, and none is skipped."""
    feed, tail = Feed(), Tail(Cursor(0, 0))
    feed.rows, feed.edge = [(number, number) for number in range(1, 8)], 100
    seen: list[int] = []
    while rows := await feed.read(tail, limit=3):
        seen += [row for row, _ in rows]
    assert seen == [1, 2, 3, 4, 5, 6, 7]
