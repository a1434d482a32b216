"""What is kept no longer than its time, on every edition."""

from datetime import UTC, datetime, timedelta

from db.housekeeping import Keep, tidy
from db.pool import Connection, Pool, fetch_all

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEEP = Keep(events=timedelta(days=400), unmatched_door_events=timedelta(days=90), feed=timedelta(days=2))


async def _event(conn: Connection, name: str, type_: str, days_ago: int) -> None:
    at = NOW - timedelta(days=days_ago)
    await conn.execute(
        "INSERT INTO event (received_at, hub_id, id, type, at, effective_at)"
        " VALUES (%s, 'hub-1', %s, %s, %s, %s)",
        (at, name, type_, at, at),
    )
    await conn.execute("INSERT INTO receipt VALUES ('hub-1', %s, %s, '')", (name, at))


async def _names(conn: Connection) -> set[str]:
    return {row["id"] for row in await fetch_all(conn, "SELECT id FROM event")}


async def test_old_events_and_their_receipts_go(any_pool: Pool) -> None:
    """Past the setting's length events go, chunk by chunk where there are chunks, and receipts with them."""
    async with any_pool.connection() as conn:
        await _event(conn, "old", "alarm.pendant", 402)
        await _event(conn, "young", "alarm.pendant", 398)
        await tidy(conn, KEEP, NOW)
        receipts = await fetch_all(conn, "SELECT event_id FROM receipt")
        assert await _names(conn) == {"young"}
        assert [row["event_id"] for row in receipts] == ["young"]


async def test_a_households_private_doors_go_sooner(any_pool: Pool) -> None:
    """A door event of no visit goes after 90 days; one that speaks of a visit, and any alarm, stay."""
    async with any_pool.connection() as conn:
        for name, type_, days in [
            ("private", "door.opened", 91),
            ("evidence", "door.opened", 91),
            ("recent", "door.opened", 89),
            ("alarm", "alarm.pendant", 91),
        ]:
            await _event(conn, name, type_, days)
        await conn.execute("ALTER TABLE visit_evidence DROP CONSTRAINT visit_evidence_visit_ref_fkey")
        await conn.execute(
            "INSERT INTO visit_evidence"
            " VALUES ('v1', 'hub-1', 'evidence', 'door.opened', 'weak', NULL, %s, %s)",
            (NOW, NOW),
        )
        tidied = await tidy(conn, KEEP, NOW)
        assert await _names(conn) == {"evidence", "recent", "alarm"}
        assert tidied.private_doors == 1
