"""Read the four files of a backtest (contract §3 to §6), the well-formed ones only."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from tests.support.oracle.model import (
    Dwelling,
    Hub,
    Line,
    Package,
    Policy,
    Recurrence,
    Resident,
    Row,
    Suspension,
    World,
    duration,
    moment,
)


def read_policy(text: str) -> Policy:
    """The policy file; what is left out keeps its default."""
    given = tomllib.loads(text, parse_float=Fraction)
    return Policy(
        day_begins=time.fromisoformat(given.get("day_begins", "04:00")),
        day_ends=time.fromisoformat(given.get("day_ends", "23:00")),
        silence_factor=Fraction(given.get("silence_factor", Fraction(5, 2))),
        silent_share=Fraction(given.get("silent_share", Fraction(1, 4))),
        heard_again=duration(given.get("heard_again", "PT15M")),
        same_session=duration(given.get("same_session", "PT20M")),
        longest_session=duration(given.get("longest_session", "PT16H")),
        swap_minutes=Fraction(given.get("swap_minutes", 20)),
        named_elsewhere_minutes=Fraction(given.get("named_elsewhere_minutes", 240)),
        early_weight=Fraction(given.get("early_weight", 2)),
        settle=duration(given.get("settle", "PT72H")),
        tiers=given.get("tiers", {}),
        packages=given.get("packages", {}),
    )


def day(value: Any) -> date:
    """A date, which YAML may have read already."""
    return value if isinstance(value, date) else date.fromisoformat(value)


def read_hub(given: dict[str, Any]) -> Hub:
    """A hub of the estate; without an interval it beats every ten minutes."""
    scopes = {device["id"]: device["scope"] for device in given.get("devices", []) if "scope" in device}
    every = duration(given.get("heartbeat_every", "PT10M"))
    return Hub(given["id"], given.get("dwelling"), given.get("scheme"), every, scopes)


def read_package(given: dict[str, Any]) -> Package:
    """A package with its recurring visits."""
    visits = [
        Recurrence(
            visit["id"],
            visit["rrule"],
            time.fromisoformat(visit["start"]),
            visit["minutes"],
            visit.get("carers", 1),
            day(visit["from"]),
        )
        for visit in given.get("visits", [])
    ]
    return Package(given["id"], given["resident"], given["provider"], given["tier"], visits)


def read_rows(text: str, packages: dict[str, Package]) -> dict[str, Row]:
    """The roster's rows by reference, the last of each reference."""
    header = text.splitlines()[0]
    rows: dict[str, Row] = {}
    for cells in csv.DictReader(io.StringIO(text), delimiter=";" if ";" in header else ","):
        row = Row(
            cells["visit_ref"],
            cells["package"],
            date.fromisoformat(cells["service_date"]),
            time.fromisoformat(cells["start"]),
            time.fromisoformat(cells["end"]),
            int(cells["carers_required"] or 1),
            [name for name in (cells["carer_1"], cells["carer_2"]) if name],
            cells["tier"] or packages[cells["package"]].tier,
            cells["status"] == "cancelled",
            moment(cells["changed_at"]) if cells["changed_at"] else None,
        )
        rows[row.ref] = row
    return rows


def read_event(given: Any) -> tuple[dict[str, Any], datetime] | None:
    """An event with the time its device gave it; None for one that is to be rejected."""
    if not isinstance(given, dict):
        return None
    if not all(isinstance(given.get(key), str) and given[key] for key in ("id", "type", "at")):
        return None
    if len(given["id"]) > 64 or not isinstance(given.get("data", {}), dict):
        return None
    try:
        return given, moment(given["at"])
    except ValueError:
        return None


def like_an_alarm(given: Any) -> bool:
    """Whether what cannot be read may be a call for help: its type says so, or without one its text."""
    kind = given.get("type") if isinstance(given, dict) else None
    if isinstance(kind, str):
        return kind.startswith("alarm.") and kind != "alarm.cancelled"
    return '"alarm.' in json.dumps(given)


def read_lines(text: str) -> list[Line]:
    """The messages in order of arrival; a line of which not even hub and receipt can be read is left out."""
    raw: list[tuple[datetime, int, dict[str, Any]]] = []
    for number, line in enumerate(text.split("\n")):
        try:
            given = json.loads(line)
            raw.append((moment(given["received_at"]), number, {"hub": given["hub"], **given}))
        except (ValueError, KeyError, TypeError):
            continue
    lines: list[Line] = []
    for order, (received_at, _, given) in enumerate(sorted(raw, key=lambda item: item[:2])):
        if "status" in given:
            will = given["status"]["online"] is False
            lines.append(Line(order, given["hub"], received_at, will, None))
            continue
        event = read_event(given.get("event"))
        if event is None:  # rejected, but the hub was heard
            alarm = like_an_alarm(given.get("event"))
            lines.append(Line(order, given["hub"], received_at, False, None, like_an_alarm=alarm))
            continue
        content, at = event
        suspect = at - received_at > timedelta(hours=24) or received_at - at > timedelta(days=30)
        effective = received_at if suspect else min(at, received_at)
        lines.append(Line(order, given["hub"], received_at, False, content, effective, at))
    return lines


def read_world(estate: Path, roster: Path, events: Path, policy: Path | None, until: str | None) -> World:
    """All of it; `until` left out is the last receipt."""
    given = yaml.safe_load(estate.read_text("utf-8"))
    packages = {item["id"]: read_package(item) for item in given.get("packages", [])}
    lines = read_lines(events.read_text("utf-8"))
    world = World(
        policy=read_policy(policy.read_text("utf-8") if policy else ""),
        reachable={item["id"]: bool(item.get("contacts")) for item in given["organisations"]},
        centres=[item["id"] for item in given["organisations"] if item["kind"] == "monitoring_centre"],
        dwellings={
            item["id"]: Dwelling(
                item["id"], item.get("landlord"), item.get("scheme"), ZoneInfo(item["time_zone"])
            )
            for item in given["dwellings"]
        },
        residents={
            item["id"]: Resident(item["id"], item["dwelling"], item.get("monitoring_centre"))
            for item in given["residents"]
        },
        hubs={item["id"]: read_hub(item) for item in given.get("hubs", [])},
        carers={item["id"]: item["provider"] for item in given.get("carers", [])},
        credentials={
            credential: item["id"]
            for item in given.get("carers", [])
            for credential in item.get("credentials", [])
        },
        packages=packages,
        suspensions=[
            Suspension(
                item["resident"], moment(item["from"]), moment(item["until"]) if item.get("until") else None
            )
            for item in given.get("suspensions", [])
        ],
        rows=read_rows(roster.read_text("utf-8"), packages),
        lines=lines,
        until=moment(until) if until else max(line.received_at for line in lines),
    )
    seen: set[tuple[str, str]] = set()
    for line in world.lines:
        if line.event is not None and line.received_at <= world.until:
            identity = (line.hub, line.event["id"])
            if identity not in seen:  # sent again is not stored again: the first stands
                seen.add(identity)
                world.stored.append(line)
                if line.event["type"].startswith(("carer.", "door.")):
                    world.told.append(line)
    return world
