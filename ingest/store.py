"""Typed functions over ingest/queries.sql. Rows travel as one JSON text for a statement, a fifth of what they
cost as arrays; events, of which there are most, as a binary COPY (docs/performance.md)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import structs
from psycopg.rows import DictRow

from db.copy import HEADER, TRAILER, bigint, boolean, jsonb, name, text, timestamp
from db.copy import row as copy_row
from db.pool import Connection, execute, fetch_all, fetch_one
from db.sql import Queries
from db.wake import LIVE
from gateway.codec import Rejected
from gateway.model import Command
from ingest.facts import EventRow, Fact
from ingest.hearing import Gap, HubRow, KnownHub, StatusRow
from ingest.sequence import Followed
from ingest.turns import GiveWay, shares

_Q = Queries("ingest")
_encoder = msgspec.json.Encoder()

FEW = 10
"""Events up to which one statement claims and stores them: a press waits for each way to the database."""

Key = tuple[str, str]
"""Hub id and event id."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Something rejected, as it is kept."""

    topic: str
    hub: str | None
    received_at: datetime
    rejected: Rejected

    @property
    def digest(self) -> bytes:
        """Sixteen bytes that tell the same thing, rejected for the same reason, from any other."""
        summary = blake2b(self.rejected.reason.encode(), digest_size=16)
        summary.update(b"\0" + self.rejected.payload)
        return summary.digest()


@dataclass(frozen=True, slots=True)
class KeptAs:
    """The row of something rejected; `is_new`: it was not there before."""

    id: int
    is_new: bool


def _json(rows: Iterable[Any]) -> str:
    return _encoder.encode(list(rows)).decode()


async def homes_of_hubs(conn: Connection, ids: Collection[str]) -> dict[str, str | None]:
    """Those of the hubs that the estate knows, each with its dwelling; a scheme's hub has none."""
    rows = await fetch_all(conn, _Q["homes_of_hubs"], ids=sorted(ids))
    return {row["id"]: row["dwelling_id"] for row in rows}


async def lock_hubs(conn: Connection, ids: Collection[str]) -> None:
    """Locks those of the hubs that the estate knows until the transaction ends."""
    await execute(conn, _Q["lock_hubs"], ids=sorted(ids))


async def tell_and_lock(
    conn: Connection, news: Sequence[Fact], at: datetime, ids: Collection[str]
) -> dict[str, KnownHub]:
    """Puts events on the live stream, and locks those of the hubs that the estate knows, in one go."""
    async with conn.pipeline():
        await tell(conn, news, [], at)
        locked = await conn.execute(_Q["lock_hubs"], {"ids": sorted(ids)})
    return {row["id"]: KnownHub(**row) for row in await locked.fetchall()}


async def update_hubs(conn: Connection, rows: Sequence[HubRow]) -> None:
    """Writes what a batch says of its hubs."""
    await execute(conn, _Q["update_hubs"], rows=_json(rows))


async def known_boots(conn: Connection, hubs: Collection[str]) -> dict[str, set[str]]:
    """The boots of these hubs that were heard before."""
    boots: dict[str, set[str]] = {}
    for row in await fetch_all(conn, _Q["known_boots"], hubs=sorted(hubs)):
        boots.setdefault(row["hub_id"], set()).add(row["boot"])
    return boots


async def note_sequences(conn: Connection, followed: Mapping[str, Followed], now: datetime) -> None:
    """Notes boots that began, numbers that were passed over, and those of them that have come now."""
    passed: dict[Key, list[str]] = {}
    late: dict[Key, list[str]] = {}
    for hub, one in sorted(followed.items()):
        for boot in one.begun:
            passed.setdefault((hub, boot), [])
        for gap in one.passed:
            passed.setdefault((hub, gap.boot), []).append(f"[{gap.first},{gap.last}]")
        for boot, seq in one.late:
            late.setdefault((hub, boot), []).append(f"[{seq},{seq}]")
    if passed:
        await execute(conn, _Q["note_passed"], rows=_ranges("passed", passed), now=now)
    if late:
        await execute(conn, _Q["note_late"], rows=_ranges("late", late))


def _ranges(column: str, of: Mapping[Key, Sequence[str]]) -> str:
    return _json(
        {"hub_id": hub, "boot": boot, column: "{" + ",".join(some) + "}"} for (hub, boot), some in of.items()
    )


