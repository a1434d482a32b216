"""The estate as the database holds it: read whole, written noun by noun."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from care.contact_store import read_organisations
from care.model import (
    Adapter,
    Carer,
    Device,
    Dwelling,
    Estate,
    Hub,
    Package,
    Recurrence,
    Resident,
    Scope,
    Suspension,
    Tier,
)
from care.rows import grouped as grouped
from care.rows import many as write_many
from db.pool import Connection, execute, fetch_all
from db.sql import Queries

Q = Queries("care")


@dataclass(frozen=True, slots=True)
class StoredSuspension:
    """A suspension with its row's id, and who made and who ended it (None: an estate file)."""

    id: int
    suspension: Suspension
    created_by: str | None
    ended_by: str | None

    @property
    def is_a_persons(self) -> bool:
        """Made or ended by a person: an estate file leaves it alone."""
        return self.created_by is not None or self.ended_by is not None


@dataclass(frozen=True, slots=True)
class StoredEstate:
    """What stands in the database: the estate without what has ended, and every suspension."""

    estate: Estate
    suspensions: tuple[StoredSuspension, ...]


async def read_stored(conn: Connection) -> StoredEstate:
    """The whole estate, equal to what a file with the same contents reads as."""
    devices = grouped(await fetch_all(conn, Q["stored_devices"]), "hub_id")
    recurrences = grouped(await fetch_all(conn, Q["stored_recurrences"]), "package_id")
    hubs = [hub_of(row, devices[row["id"]]) for row in await fetch_all(conn, Q["stored_hubs"])]
    carers = [
        Carer(row["id"], row["provider_id"], row["name"], tuple(row["credentials"] or ()))
        for row in await fetch_all(conn, Q["stored_carers"])
    ]
    packages = [
        package_of(row, recurrences[row["id"]]) for row in await fetch_all(conn, Q["stored_packages"])
    ]
    suspensions = tuple(
        StoredSuspension(row["id"], suspension_of(row), row["created_by"], row["ended_by"])
        for row in await fetch_all(conn, Q["stored_suspensions"])
    )
    estate = Estate(
        organisations={noun.id: noun for noun in await read_organisations(conn)},
        dwellings={row["id"]: Dwelling(**row) for row in await fetch_all(conn, Q["stored_dwellings"])},
        residents={row["id"]: Resident(**row) for row in await fetch_all(conn, Q["stored_residents"])},
        hubs={noun.id: noun for noun in hubs},
        carers={noun.id: noun for noun in carers},
        packages={noun.id: noun for noun in packages},
        suspensions=tuple(stored.suspension for stored in suspensions),
    )
    return StoredEstate(estate, suspensions)


def device_of(row: DictRow) -> Device:
    """A device from its row."""
    return Device(
        row["id"],
        row["kind"],
        Scope(row["scope"]) if row["scope"] else None,
        row["details"],
        row.get("name"),
        row.get("model"),
        row.get("map", {}),
    )


def hub_of(row: DictRow, devices: Iterable[DictRow]) -> Hub:
    """A hub from its row and those of its devices."""
    return Hub(
        row["id"],
        row["dwelling_id"],
        row["scheme"],
        row["heartbeat_every"],
        tuple(device_of(device) for device in devices),
        Adapter(**row["adapter"]) if row.get("adapter") else None,
    )


def package_of(row: DictRow, recurrences: Iterable[DictRow]) -> Package:
    """A package from its row and those of its recurrences."""
    return Package(
        row["id"],
        row["resident_id"],
        row["provider_id"],
        Tier(row["tier"]),
        tuple(
            Recurrence(
                each["id"], each["start"], each["minutes"], each["rrule"], each["carers"], each["from_date"]
            )
            for each in recurrences
        ),
    )


def suspension_of(row: DictRow) -> Suspension:
    """A suspension from its row; it is known from the moment at which it was entered."""
    return Suspension(
        row["resident_id"], row["from_at"], row["until_at"], row["reason"], row["told_by"], row["created_at"]
    )


async def put_dwellings(conn: Connection, nouns: Iterable[Dwelling]) -> None:
    """Writes dwellings."""
    await many(
        conn,
        "put_dwelling",
        [
            {
                "id": noun.id,
                "landlord_id": noun.landlord_id,
                "scheme": noun.scheme,
                "address": noun.address,
                "time_zone": noun.time_zone,
            }
            for noun in nouns
        ],
    )


