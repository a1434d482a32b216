"""A small estate in a database, and messages as its hubs send them."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from db.pool import Connection
from gateway.topics import Topics
from ingest.model import Arrival, read

T0 = datetime(2026, 11, 21, 18, tzinfo=UTC)
TOPICS = Topics()

ESTATE = """
INSERT INTO organisation (id, kind, name) VALUES
    ('elm', 'landlord', 'Elm Housing'), ('bright', 'care_provider', 'BrightCare'),
    ('northgate', 'monitoring_centre', 'Northgate Lifeline');
INSERT INTO dwelling (id, landlord_id, scheme, address, time_zone) VALUES
    ('elm-12', 'elm', 'elm-court', 'Flat 12', 'Europe/London'),
    ('elm-14', 'elm', 'elm-court', 'Flat 14', 'Europe/London');
INSERT INTO resident (id, dwelling_id, name, monitoring_centre_id) VALUES
    ('ada', 'elm-12', 'Ada Byrne', 'northgate'), ('bea', 'elm-14', 'Bea Cole', 'northgate');
INSERT INTO hub (id, dwelling_id) VALUES ('hub-12', 'elm-12'), ('hub-14', 'elm-14');
INSERT INTO hub (id, scheme) VALUES ('hub-door', 'elm-court');
INSERT INTO carer (id, provider_id, name) VALUES ('joy', 'bright', 'Joy Okafor');
INSERT INTO credential (credential, carer_id) VALUES ('fob:04A1B2', 'joy');
"""


async def make_estate(conn: Connection) -> None:
    """Two flats of one scheme, a hub in each and one at the street door."""
    await conn.execute(ESTATE)


def event(id_: str, type_: str = "heartbeat", at: datetime = T0, **fields: Any) -> dict[str, Any]:
    """An event as a hub writes it."""
    return {"id": id_, "type": type_, "at": at.isoformat(), **fields}


def says(
    *events: dict[str, Any] | bytes, hub: str = "hub-12", at: datetime = T0, retained: bool = False
) -> Arrival:
    """A message on `events`: one event alone, several as an array; bytes stand as they are."""
    parts = [part if isinstance(part, bytes) else msgspec.json.encode(part) for part in events]
    payload = parts[0] if len(parts) == 1 else b"[" + b",".join(parts) + b"]"
    return read(TOPICS.events(hub), payload, retained=retained, received_at=at, topics=TOPICS)


def status(online: bool, *, hub: str = "hub-12", at: datetime = T0, retained: bool = False) -> Arrival:
    """A message on `status`."""
    payload = msgspec.json.encode({"online": online})
    return read(TOPICS.status(hub), payload, retained=retained, received_at=at, topics=TOPICS)


async def rows(conn: Connection, sql: str) -> list[dict[str, Any]]:
    """What a query finds."""
    cursor = await conn.execute(sql.encode())
    return await cursor.fetchall()


async def count(conn: Connection, table: str) -> int:
    """How many rows a table has."""
    (row,) = await rows(conn, f"SELECT count(*) AS n FROM {table}")
    return int(row["n"])
