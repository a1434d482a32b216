"""When hubs were heard, from the tables that intake keeps (domain/visits.md §6, "Could the home speak?")."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from psycopg.rows import DictRow

from care.estate_store import Q, grouped
from care.hearing import queued_of
from care.model import Hearing, Interval, QueueWord
from db.pool import Connection, fetch_all


async def hearings_of(
    conn: Connection, froms: Mapping[str, datetime], hubs: Iterable[DictRow], until: datetime
) -> dict[str, Hearing]:
    """What was heard of each hub: its gaps, its offline spells and its words on the queue from the moment in
    `froms` on. Of hubs that are not in `froms` only when they were first and last heard is told."""
    names, since = list(froms), list(froms.values())
    gaps = offline = words = grouped([], "hub_id")
    if names:
        gaps = grouped(await fetch_all(conn, Q["gaps_of"], hubs=names, froms=since, until=until), "hub_id")
        offline = grouped(
            await fetch_all(conn, Q["offline_spells"], hubs=names, froms=since, until=until), "hub_id"
        )
        words = grouped(
            await fetch_all(conn, Q["queue_words"], hubs=names, froms=since, until=until), "hub_id"
        )
    return {
        row["id"]: Hearing(
            row["noun"],
            row["first_heard_at"],
            row["last_heard_at"],
            tuple(Interval(gap["heard_from"], gap["heard_to"]) for gap in gaps[row["id"]]),
            tuple(Interval(spell["received_at"], spell["heard_at"]) for spell in offline[row["id"]]),
            tuple(
                QueueWord(word["received_at"], queued)
                for word in words[row["id"]]
                if (queued := queued_of(word["queued"])) is not None
            ),
        )
        for row in hubs
    }
