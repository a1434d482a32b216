"""What a sweep costs does not grow with history: its statements go by index (style.md, 9)."""

from datetime import timedelta
from typing import Any

import pytest

from care.estate_store import Q
from db.pool import Connection, fetch_one
from tests.integration.care.world import at

HISTORY = """
INSERT INTO organisation VALUES ('bright', 'care_provider', 'Bright');
INSERT INTO dwelling
SELECT 'd' || i, NULL, 's' || i % 20, 'A', 'Europe/London' FROM generate_series(1, 400) i;
INSERT INTO resident SELECT 'r' || i, 'd' || i, 'N', NULL, NULL, false, '{}' FROM generate_series(1, 400) i;
INSERT INTO hub (id, dwelling_id) SELECT 'h' || i, 'd' || i FROM generate_series(1, 400) i;
INSERT INTO package SELECT 'p' || i, 'r' || i, 'bright', 'essential', NULL FROM generate_series(1, 400) i;
INSERT INTO carer (id, provider_id, name) VALUES ('joy', 'bright', 'Joy');
INSERT INTO credential VALUES ('fob:1', 'joy');
INSERT INTO visit (ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_wall,
                   start_at, end_at, carers_required, plan, source, next_check_at)
SELECT i || '/' || d, 'p' || i, 'r' || i, 'd' || i, 'bright', 'essential', '2026-11-16'::date - d, '08:00',
       '2026-11-16T08:00Z'::timestamptz - d * interval '1 day',
       '2026-11-16T08:30Z'::timestamptz - d * interval '1 day',
       1, 'planned', 'recurrence', CASE WHEN d < 1 THEN '2026-11-16T08:00Z'::timestamptz END
FROM generate_series(1, 400) i, generate_series(0, 100) d;
INSERT INTO event (received_at, hub_id, id, type, at, effective_at, data)
SELECT t, 'h' || i, t::text || n, k, t, t, '{"queued": 0}'
FROM generate_series(1, 400) i,
     unnest(ARRAY['heartbeat', 'heartbeat', 'door.opened']) WITH ORDINALITY AS u (k, n),
     generate_series('2026-11-08T00:00Z'::timestamptz, '2026-11-16T08:00Z', '3 hours') t;
INSERT INTO hub_gap
SELECT 'h' || i, '2026-11-16T08:00Z'::timestamptz - d * interval '1 day',
       '2026-11-16T09:00Z'::timestamptz - d * interval '1 day'
FROM generate_series(1, 400) i, generate_series(0, 50) d;
INSERT INTO recheck (resident_id, from_at, until_at, at) SELECT 'r1', now(), now(), '2026-11-16T08:00Z';
ANALYZE;
"""

HOUR = timedelta(hours=1)
RESIDENTS = ["r1", "r2", "r3"]
REFS = ["1/0", "2/0", "3/0"]
HUBS = ["h1", "h2", "h3"]
SPAN: dict[str, Any] = {"froms": [at(6)] * 3, "untils": [at(9)] * 3}

HOT: dict[str, tuple[dict[str, Any], set[str]]] = {
    "claim_due": ({"until": at(8), "limit": 50}, {"visit"}),
    "due_visits": ({"residents": RESIDENTS, "since": at(6), "until": at(8), "others": REFS}, {"visit"}),
    "conclude_visits": ({"rows": "[]"}, {"visit"}),
    "visits_around": ({"residents": RESIDENTS, **SPAN}, {"visit"}),
    "evidence_of": (
        {"hubs": HUBS, "froms": [at(7)] * 3, "reach": HOUR, "since": at(6), "until": at(9)},
        {"event"},
    ),
    "queue_words": ({"hubs": HUBS, "froms": [at(6)] * 3, "since": at(6), "until": at(9)}, {"event"}),
    "gaps_of": ({"hubs": HUBS, "froms": [at(6)] * 3, "until": at(9)}, {"hub_gap"}),
    "offline_spells": ({"hubs": HUBS, "froms": [at(6)] * 3, "until": at(9)}, {"event", "hub_gap"}),
    "lending_dwellings": ({"schemes": ["s1", "s2"], "froms": [at(6)] * 2, "until": at(9)}, {"event"}),
    "ask_neighbours": ({"residents": RESIDENTS, **SPAN, "now": at(8)}, {"event"}),
    "recheck_behind_shared_doors": (
        {
            "hubs": HUBS,
            "moments": [at(8)] * 3,
            "credentials": ["fob:1"] * 3,
            "shared": [True] * 3,
            "now": at(8),
        },
        {"visit"},
    ),
    "recheck_unverified": ({"hubs": HUBS, "now": at(8)}, {"visit"}),
}


EVERY = 400
"""Homes of the town: a batch that takes them all is the one that tempts to read whole tables."""

BATCH = {
    "lending_dwellings": {"schemes": [f"s{i}" for i in range(20)], "froms": [at(6)] * 20, "until": at(9)},
    "visits_around": {
        "residents": [f"r{i}" for i in range(EVERY)],
        "froms": [at(6)] * EVERY,
        "untils": [at(9)] * EVERY,
    },
    "evidence_of": {
        "hubs": [f"h{i}" for i in range(EVERY)],
        "froms": [at(7)] * EVERY,
        "reach": HOUR,
        "since": at(6),
        "until": at(9),
    },
    "queue_words": {
        "hubs": [f"h{i}" for i in range(EVERY)],
        "froms": [at(6)] * EVERY,
        "since": at(6),
        "until": at(9),
    },
}


@pytest.fixture
async def history(connection: Connection) -> Connection:
    """A database with a hundred days of four hundred homes."""
    for statement in HISTORY.split(";\n"):
        if statement.strip():
            await connection.execute(statement)
    return connection


def scanned(plan: dict[str, Any]) -> set[str]:
    """Tables that a plan reads from end to end."""
    found = {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set()
    return found.union(*(scanned(inner) for inner in plan.get("Plans", ())))


async def read_whole(history: Connection, name: str, arguments: dict[str, Any]) -> set[str]:
    """Tables that a statement reads from end to end."""
    row = await fetch_one(history, "EXPLAIN (FORMAT JSON) " + Q[name], **arguments)
    assert row is not None
    return scanned(row["QUERY PLAN"][0]["Plan"])


async def test_hot_statements_go_by_index(history: Connection) -> None:
    """No statement of a sweep, or of what intake asks of care, reads a table of history from end to end."""
    found = {
        name: await read_whole(history, name, arguments) & tables for name, (arguments, tables) in HOT.items()
    }
    assert not any(found.values()), found


async def test_a_large_batch_reads_no_more_of_history(history: Connection) -> None:
    """What is read of every home at once goes by index too: a plan never falls back on the whole table."""
    found = {name: await read_whole(history, name, arguments) for name, arguments in BATCH.items()}
    assert not any(whole & {"event", "visit"} for whole in found.values()), found
