"""A reader's place in the feed: nothing is skipped that commits late, and nothing waits for a slow one.

`db.feed.read_after` stops short of the oldest transaction still running, so one long write would hold up
every alarm behind it. A `Tail` reads on past it: it keeps the place before which nothing can appear any more
(`settled`), and remembers which rows beyond it were handed out already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, LiteralString

from db.feed import Cursor
from db.pool import Connection, fetch_all

LAST_ID: Final = 2**63 - 1


@dataclass(slots=True)
class Tail:
    """Where a reader stands. `ahead`: rows beyond `settled` that it has had, with their transaction."""

    settled: Cursor
    ahead: dict[int, int] = field(default_factory=dict)

    async def read(
        self, conn: Connection, statement: LiteralString, limit: int
    ) -> Sequence[tuple[Cursor, Mapping[str, Any]]]:
        """New rows, each with the place from which a reader may go on later without losing any.

        Returns at most `limit` rows; a full batch means that there may be more.
        """
        rows = await fetch_all(
            conn, statement, xid=self.settled.xid, id=self.settled.id, ahead=list(self.ahead), limit=limit
        )
        edge = rows[0]["edge"]
        found = [row for row in rows if row["id"] is not None]
        told = [(self._take(row, edge), row) for row in found]
        if len(found) < limit:
            self._settle(Cursor(edge - 1, LAST_ID))
        return told

    def _take(self, row: Mapping[str, Any], edge: int) -> Cursor:
        place = Cursor(row["xid"], row["id"])
        if row["xid"] < edge:
            self._settle(place)
            return place
        self.ahead[place.id] = place.xid
        return self.settled

    def _settle(self, place: Cursor) -> None:
        if (place.xid, place.id) <= (self.settled.xid, self.settled.id):
            return
        self.settled = place
        self.ahead = {row: xid for row, xid in self.ahead.items() if (xid, row) > (place.xid, place.id)}
