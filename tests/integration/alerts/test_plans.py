"""The questions that every tick asks cost the same with ten times the history."""

import json
from typing import Any

import psycopg
import pytest

from alerts import monitor, outbox, store
from db.sql import Queries
from tests.integration.alerts.conftest import ESTATE, NINE

HISTORY = """
INSERT INTO alert (kind, priority, dedupe_key, hub_id, raised_at, noticed_at, reason, closed_at)
SELECT 'alarm.pendant', 1, 'k' || n, 'hub-12', t, t, '', t + '1 min'
FROM (SELECT n, timestamptz '2026-01-01' + n * interval '1 min' AS t
      FROM generate_series(1, 20000) AS n) AS past;
INSERT INTO fault (hub_id, device, kind, received_at)
SELECT 'hub-' || n, '', 'technical.fault', now() FROM generate_series(1, 5000) AS n;
INSERT INTO duty (alert_id, organisation_id, role, state, priority, raised_at, ladder, step_from, closed_at)
SELECT id, 'north', 'monitoring_centre', 'closed', 1, raised_at, 'alarm.1', raised_at, closed_at FROM alert;
INSERT INTO delivery (alert_id, duty_id, organisation_id, contact_id, channel, purpose, step, priority,
                      idempotency_key, message, state, created_at, delivered_at)
SELECT alert_id, duty.id, 'north', contact.id, 'email', 'raise', 1, 2, 'k' || duty.id, '{}', 'delivered',
       duty.raised_at, duty.raised_at
FROM duty, contact WHERE contact.organisation_id = 'north';
INSERT INTO alert_event (alert_id, hub_id, event_id, type, effective_at, received_at)
SELECT id, 'hub-12', 'e' || id, 'alarm.pendant', raised_at, raised_at FROM alert;
ANALYZE;
"""

ARGUMENTS: dict[str, dict[str, Any]] = {
    "due_duties": {"now": NINE, "limit": 200},
    "due_faults": {"now": NINE, "limit": 200},
    "due_hubs": {"now": NINE, "limit": 200},
    "heard_again": {"limit": 200},
    "next_in_queue": {"organisation": "north", "now": NINE},
    "recovered_hubs": {"now": NINE},
    "held_in_areas": {"hubs": ["hub-12"], "kind": "area.silent"},
    "open_areas": {"kind": "area.silent"},
    "silent_hubs": {"since": NINE},
    "hubs_without_mains": {"since": NINE},
    "windows_of_hubs": {"hubs": ["hub-12"], "since": NINE, "until": NINE},
    "due_urgent": {"channel": "email", "now": NINE, "limit": 16},
    "due_receivers": {"channel": "email", "now": NINE, "written_since": NINE, "limit": 16},
    "due_of_receivers": {"channel": "email", "now": NINE, "contacts": [4], "limit": 500},
    "told": {"alerts": [1, 2]},
    "withdraw_of_duties": {"duties": [1, 2]},
    "open_alarms_of_hubs": {"hubs": ["hub-12"]},
    "open_hub_alerts": {"keys": ["k1"]},
    "open_visit_alerts": {"keys": ["k1"]},
    "duties_of_alert": {"alerts": [1, 2]},
    "still_wanted": {"ids": [1, 2]},
    "due_for_a_word": {"now": NINE, "limit": 16},
    "sent_messages": {"channels": ["sms"], "ref": "SM1"},
    "message_of_key": {"channels": ["sms"], "key": "msg_1"},
    "dead_messages": {"organisation": None, "limit": 200},
    "unwatched_duties": {"limit": 500},
    "watch_duties": {"ids": [1], "now": NINE},
    "stranded_messages": {"now": NINE},
    "duties_left_behind": {"before": NINE},
    "ownerless_alerts": {"since": NINE},
    "press_progress": {"id": "threshold-monitor", "press": "press-1", "key": "k1"},
    "close_presses": {"id": "threshold-monitor", "now": NINE},
    "forget_press_alerts": {"id": "threshold-monitor", "before": NINE},
}
SQL = {
    name: statement.sql
    for queries in (
        store.Q,
        outbox.Q,
        monitor.Q,
        Queries("alerts", "areas.sql"),
        Queries("alerts", "windows.sql"),
    )
    for name, statement in queries.statements.items()
}
GROWING = {"alert", "duty", "delivery", "alert_event", "alert_history", "event", "fault"}


@pytest.fixture(scope="module")
def with_history(postgres: Any) -> Any:
    """A database with twenty thousand closed alerts."""
    with postgres.migrated() as url, psycopg.connect(url) as connection:
        connection.execute(ESTATE.encode())
        connection.execute(HISTORY.encode())
        yield connection


@pytest.mark.parametrize("name", ARGUMENTS)
def test_no_tick_reads_the_whole_history(with_history: psycopg.Connection, name: str) -> None:
    """No table that grows with the years is read from end to end."""
    row = with_history.execute(f"EXPLAIN (FORMAT JSON) {SQL[name]}".encode(), ARGUMENTS[name]).fetchone()
    assert row is not None
    plan = json.dumps(row[0])
    scanned = [node for node in _nodes(json.loads(plan)[0]["Plan"]) if node["Node Type"] == "Seq Scan"]
    assert [node["Relation Name"] for node in scanned if node["Relation Name"] in GROWING] == []


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in _nodes(child))]