async def insert_gaps(conn: Connection, gaps: Iterable[tuple[str, Gap]]) -> None:
    """Keeps gaps in hearing; one that is kept already is left alone."""
    rows = [{"hub_id": hub, "heard_from": gap.heard_from, "heard_to": gap.heard_to} for hub, gap in gaps]
    await execute(conn, _Q["insert_gaps"], rows=_json(rows))


async def insert_statuses(conn: Connection, rows: Sequence[StatusRow]) -> None:
    """Keeps statuses as they came."""
    await execute(conn, _Q["insert_statuses"], rows=_json(rows))


class _Claim(msgspec.Struct, frozen=True, gc=False):
    hub_id: str
    event_id: str
    received_at: datetime
    digest: bytes


async def store_events(
    conn: Connection, facts: Mapping[Key, Fact], homes: Mapping[str, str | None], give_way: GiveWay
) -> list[Fact]:
    """Claims the receipt of each fact and stores those that nobody had claimed before; returns these.

    `homes` are the dwellings of their hubs.
    """
    if len(facts) <= FEW:
        few = [
            {
                **structs.asdict(one.row),
                "data": msgspec.Raw(one.row.data),
                "dwelling_id": homes[one.row.hub_id],
            }
            for one in facts.values()
        ]
        return _less(facts, await fetch_all(conn, _Q["claim_and_store"], rows=_json(few)))
    claims = [_Claim(hub, id_, one.row.received_at, one.row.digest) for (hub, id_), one in facts.items()]
    fresh = _less(facts, await fetch_all(conn, _Q["claim_receipts"], rows=_json(claims)))
    if fresh:
        await _copy_events(conn, fresh, homes, give_way)
    return fresh


def _less(facts: Mapping[Key, Fact], claimed_before: Sequence[DictRow]) -> list[Fact]:
    old = {(row["hub_id"], row["event_id"]) for row in claimed_before}
    return [one for key, one in facts.items() if key not in old]


async def _copy_events(
    conn: Connection, facts: Sequence[Fact], homes: Mapping[str, str | None], give_way: GiveWay
) -> None:
    # All is made before the statement begins: a copy of us that is frozen in the middle of it would keep its
    # connection, because the database then waits for the rest without limit.
    pieces = [HEADER]
    async for share in shares(facts, give_way):
        pieces += [_event(one.row, homes[one.row.hub_id]) for one in share]
    rows = b"".join([*pieces, TRAILER])
    async with conn.cursor() as cursor, cursor.copy(_Q["copy_events"]) as copy:
        await copy.write(rows)


def _event(row: EventRow, dwelling_id: str | None) -> bytes:
    """A row of `event`, its fields in the order of the statement `copy_events`."""
    at = timestamp(row.at)
    return copy_row(
        timestamp(row.received_at),
        name(row.hub_id),
        text(row.id),
        name(row.type),
        at,
        at if row.effective_at is row.at else timestamp(row.effective_at),
        boolean(row.clock_suspect),
        name(dwelling_id),
        name(row.device),
        bigint(row.seq),
        name(row.boot),
        text(row.credential),
        jsonb(row.data),
    )


async def stored_digests(conn: Connection, keys: Iterable[Key]) -> dict[Key, bytes]:
    """What stands stored under these keys."""
    wanted = _json({"hub_id": hub, "event_id": event} for hub, event in keys)
    rows = await fetch_all(conn, _Q["stored_digests"], keys=wanted)
    return {(row["hub_id"], row["event_id"]): bytes(row["digest"]) for row in rows}


async def keep_rejected(conn: Connection, kept: Sequence[Kept]) -> list[KeptAs]:
    """Keeps what was rejected and returns the row of each, in order.

    The same thing twice in one batch is one row, and new for its first occurrence only.
    """
    by_key: dict[tuple[str, bytes], Kept] = {}
    for one in kept:
        by_key.setdefault((one.topic, one.digest), one)
    rows = [
        {
            "received_at": one.received_at,
            "topic": one.topic,
            "hub_id": one.hub,
            "event_id": one.rejected.id,
            "reason": one.rejected.reason,
            "looks_like_alarm": one.rejected.looks_like_alarm,
            "payload": one.rejected.payload,
            "digest": digest,
        }
        for (_, digest), one in by_key.items()
    ]
    found = await fetch_all(conn, _Q["keep_rejected"], rows=_json(rows))
    places = {(row["topic"], bytes(row["digest"])): (row["id"], row["seen"] == 1) for row in found}
    result: list[KeptAs] = []
    for one in kept:
        key = (one.topic, one.digest)
        place, is_new = places[key]
        result.append(KeptAs(place, is_new))
        places[key] = (place, False)
    return result


