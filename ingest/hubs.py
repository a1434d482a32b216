"""What a batch says of the hubs themselves, written in its transaction: heard, online, counting, clock."""

from collections.abc import Collection, Sequence
from datetime import datetime

import care.service
from db.pool import Connection
from ingest import metrics, store
from ingest.facts import Fact, is_news
from ingest.hearing import Gap, Heard, HubRow, KnownHub, StatusRow, calls_for_a_look, gaps, gather
from ingest.model import Arrival
from ingest.sequence import Followed, boots_to_look_up, follow
from ingest.turns import GiveWay, next_turn, shares


async def record_hubs(
    conn: Connection,
    arrivals: Sequence[Arrival],
    homes: Collection[str],
    fresh: Sequence[Fact],
    now: datetime,
    give_way: GiveWay,
) -> None:
    """Tells of the events that a batch stored (`fresh`), locks its hubs, and writes what it says of them.

    `give_way` is awaited until they are locked: from then on a press of one of them may be waiting for us.
    """
    heard: dict[str, Heard] = {}
    async for share in shares(arrivals, give_way):
        gather(share, heard)
    news = [one for one in fresh if is_news(one.row.type)]
    known = await store.tell_and_lock(conn, news, now, [hub for hub in heard if hub in homes])
    followed = await _follow(conn, known, fresh, now)
    rows: list[HubRow] = []
    found_gaps: list[tuple[str, Gap]] = []
    statuses: list[StatusRow] = []
    flips: list[tuple[str, bool]] = []
    returned: list[str] = []
    async for some in shares(sorted(known), next_turn):
        for hub in some:
            said, before = heard[hub], known[hub]
            said.yield_to(before)
            found = gaps(before.last_heard_at, said.times, before.heartbeat_every)
            found_gaps += [(hub, gap) for gap in found]
            statuses += said.told_anew(before)
            look = calls_for_a_look(before, said, found)
            rows.append(said.row(before, followed.get(hub), now if look else None))
            for sample in said.clock_samples:
                metrics.CLOCK_OFFSET.observe(abs(sample))
            if said.online is not None and said.online is not before.online:
                flips.append((hub, said.online))
            if found or (said.online and before.online is False):
                returned.append(hub)
    async with conn.pipeline():  # sent in one go
        if rows:
            await store.update_hubs(conn, rows)
        if found_gaps:
            await store.insert_gaps(conn, found_gaps)
        if statuses:
            await store.insert_statuses(conn, statuses)
        await store.tell(conn, [], flips, now)
    if returned:
        await care.service.hub_heard(conn, returned, now)


async def _follow(
    conn: Connection, known: dict[str, KnownHub], fresh: Sequence[Fact], now: datetime
) -> dict[str, Followed]:
    """Each hub's counting; nothing is asked of the database while numbers follow one another."""
    said: dict[str, list[tuple[str, int]]] = {}
    for one in fresh:
        if one.row.seq is not None:
            said.setdefault(one.row.hub_id, []).append((one.row.boot or "", one.row.seq))
    strange = [hub for hub, numbers in said.items() if boots_to_look_up(known[hub].boot, numbers)]
    boots = await store.known_boots(conn, strange) if strange else {}
    followed = {
        hub: follow(known[hub].boot, known[hub].last_seq, boots.get(hub, ()), numbers)
        for hub, numbers in said.items()
    }
    irregular = {hub: one for hub, one in followed.items() if not one.is_regular}
    if irregular:
        await store.note_sequences(conn, irregular, now)
        metrics.SEQUENCE.labels("passed").inc(
            sum(gap.last - gap.first + 1 for one in irregular.values() for gap in one.passed)
        )
        metrics.SEQUENCE.labels("late").inc(sum(len(one.late) for one in irregular.values()))
    return followed
