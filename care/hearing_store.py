"""When hubs were heard, from the tables that intake keeps (domain/visits.md §6, "Could the home speak?")."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from care.estate_store import Q, grouped
from care.hearing import queued_of
from care.model import Hearing, Interval, QueueWord
from db.pool import Connection, fetch_all


async def hearings_of(
    conn: Connection, froms: Mapping[str, datetime], known: Mapping[str, Hearing], until: datetime
) -> dict[str, Hearing]:
    """What was heard of each hub in `froms` from that moment on: gaps, offline spells, words on the queue."""
    if not froms:
        return {}
    names, since = list(froms), list(froms.values())
    gaps = grouped(await fetch_all(conn, Q["gaps_of"], hubs=names, froms=since, until=until), "hub_id")
    offline = grouped(
        await fetch_all(conn, Q["offline_spells"], hubs=names, froms=since, until=until), "hub_id"
    )
    said = await fetch_all(conn, Q["queue_words"], hubs=names, froms=since, since=min(since), until=until)
    words = grouped(said, "hub_id")
    return {
        name: replace(
            known[name],
            gaps=tuple(Interval(gap["heard_from"], gap["heard_to"]) for gap in gaps[name]),
            offline=tuple(Interval(spell["received_at"], spell["heard_at"]) for spell in offline[name]),
            queue_words=tuple(
                QueueWord(word["received_at"], queued)
                for word in words[name]
                if (queued := queued_of(word["queued"])) is not None
            ),
        )
        for name in names
    }