async def put_residents(conn: Connection, nouns: Iterable[Resident]) -> None:
    """Writes residents."""
    await many(
        conn,
        "put_resident",
        [
            {
                "id": noun.id,
                "dwelling_id": noun.dwelling_id,
                "name": noun.name,
                "monitoring_centre_id": noun.monitoring_centre_id,
                "commissioner_id": noun.commissioner_id,
                "high_risk": noun.high_risk,
                "details": Jsonb(dict(noun.details)),
            }
            for noun in nouns
        ],
    )


async def put_hubs(conn: Connection, nouns: list[Hub]) -> None:
    """Writes hubs and their devices."""
    await many(
        conn,
        "put_hub",
        [
            {
                "id": noun.id,
                "dwelling_id": noun.dwelling_id,
                "scheme": noun.scheme,
                "heartbeat_every": noun.heartbeat_every,
                "adapter": Jsonb(asdict(noun.adapter)) if noun.adapter else None,
            }
            for noun in nouns
        ],
    )
    await many(
        conn,
        "drop_devices",
        [{"hub_id": noun.id, "ids": [device.id for device in noun.devices]} for noun in nouns],
    )
    await many(
        conn,
        "put_device",
        [
            {
                "hub_id": noun.id,
                "id": device.id,
                "kind": device.kind,
                "scope": device.scope.value if device.scope else None,
                "details": Jsonb(dict(device.details)),
                "name": device.name,
                "model": device.model,
                "map": Jsonb(device.map),
            }
            for noun in nouns
            for device in noun.devices
        ],
    )


async def put_carers(conn: Connection, nouns: list[Carer], now: datetime) -> None:
    """Writes carers and who holds which credential; those given up are withdrawn before any is given."""
    await many(
        conn,
        "put_carer",
        [{"id": noun.id, "provider_id": noun.provider_id, "name": noun.name} for noun in nouns],
    )
    await many(
        conn,
        "withdraw_credentials",
        [{"carer_id": noun.id, "credentials": list(noun.credentials), "now": now} for noun in nouns],
    )
    await many(
        conn,
        "give_credential",
        [{"carer_id": noun.id, "credential": each} for noun in nouns for each in noun.credentials],
    )


async def end_carers(conn: Connection, ids: list[str], now: datetime) -> None:
    """Carers who left: they stay on record, their credentials are withdrawn."""
    await execute(conn, Q["end_carers"], ids=ids, now=now)
    gone = [{"carer_id": each, "credentials": list[str](), "now": now} for each in ids]
    await many(conn, "withdraw_credentials", gone)


async def put_packages(conn: Connection, nouns: list[Package], planned_until: Mapping[str, date]) -> None:
    """Writes packages and their recurrences, whose visits are made up to `planned_until` (by package)."""
    await many(
        conn,
        "put_package",
        [
            {
                "id": noun.id,
                "resident_id": noun.resident_id,
                "provider_id": noun.provider_id,
                "tier": noun.tier.value,
            }
            for noun in nouns
        ],
    )
    await many(
        conn,
        "drop_recurrences",
        [{"package_id": noun.id, "ids": [each.id for each in noun.recurrences]} for noun in nouns],
    )
    await many(
        conn,
        "put_recurrence",
        [
            {
                "package_id": noun.id,
                "id": each.id,
                "rrule": each.rrule,
                "start": each.start,
                "minutes": each.minutes,
                "carers": each.carers,
                "from_date": each.from_date,
                "planned_until": planned_until[noun.id],
            }
            for noun in nouns
            for each in noun.recurrences
        ],
    )


async def put_suspensions(conn: Connection, nouns: Iterable[Suspension], now: datetime) -> None:
    """Writes suspensions of an estate file."""
    await many(
        conn,
        "put_suspension",
        [
            {
                "resident_id": noun.resident_id,
                "from_at": noun.from_at,
                "until_at": noun.until_at,
                "reason": noun.reason,
                "told_by": noun.told_by,
                "now": now,
            }
            for noun in nouns
        ],
    )


async def many(conn: Connection, name: str, rows: list[dict[str, Any]]) -> None:
    """One named statement for many rows, in a single round trip."""
    await write_many(conn, Q[name], rows)
