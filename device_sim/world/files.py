"""A world as the files that the platform loads: the estate (contract §3) and the roster (contract §4)."""

import csv
import io
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import yaml

from device_sim.world.people import CENTRE, COMMISSIONER, LANDLORDS, PROVIDERS, ZONE, Person, wall
from device_sim.world.world import World

COLUMNS = (
    "visit_ref",
    "package",
    "service_date",
    "start",
    "end",
    "carers_required",
    "carer_1",
    "carer_2",
    "tier",
    "status",
    "changed_at",
)


def write_files(world: World, folder: Path) -> None:
    """Both files, as estate.yaml and roster.csv, into a folder that is made if need be. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "estate.yaml").write_text(estate_text(world), encoding="utf-8")
    (folder / "roster.csv").write_text(roster_text(world), encoding="utf-8")


def estate_text(world: World) -> str:
    """The estate file."""
    first = world.truth.world.begin.astimezone(ZONE).date().isoformat()
    estate: dict[str, Any] = {
        "organisations": _organisations(),
        "dwellings": [_dwelling(person) for person in world.people],
        "residents": [_resident(person) for person in world.people],
        "hubs": [_hub(person) for person in world.people],
        "carers": [
            {"id": carer, "provider": carer.rpartition("-")[0], "credentials": [credential]}
            for carer, credential in sorted(world.credentials.items())
        ],
        "packages": [_package(person, first) for person in world.people],
        "suspensions": [
            {
                "resident": person.resident,
                "from": stay.begin.isoformat(),
                "until": None if stay.end is None else stay.end.isoformat(),
                "reason": "hospital",
                "told_by": person.provider,
            }
            for person in world.people
            for stay in person.away
        ],
    }
    return yaml.safe_dump(estate, sort_keys=False, allow_unicode=True, width=200)


def roster_text(world: World) -> str:
    """The roster of the whole time: a row for every visit, with who was to make it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for made in world.visits:
        due = made.due
        carers = (*made.rostered, "", "")[:2]
        # Cancelled the day before: in good time by any rule.
        changed = wall(due.day - timedelta(days=1), time(12)) if due.standing == "cancelled" else None
        writer.writerow(
            (
                due.ref,
                due.person.package,
                due.day.isoformat(),
                _wall(due.start),
                _wall(due.end),
                due.person.carers,
                *carers,
                due.person.tier,
                "cancelled" if due.standing == "cancelled" else "planned",
                "" if changed is None else changed.isoformat(),
            )
        )
    return text.getvalue()


def _wall(at: datetime) -> str:
    return at.astimezone(ZONE).strftime("%H:%M")


def _organisations() -> list[dict[str, Any]]:
    kinds = [(name, "landlord") for name in LANDLORDS] + [(name, "care_provider") for name in PROVIDERS]
    kinds += [(CENTRE, "monitoring_centre"), (COMMISSIONER, "commissioner")]
    return [
        {
            "id": name,
            "kind": kind,
            "name": name.replace("-", " ").title(),
            "contacts": [{"name": "On duty", "email": f"duty@{name}.example"}],
        }
        for name, kind in kinds
    ]


def _dwelling(person: Person) -> dict[str, Any]:
    dwelling: dict[str, Any] = {"id": person.dwelling, "landlord": person.landlord}
    if person.scheme is not None:
        dwelling["scheme"] = person.scheme
    return dwelling | {"address": f"{person.number} Simulated Street", "time_zone": str(ZONE)}


def _resident(person: Person) -> dict[str, Any]:
    return {
        "id": person.resident,
        "dwelling": person.dwelling,
        "name": person.name,
        "monitoring_centre": CENTRE,
        "commissioner": COMMISSIONER,
    }


def _hub(person: Person) -> dict[str, Any]:
    devices = [
        {"id": device.id, "kind": device.kind} | ({"scope": device.scope} if device.is_door else {})
        for device in person.spec().devices
    ]
    return {"id": person.hub, "dwelling": person.dwelling, "devices": devices}


def _package(person: Person, first: str) -> dict[str, Any]:
    visits = [
        {
            "id": planned.id,
            "rrule": "FREQ=DAILY",
            "start": planned.start.strftime("%H:%M"),
            "minutes": planned.minutes,
            "carers": person.carers,
            "from": first,
        }
        for planned in person.visits
    ]
    return {
        "id": person.package,
        "resident": person.resident,
        "provider": person.provider,
        "tier": person.tier,
        "visits": visits,
    }
