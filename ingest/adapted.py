"""Messages of other makers' bridges on their way in (domain/alarms.md §3, docs/devices.md).

What such a message says is read at once, by its adapter. What of it is news depends on the last known values,
and so is decided in the transaction that stores the events and remembers the new values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from db.pool import Connection, execute, fetch_all
from db.sql import Queries
from gateway.adapters import ADAPTERS
from gateway.adapters.contract import Bridge, Chatter, Device, Incoming, Presence, Stranger
from gateway.adapters.edges import Delivery, digest, may_call, news
from gateway.adapters.payload import without_codes
from gateway.codec import Reason, Rejected
from gateway.connection import Subscription
from gateway.model import Event, Status
from ingest import metrics
from ingest.model import Adapted, Arrival

_Q = Queries("ingest", "adapted.sql")
_encoder = msgspec.json.Encoder()
_PIN = "pin:"

Place = tuple[str, str]
"""Hub and device."""


@dataclass(frozen=True, slots=True)
class Bridges:
    """Every bridge of the estate by its base topic."""

    by_base: Mapping[str, Bridge]

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """The topics to listen to; the broker may refuse one, and all others still count."""
        return tuple(
            Subscription(topic, 1, required=False)
            for base, bridge in sorted(self.by_base.items())
            for topic in ADAPTERS[bridge.kind].subscriptions(base)
        )

    def at(self, topic: str) -> Bridge | None:
        """The bridge below whose base a topic lies; with several the nearest."""
        end = topic.rfind("/")
        while end > 0:
            if (bridge := self.by_base.get(topic[:end])) is not None:
                return bridge
            end = topic.rfind("/", 0, end)
        return None


NO_BRIDGES = Bridges({})


async def load(conn: Connection) -> Bridges:
    """The bridges that the estate names now."""
    bridges: dict[str, Bridge] = {}
    for row in await fetch_all(conn, _Q["bridges"]):
        kind, base, hub = row["kind"], row["base"], row["hub_id"]
        if kind not in ADAPTERS:
            continue  # written by a newer program
        known = bridges.get(base, Bridge(kind, base, ()))
        devices = dict(known.devices)
        if row["device"] is not None:
            name = ADAPTERS[kind].name_in_topics(row["name"] or row["device"])
            devices[name] = Device(hub, row["device"], name, row["device_kind"], row["model"], row["map"])
        hubs = known.hubs if hub in known.hubs else (*known.hubs, hub)
        bridges[base] = Bridge(kind, base, hubs, devices)
    return Bridges(bridges)


def read(
    bridge: Bridge,
    topic: str,
    payload: bytes,
    *,
    retained: bool,
    received_at: datetime,
    again: bool = False,
    mid: int = 0,
) -> Arrival | None:
    """What a message below a bridge's base says; None when it says nothing of a home. Pure.

    No PIN leaves this in anything that is kept.
    """
    below = topic[len(bridge.base) + 1 :]
    found = ADAPTERS[bridge.kind].read(bridge, Incoming(below, payload, retained, received_at))
    metrics.ADAPTED.labels(bridge.kind, type(found).__name__.lower()).inc()
    if isinstance(found, Chatter) and not found.alive:
        return None
    kept = without_codes(payload)
    if isinstance(found, Stranger):
        hub = found.device.hub if found.device else bridge.hubs[0] if len(bridge.hubs) == 1 else None
        reason = Reason.UNKNOWN_DEVICE if found.device is None else Reason.NOT_JSON
        piece = Rejected(reason, None, None, found.alarm, kept)
        return Arrival(topic, hub, received_at, kept, retained, rejected=(piece,))
    if isinstance(found, Chatter | Presence):
        status = Status(online=found.online) if isinstance(found, Presence) else None
        return Arrival(
            topic, bridge.hubs[0], received_at, kept, retained, status=status, adapted=Adapted(bridge.hubs)
        )
    mark = digest(topic, kept.decode("utf-8", "replace"), str(mid))
    adapted = Adapted(
        (found.device.hub,), found, Delivery(mark, received_at, retained, again), may_call(found)
    )
    return Arrival(topic, found.device.hub, received_at, kept, retained, adapted=adapted)


async def resolve(conn: Connection, arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
    """The same messages with what of the adapted ones is news, and their devices' values remembered."""
    reports = [one.adapted.report for one in arrivals if one.adapted is not None and one.adapted.report]
    if not any(one.adapted is not None for one in arrivals):
        return arrivals
    last = await _last_values(conn, {(report.device.hub, report.device.id) for report in reports})
    learned: dict[Place, dict[str, Any]] = {}
    resolved: list[Arrival] = []
    for arrival in arrivals:
        if arrival.adapted is None:
            resolved.append(arrival)
            continue
        report, delivery = arrival.adapted.report, arrival.adapted.delivery
        if report is None or delivery is None:
            resolved += [replace(arrival, hub=hub) for hub in arrival.adapted.hubs]
            continue
        place = (report.device.hub, report.device.id)
        found = news(report, last.setdefault(place, {}), delivery)
        last[place].update(found.last)
        learned.setdefault(place, {}).update(found.last)
        resolved.append(replace(arrival, events=found.events))
    await _keep_values(conn, learned)
    return await _without_pins(conn, resolved)


async def _last_values(conn: Connection, places: set[Place]) -> dict[Place, dict[str, Any]]:
    wanted = _json([{"hub_id": hub, "device": device} for hub, device in sorted(places)])
    last: dict[Place, dict[str, Any]] = {}
    for row in await fetch_all(conn, _Q["last_values"], devices=wanted):
        last.setdefault((row["hub_id"], row["device"]), {})[row["property"]] = row["value"]
    return last


async def _keep_values(conn: Connection, learned: Mapping[Place, Mapping[str, Any]]) -> None:
    rows = [
        {"hub_id": hub, "device": device, "property": name, "value": value}
        for (hub, device), values in learned.items()
        for name, value in values.items()
    ]
    if rows:
        await execute(conn, _Q["keep_values"], rows=_json(rows))


async def _without_pins(conn: Connection, arrivals: list[Arrival]) -> list[Arrival]:
    """Each PIN that a keypad sent, turned into whose it is; one that nobody holds is a door denied."""
    pins = sorted({pin for one in arrivals for event in one.events if (pin := _pin_of(one, event))})
    if not pins:
        return arrivals
    holders = {
        row["credential"]: row["carer_id"] for row in await fetch_all(conn, _Q["holders_of_pins"], pins=pins)
    }
    if holders:
        await execute(conn, _Q["give_keypad_credentials"], carers=sorted(set(holders.values())))
    return [
        replace(
            one,
            events=tuple(_told_by(event, holders) if _pin_of(one, event) else event for event in one.events),
        )
        for one in arrivals
    ]


def _pin_of(arrival: Arrival, event: Event) -> str | None:
    credential = event.data.get("credential") if arrival.adapted is not None else None
    return credential if isinstance(credential, str) and credential.startswith(_PIN) else None


def _told_by(event: Event, holders: Mapping[str, str]) -> Event:
    carer = holders.get(event.data["credential"])
    if carer is not None:
        return msgspec.structs.replace(event, data={**event.data, "credential": f"keypad:{carer}"})
    data = {name: value for name, value in event.data.items() if name != "credential"}
    data |= {"panel": event.device, "reason": "a code that nobody holds"}
    return msgspec.structs.replace(event, type="door.denied", data=data)


def _json(rows: Any) -> str:
    return _encoder.encode(rows).decode()
