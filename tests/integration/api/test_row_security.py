"""The database itself withholds: SQL as `threshold_caller`, whatever a route may forget."""

import pytest
from psycopg import errors
from psycopg.sql import SQL, Identifier

from api.tokens import Role
from db.caller import Caller, become, reading_as
from db.pool import Connection, Pool
from tests.integration.api import world

WITHHELD = {
    "alert",
    "alert_history",
    "credential",
    "event",
    "receipt",
    "intake",
    "intake_gap",
    "token",
    "session",
    "beat",
    "schema_version",
    "recheck",
    "fault",
    "channel_in_service",
    "handover",
    "watch_press",
    "adapted_value",
    "hub_certificate",
}
"""No grant at all: read through views of columns and rows, or by nobody."""
BY_COLUMN = {
    "contact": "webhook_secret",
    "hub": "credential_hash",
    "delivery": "message",
    "resident": "details",
}
"""Granted without the columns that are nobody's to read, of which one is tried here."""
BY_ROW = {
    "organisation",
    "dwelling",
    "device",
    "hub_gap",
    "hub_sequence",
    "hub_status",
    "carer",
    "package",
    "recurrence",
    "suspension",
    "visit",
    "verdict",
    "visit_evidence",
    "adjustment",
    "rejected",
    "alert_event",
    "duty",
    "command",
    "feed",
    "rota",
    "link_person",
    "suppression",
    "area_hub",
    "visible_event",
    "visible_alert",
    "visible_history",
    "contact_sheet",
    "party",
    "my_duty",
    "my_resident",
    "my_dwelling",
    "my_hub",
    "my_visited_hub",
    "my_provider",
    "my_credential",
}
"""Granted whole: a policy or a view decides which rows."""
VIEWS = {
    "visible_event",
    "visible_alert",
    "visible_history",
    "contact_sheet",
    "party",
    "my_duty",
    "my_resident",
    "my_dwelling",
    "my_hub",
    "my_visited_hub",
    "my_provider",
    "my_credential",
}
NO_SECRET = frozenset({"organisation", "link_person"})
"""The parties of an alert know each other by name, and whom to approach."""
NOT_OURS = frozenset({"pg_stat_statements", "pg_stat_statements_info"})


async def tables(conn: Connection) -> set[str]:
    """Every table and view of the schema."""
    rows = await (
        await conn.execute(
            "SELECT relname FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')"
        )
    ).fetchall()
    return {row["relname"] for row in rows} - NOT_OURS


async def test_every_table_is_listed(any_connection: Connection) -> None:
    """A new table is either withheld, or its rows or columns are; and this test says which."""
    assert await tables(any_connection) == WITHHELD | BY_ROW | BY_COLUMN.keys()


async def test_every_granted_table_decides_by_row(any_connection: Connection) -> None:
    """A table that callers may read has row security on, so that without a policy nothing is seen."""
    rows = await (
        await any_connection.execute(
            """SELECT relname, relrowsecurity FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
                 AND (has_table_privilege('threshold_caller', oid, 'SELECT')
                      OR has_any_column_privilege('threshold_caller', oid, 'SELECT'))"""
        )
    ).fetchall()
    assert {row["relname"] for row in rows if not row["relrowsecurity"]} == set()


async def test_nothing_is_seen_without_a_context_or_with_a_foreign_one(furnished: None, pool: Pool) -> None:
    """Every table has rows; a caller without an organisation, or of one that does not exist, sees none."""
    selected = {
        table: SQL("SELECT 1 AS seen FROM {}").format(Identifier(table))
        for table in BY_ROW | BY_COLUMN.keys()
    }
    async with pool.connection() as conn:
        for table in sorted(selected.keys() - VIEWS):
            assert await (await conn.execute(selected[table])).fetchone(), f"the test's estate has no {table}"
    async with pool.connection() as conn, conn.transaction():
        await conn.execute("SET LOCAL ROLE threshold_caller")
        for table, statement in selected.items():
            assert await (await conn.execute(statement)).fetchall() == [], table
    for role in (*Role, "king"):
        async with reading_as(pool, Caller("nobody", role, "x", 1)) as conn:
            for table in selected.keys() - NO_SECRET:
                assert await (await conn.execute(selected[table])).fetchall() == [], (role, table)


async def test_what_is_withheld_cannot_be_read_at_all(furnished: None, pool: Pool) -> None:
    """Secrets, tokens, raw events and everything without a rule answer every caller with a refusal."""
    tried = [(table, SQL("SELECT 1 FROM {}").format(Identifier(table))) for table in sorted(WITHHELD)]
    tried += [
        (table, SQL("SELECT {} FROM {}").format(Identifier(column), Identifier(table)))
        for table, column in BY_COLUMN.items()
    ]
    for who, (organisation, role) in world.HOLDERS.items():
        for table, statement in tried:
            async with pool.connection() as conn:
                await become(conn, Caller(organisation, role, who, 1))
                with pytest.raises(errors.InsufficientPrivilege, match=table):
                    await conn.execute(statement)
                await conn.rollback()


async def test_a_request_cannot_write_nor_leave_its_role(furnished: None, pool: Pool) -> None:
    """A reading transaction refuses writes, and what a caller's SQL could say changes no row."""
    caller = Caller("northgate", "operator", "Olu", 1)
    for statement in (
        b"DELETE FROM duty",
        b"UPDATE visit SET state = 'completed'",
        b"INSERT INTO feed DEFAULT VALUES",
    ):
        async with pool.connection() as conn:
            await become(conn, caller)
            with pytest.raises(errors.InsufficientPrivilege):
                await conn.execute(statement)
            await conn.rollback()
        async with pool.connection() as conn:
            await conn.execute("SET TRANSACTION READ ONLY")
            with pytest.raises(errors.ReadOnlySqlTransaction):
                await conn.execute(statement)
            await conn.rollback()


async def test_the_next_request_on_a_connection_has_none_of_the_last_ones_rights(
    furnished: None, pool: Pool
) -> None:
    """Role and context end with the transaction that put them on."""
    async with reading_as(pool, Caller("northgate", "operator", "Olu", 1)) as conn:
        assert await (await conn.execute("SELECT 1 FROM duty")).fetchall() != []
    async with pool.connection() as conn:
        row = await (
            await conn.execute(
                "SELECT current_user <> 'threshold_caller' AS own, caller_organisation() AS context"
            )
        ).fetchone()
        assert row == {"own": True, "context": None}


async def test_a_landlord_reads_no_visit_in_any_column(furnished: None, pool: Pool) -> None:
    """Whatever a landlord selects from an alert or its history holds neither visit, resident nor carer."""
    async with reading_as(pool, Caller("elm-housing", "housing_officer", "Hugh", 1)) as conn:
        for table in ("visible_alert", "visible_history", "party", "duty"):
            rows = await (await conn.execute(SQL("SELECT * FROM {}").format(Identifier(table)))).fetchall()
            assert rows, table
            for word in ("pkg-ada", "Ada", "'ada'", "joy", "Joy", "essential"):
                assert word not in str(rows), (table, word)
