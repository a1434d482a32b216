"""A fob that changes hands: each provider sees what its own carer did with it, and no more."""

from datetime import UTC, datetime, timedelta

from db.caller import Caller, reading_as
from db.pool import Connection, Pool, fetch_all

PASSED_ON = datetime(2026, 11, 21, 12, tzinfo=UTC)

ESTATE = """
INSERT INTO organisation VALUES ('old', 'care_provider', 'Old'), ('new', 'care_provider', 'New'),
    ('centre', 'monitoring_centre', 'Centre');
INSERT INTO dwelling (id, address, time_zone) VALUES ('flat', 'Flat', 'Europe/London');
INSERT INTO resident (id, dwelling_id, name, monitoring_centre_id) VALUES ('ada', 'flat', 'Ada', 'centre');
INSERT INTO hub (id, dwelling_id) VALUES ('hub', 'flat');
INSERT INTO package (id, resident_id, provider_id, tier)
    VALUES ('p1', 'ada', 'old', 'essential'), ('p2', 'ada', 'new', 'essential');
INSERT INTO carer (id, provider_id, name) VALUES ('ann', 'old', 'Ann'), ('bea', 'new', 'Bea');
INSERT INTO credential VALUES ('fob:1', 'ann', '2026-11-21T12:00Z'), ('fob:1', 'bea', NULL);
"""


async def _tap(conn: Connection, name: str, at: datetime) -> None:
    await conn.execute(
        "INSERT INTO event (received_at, hub_id, id, type, at, effective_at, dwelling_id, credential)"
        " VALUES (%s, 'hub', %s, 'carer.arrived', %s, %s, 'flat', 'fob:1')",
        (at, name, at, at),
    )


async def _seen(pool: Pool, caller: Caller) -> list[tuple[str, str]]:
    async with reading_as(pool, caller) as conn:
        rows = await fetch_all(conn, "SELECT id, carer_name FROM visible_event ORDER BY received_at")
    return [(row["id"], row["carer_name"]) for row in rows]


async def test_each_provider_sees_its_own_carers_taps(any_pool: Pool) -> None:
    """Before the fob was passed on its taps are Ann's, afterwards Bea's; the centre sees both by name."""
    async with any_pool.connection() as conn:
        await conn.execute(ESTATE)
        await _tap(conn, "before", PASSED_ON - timedelta(hours=1))
        await _tap(conn, "after", PASSED_ON + timedelta(hours=1))
    assert await _seen(any_pool, Caller("old", "care_manager", "O", 1)) == [("before", "Ann")]
    assert await _seen(any_pool, Caller("new", "care_manager", "N", 2)) == [("after", "Bea")]
    both = [("before", "Ann"), ("after", "Bea")]
    assert await _seen(any_pool, Caller("centre", "operator", "K", 3)) == both
