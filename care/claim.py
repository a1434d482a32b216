"""What a sweep takes in hand: residents with something due, and residents of whom something was learned.

A resident's row is the lock on all of their visits: every writer of verdicts holds it, sweeps skip the ones
that are held, and so no two ever judge the same visits at once or wait for each other.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from care.estate_store import Q
from care.listening import Heard, Intake, heard_until
from db.pool import Connection, execute, fetch_all, fetch_one, fetch_tuples

_TOGETHER = timedelta(days=5)
"""What began within so long and is due is judged with what is claimed of the same resident: after an outage
nobody's home is gathered once for each visit. Longer than a verdict takes to settle."""


@dataclass(slots=True)
class Wanted:
    """What is to be judged of one resident: visits due by time with their start and end, times of which
    something was learned, and visits on which a person has spoken."""

    due: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    learned: list[tuple[datetime, datetime]] = field(default_factory=list)
    spoken: set[str] = field(default_factory=set)

    @property
    def count(self) -> int:
        """How many rows were taken."""
        return len(self.due) + len(self.learned) + len(self.spoken)


@dataclass(frozen=True, slots=True)
class Moments:
    """Until when what was received counts: `due` for what fell due, `learned` for what was learned."""

    now: datetime
    due: datetime
    learned: datetime


def moments(heard: Heard, now: datetime) -> Moments:
    """While intake is away or behind, everything but a person's word waits for it."""
    return Moments(now, due=heard.until, learned=heard.until if heard.waits(now) else now)


async def intake_heard(conn: Connection, now: datetime) -> Heard:
    """Until when our own intake has heard everything."""
    row = await fetch_one(conn, Q["intake_state"])
    return heard_until(None if row is None else Intake(**row), now)


async def claim(conn: Connection, at: Moments, limit: int) -> dict[str, Wanted]:
    """Takes up to `limit` due visits and as many things learned, with what else is due of those residents."""
    due = await fetch_tuples(conn, Q["claim_due"], until=at.due, limit=limit)
    learned = await fetch_tuples(conn, Q["claim_rechecks"], until=at.learned, now=at.now, limit=limit)
    residents = {resident for resident, _, _ in due}.union(resident for (resident,) in learned)
    return await take(conn, sorted(residents), {ref: start_at for _, ref, start_at in due}, at)


async def hold(conn: Connection, residents: list[str]) -> None:
    """Waits for these residents and holds them, in the order of their ids."""
    await execute(conn, Q["lock_residents"], ids=residents)


async def take(
    conn: Connection, residents: list[str], claimed: Mapping[str, datetime], at: Moments
) -> dict[str, Wanted]:
    """What there is to be judged of residents who are held: of the visits that were `claimed`, each with its
    start, what is still due, and of the others what began in the last days."""
    if not residents:
        return {}
    wanted: defaultdict[str, Wanted] = defaultdict(Wanted)
    # What was learned is taken before anything is read, so that what commits later keeps its row.
    taken = await fetch_all(conn, Q["take_rechecks"], residents=residents, until=at.learned, now=at.now)
    for row in taken:
        each = wanted[row["resident_id"]]
        each.learned.append((row["from_at"], row["until_at"]))
        if row["visit_ref"] is not None:
            each.spoken.add(row["visit_ref"])
    since = at.due - _TOGETHER
    others = [ref for ref, start_at in claimed.items() if not since <= start_at <= at.due]
    due = await fetch_tuples(
        conn, Q["due_visits"], residents=residents, since=since, until=at.due, others=others
    )
    for ref, resident, start_at, end_at in due:
        wanted[resident].due[ref] = start_at, end_at
    return dict(wanted)