async def tell(
    conn: Connection, events: Sequence[Fact], hubs: Sequence[tuple[str, bool]], at: datetime
) -> None:
    """Puts events, and hubs that came or went, on the live stream of those who may be told."""
    if events:
        rows = [
            {
                "hub_id": one.row.hub_id,
                "id": one.row.id,
                "type": one.row.type,
                "credential": one.row.credential,
            }
            for one in events
        ]
        await execute(conn, _Q["tell_of_events"], rows=_json(rows), at=at, channel=LIVE)
    if hubs:
        shown = [{"id": hub, "online": online} for hub, online in hubs]
        await execute(conn, _Q["tell_of_hubs"], rows=_json(shown), at=at, channel=LIVE)


async def finish_commands(conn: Connection, facts: Iterable[Fact]) -> None:
    """Writes what hubs say became of commands, from `command.done` and `command.refused`."""
    rows = []
    for one in facts:
        data = one.event.data
        if isinstance(data.get("command_id"), str):
            reason = data.get("reason")
            rows.append(
                {
                    "hub_id": one.row.hub_id,
                    "command_id": data["command_id"],
                    "state": one.row.type.removeprefix("command."),
                    "at": one.row.effective_at,
                    "reason": reason if isinstance(reason, str) else None,
                }
            )
    if rows:
        await execute(conn, _Q["finish_commands"], rows=_json(rows))


async def claim_commands(conn: Connection, now: datetime, limit: int) -> list[tuple[str, Command]]:
    """Commands that are to go out, each with its hub, locked until the transaction ends."""
    rows = await fetch_all(conn, _Q["claim_commands"], now=now, limit=limit)
    return [
        (
            row["hub_id"],
            Command(
                id=row["id"],
                type=row["type"],
                issued_at=row["issued_at"],
                expires_at=row["expires_at"],
                data=row["data"],
            ),
        )
        for row in rows
    ]


async def mark_commands_sent(conn: Connection, ids: Sequence[str], now: datetime) -> None:
    """These were handed to the broker."""
    await execute(conn, _Q["mark_commands_sent"], ids=list(ids), now=now)


async def expire_commands(conn: Connection, now: datetime) -> int:
    """Ends the commands that nobody obeyed in time; returns how many."""
    return await execute(conn, _Q["expire_commands"], now=now)


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A rejected thing, as it is tried again."""

    id: int
    received_at: datetime
    topic: str
    reason: str
    payload: bytes


class Outcome(msgspec.Struct, frozen=True):
    """What became of a rejected row that was tried again; one that was not taken in stays open."""

    id: int
    taken_in: bool
    result: str


async def claim_rejected(conn: Connection, ids: Sequence[int] | None, after: int) -> RejectedRow | None:
    """The next rejected row past `after`, locked: of those named, or with None of all that are open."""
    wanted = None if ids is None else list(ids)
    row = await fetch_one(conn, _Q["claim_rejected"], ids=wanted, after=after)
    return None if row is None else RejectedRow(**{**row, "payload": bytes(row["payload"])})


async def waiting_for_their_hub(conn: Connection, reason: str, limit: int) -> list[int]:
    """Rejected rows whose hub was unknown and is known now."""
    rows = await fetch_all(conn, _Q["waiting_for_their_hub"], reason=reason, limit=limit)
    return [row["id"] for row in rows]


async def mark_replayed(conn: Connection, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Writes what became of rejected rows."""
    await execute(conn, _Q["mark_replayed"], rows=_json(outcomes), now=now)


async def list_rejected(conn: Connection, *, everything: bool, limit: int) -> list[dict[str, Any]]:
    """What was kept as rejected, newest first, without its payload: that may hold a PIN."""
    return await fetch_all(conn, _Q["list_rejected"], all=everything, limit=limit)
