"""One batch, one transaction: receipts, events, what hubs said, alerts, evidence, and what was rejected.

Takes the caller's transaction and `now`, and never commits. Only after the commit may anything be
acknowledged or receipted (DESIGN, promise 1).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import alerts.service
import care.service
from care.model import HomeEvent
from db.pool import Connection
from gateway.codec import ALARM_PREFIX, Reason, Rejected, encode_event, refuse_events
from gateway.model import Event
from ingest import adapted, store
from ingest.facts import Fact, concerns_alerts, concerns_care, fact, home_event, signal
from ingest.hearing import HEARTBEAT
from ingest.hubs import record_hubs
from ingest.model import Arrival, Recorded
from ingest.store import Kept
from ingest.turns import GiveWay, next_turn, shares

TECHNICAL_PREFIX = "technical."
COMMAND_RESULTS = frozenset({"command.done", "command.refused"})


async def record(
    conn: Connection, arrivals: Sequence[Arrival], now: datetime, give_way: GiveWay = next_turn
) -> Recorded:
    """Records a batch in the order of its arrivals, and returns what its hubs may be told once it commits.

    `give_way` is awaited now and then until the batch's hubs are locked: then a press of one may wait for us.

    Raises psycopg.Error; then nothing of the batch was recorded.
    """
    if _needs_its_hubs_first(arrivals):
        give_way = next_turn  # a press of one of these hubs would be waiting for us
        await store.lock_hubs(conn, hubs_of(arrivals))
        arrivals = await adapted.resolve(conn, arrivals)
    homes = await store.homes_of_hubs(conn, hubs_of(arrivals))
    recorded = Recorded()
    fresh, kept = await _record_events(conn, arrivals, homes, recorded, now, give_way)
    # Hubs come late: until the commit their rows are held, and a press of the same home may be waiting.
    await record_hubs(conn, arrivals, homes, fresh, now, give_way)
    await _record_rejected(conn, [*kept, *_rejected_of(arrivals, homes)], arrivals, homes, recorded, now)
    for arrival in arrivals:
        if arrival.adapted is not None and arrival.hub is not None:
            recorded.answers.pop(arrival.hub, None)  # another maker's bridge knows of no receipts
    return recorded


async def keep(conn: Connection, arrival: Arrival) -> Recorded:
    """Only keeps what of a message was rejected, and asks nobody about it."""
    recorded = Recorded()
    kept = [Kept(arrival.topic, arrival.hub, arrival.received_at, piece) for piece in arrival.rejected]
    await store.keep_rejected(conn, kept)
    _answer_rejected(kept, recorded)
    return recorded


def _answer_rejected(kept: Sequence[Kept], recorded: Recorded) -> None:
    for one in kept:
        recorded.rejected[one.rejected.reason] = recorded.rejected.get(one.rejected.reason, 0) + 1
        if one.hub is not None and one.rejected.id is not None:
            recorded.answer(one.hub).refused[one.rejected.id] = one.rejected.reason


def _needs_its_hubs_first(arrivals: Sequence[Arrival]) -> bool:
    """Whether a batch must hold its hubs before all else, as sweeps do that look at hubs and then at faults.

    What is news of an adapted message rests on a device's last values, which nobody else may learn meanwhile.
    """
    return any(
        arrival.adapted is not None
        or any(event.type.startswith(TECHNICAL_PREFIX) for event in arrival.events)
        for arrival in arrivals
    )


def hubs_of(arrivals: Sequence[Arrival]) -> set[str]:
    """The hubs of which these messages speak."""
    hubs = {arrival.hub for arrival in arrivals if arrival.hub is not None}
    return hubs.union(*(arrival.adapted.hubs for arrival in arrivals if arrival.adapted is not None))


async def _record_events(
    conn: Connection,
    arrivals: Sequence[Arrival],
    homes: Mapping[str, str | None],
    recorded: Recorded,
    now: datetime,
    give_way: GiveWay,
) -> tuple[list[Fact], list[Kept]]:
    """Stores the events of known hubs and hands the new ones on; returns those, and ids used twice."""
    facts: dict[tuple[str, str], Fact] = {}
    again: list[tuple[Arrival, Fact]] = []
    source: dict[tuple[str, str], Arrival] = {}
    async for share in shares(arrivals, give_way):
        for arrival in share:
            hub = arrival.hub
            if hub is None or hub not in homes:
                continue
            for event in arrival.events:
                one = fact(hub, event, arrival.received_at)
                recorded.answer(hub).stored[event.id] = None
                key = (hub, event.id)
                if key in facts:
                    again.append((arrival, one))
                else:
                    facts[key] = one
                    source[key] = arrival
    if not facts:
        return [], []
    fresh = await store.store_events(conn, facts, homes, give_way)
    if fresh:
        await _hand_on(conn, fresh, now, give_way)
    if len(fresh) < len(facts):
        new = {one.key for one in fresh}
        again += [(source[key], one) for key, one in facts.items() if key not in new]
    recorded.stored += len(fresh)
    recorded.repeated += len(again)
    return fresh, await _used_twice(conn, again)


async def _hand_on(conn: Connection, fresh: Sequence[Fact], now: datetime, give_way: GiveWay) -> None:
    """What is new goes to those who decide on it."""
    signals = [
        signal(one.row.hub_id, one.event, one.row.received_at, known_hub=True)
        for one in fresh
        if concerns_alerts(one.row.type)
    ]
    if signals:
        await alerts.service.handle_signals(conn, signals, now)
    # Of heartbeats care learns only which hubs spoke: the last of each tells it.
    beats = {one.row.hub_id: place for place, one in enumerate(fresh) if one.row.type == HEARTBEAT}
    concerned = [
        (place, one)
        for place, one in enumerate(fresh)
        if (beats[one.row.hub_id] == place if one.row.type == HEARTBEAT else concerns_care(one.row.type))
    ]
    evidence: list[HomeEvent] = []
    async for share in shares(concerned, give_way):
        evidence += [
            home_event(one.row.hub_id, one.event, one.row.received_at, place) for place, one in share
        ]
    if evidence:
        await care.service.handle_events(conn, evidence, now)
    results = [one for one in fresh if one.row.type in COMMAND_RESULTS]
    if results:
        await store.finish_commands(conn, results)


async def _used_twice(conn: Connection, again: Sequence[tuple[Arrival, Fact]]) -> list[Kept]:
    """Of events whose id is stored already: those that differ from it in more than their `at`.

    The first stands, and the hub gets its receipt. But a hub that counts from one again after a reset gives
    a new cry for help an old id: so it is kept, and one that looks like an alarm reaches an operator.
    """
    if not again:
        return []
    stored = await store.stored_digests(conn, {one.key for _, one in again})
    return [
        Kept(
            arrival.topic,
            one.row.hub_id,
            arrival.received_at,
            Rejected(Reason.ID_USED_TWICE, None, one.row.id, one.row.type, encode_event(one.event)),
        )
        for arrival, one in again
        if stored.get(one.key, one.row.digest) != one.row.digest
    ]


def _rejected_of(arrivals: Sequence[Arrival], known: Collection[str]) -> list[Kept]:
    """What of these messages cannot be accepted: faulty pieces, and all that an unknown hub says."""
    kept: list[Kept] = []
    for arrival in arrivals:
        if arrival.hub is None or arrival.hub in known:
            pieces = arrival.rejected
        elif arrival.status is not None:
            pieces = (Rejected(Reason.UNKNOWN_HUB, None, None, None, arrival.payload),)
        elif arrival.events:
            pieces = refuse_events(arrival.payload, Reason.UNKNOWN_HUB)
        else:
            pieces = arrival.rejected
        kept += [Kept(arrival.topic, arrival.hub, arrival.received_at, piece) for piece in pieces]
    return kept


async def _record_rejected(
    conn: Connection,
    kept: Sequence[Kept],
    arrivals: Sequence[Arrival],
    known: Collection[str],
    recorded: Recorded,
    now: datetime,
) -> None:
    if not kept:
        return
    places = await store.keep_rejected(conn, kept)
    _answer_rejected(kept, recorded)
    strangers = _events_of_strangers(arrivals, known)
    calls = []
    for one, place in zip(kept, places, strict=True):
        piece = one.rejected
        if not place.is_new or not piece.looks_like_alarm or piece.reason is Reason.RETAINED:
            continue
        event = strangers.get((one.hub, piece.id)) if piece.reason is Reason.UNKNOWN_HUB else None
        if event is not None and one.hub is not None:
            calls.append(signal(one.hub, event, one.received_at, known_hub=False))
        else:
            await alerts.service.handle_unreadable(
                conn, place.id, one.hub, one.topic, piece.reason, one.received_at, now
            )
    if calls:
        await alerts.service.handle_signals(conn, calls, now)


def _events_of_strangers(
    arrivals: Sequence[Arrival], known: Collection[str]
) -> dict[tuple[str | None, str | None], Event]:
    """The alarms that hubs outside the estate sent, readable though not theirs to send."""
    return {
        (arrival.hub, event.id): event
        for arrival in arrivals
        if arrival.hub not in known
        for event in arrival.events
        if event.type.startswith(ALARM_PREFIX)
    }
