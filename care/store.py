"""What a sweep writes, each for a whole batch at once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from care.estate_store import Q
from care.evidence import Evidence
from care.model import Version
from care.reconcile import PLANNED, Correction, Stored, verdict_of
from care.turns import in_turns
from db.copy import HEADER, NULL, TRAILER, integer, name, names, text, timestamp
from db.copy import row as copy_row
from db.feed import News, append_all
from db.pool import Connection, execute, fetch_all, fetch_tuples

WHO_SEES_VISITS = ("care_manager", "operator", "administrator")
"""Roles to which the live stream tells of visits: a landlord is told of alerts, and of no roster."""

_json = msgspec.json.Encoder()


def _rows(rows: Sequence[Mapping[str, Any]]) -> str:
    return _json.encode(rows).decode()


async def standing_of(conn: Connection, refs: Sequence[str]) -> dict[str, Stored]:
    """What stands of each visit: its last verdict, and the alerts that were raised."""
    alerts: defaultdict[str, dict[tuple[str, datetime], bool]] = defaultdict(dict)
    for row in await fetch_all(conn, Q["alerts_of"], refs=list(refs)):
        alerts[row["visit_ref"]][row["kind"], row["raised_at"]] = row["stood_down_at"] is not None
    verdicts = await fetch_tuples(conn, Q["standing_verdicts"], refs=list(refs))
    return {
        ref: Stored(version, verdict_of(concluded) if version else PLANNED, alerts.get(ref, {}))
        for ref, version, *concluded in verdicts
    }


async def write_conclusions(
    conn: Connection, corrections: Iterable[Correction], organisations: Mapping[str, list[str]], now: datetime
) -> None:
    """Appends versions of verdicts, brings the visits' rows in line, and tells the live stream.

    `organisations`: by visit, who may be told of it.
    """
    versions = [HEADER]
    concluded: list[dict[str, Any]] = []
    unchanged: list[dict[str, Any]] = []
    news: list[News] = []
    noticed_at = timestamp(now)
    async for each in in_turns(corrections):
        ref = each.history.visit.ref
        judged = {"visit_ref": ref, "next_check_at": each.history.next_check_at}
        if not each.concludes:
            unchanged.append(judged)
            continue
        concluded.append(judged)
        versions += [
            _row(ref, number, version, noticed_at)
            for number, version in enumerate(each.versions, start=each.first)
        ]
        told = {"visit_ref": ref, "state": each.versions[-1].verdict.state.value}
        news.append(News("visit", organisations[ref], told, WHO_SEES_VISITS))
    if concluded:
        rows = b"".join([*versions, TRAILER])
        async with conn.cursor() as cursor, cursor.copy(Q["copy_verdicts"]) as copy:
            await copy.write(rows)
        await execute(conn, Q["conclude_visits"], rows=_rows(concluded))
        await append_all(conn, news, now)
    if unchanged:
        await execute(conn, Q["look_again"], rows=_rows(unchanged))


def _row(ref: str, number: int, version: Version, noticed_at: bytes) -> bytes:
    """A row of `verdict`, its fields in the order of the statement `copy_verdicts`."""
    said = version.verdict
    return copy_row(
        text(ref),
        integer(number),
        timestamp(version.at),
        noticed_at,
        name(said.state),
        name(said.attendance),
        name(said.timeliness),
        name(said.duration),
        name(said.verification),
        NULL if said.arrived_at is None else timestamp(said.arrived_at),
        NULL if said.departed_at is None else timestamp(said.departed_at),
        names(said.carers),
        text(said.reason),
    )


async def link_evidence(conn: Connection, links: Iterable[tuple[str, Evidence]]) -> None:
    """Writes which events speak of which visit."""
    rows = {
        (ref, piece.event.hub_id, piece.event.event_id): {
            "visit_ref": ref,
            "hub_id": piece.event.hub_id,
            "event_id": piece.event.event_id,
            "type": piece.event.type,
            "strength": piece.strength.name.lower(),
            "carer_id": piece.carer.id if piece.carer else None,
            "effective_at": piece.event.effective_at,
            "received_at": piece.event.received_at,
        }
        for ref, piece in links
    }
    if rows:
        await execute(conn, Q["link_evidence"], rows=_rows(list(rows.values())))


async def ask_recheck(
    conn: Connection, spans: Sequence[tuple[str, datetime, datetime]], now: datetime
) -> None:
    """Has judged again the visits of residents that touch a time of each, because their plan has changed, and
    the homes behind the same shared doors with them."""
    if not spans:
        return
    arguments = {
        "residents": [resident for resident, _, _ in spans],
        "froms": [begins for _, begins, _ in spans],
        "untils": [ends for _, _, ends in spans],
        "now": now,
    }
    await execute(conn, Q["ask_recheck"], **arguments)
    await execute(conn, Q["ask_neighbours"], **arguments)
