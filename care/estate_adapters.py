"""Bridges of other makers in an estate file (docs/devices.md): whose topics a hub stands for, what they mean.

A hub with an `adapter` does not speak our wire; its devices are known by their maker's names, and each may
have a map of its own from property and value to event type.
"""

from collections.abc import Iterable, Iterator, Mapping

from care.estate_nouns import Adapter, Device, Hub
from care.estate_record import Faults, Record
from gateway.adapters import ADAPTERS
from gateway.adapters.contract import is_event_type
from gateway.topics import DEFAULT_ROOT

_IN_TOPICS = "+#"
_LONGEST_NAME = 255


def read_adapter(record: Record) -> Adapter | None:
    """The `adapter` of a hub, None for one that speaks our wire."""
    inner = record.record("adapter")
    if inner is None:
        return None
    kind = inner.text("kind")
    if kind and kind not in ADAPTERS:
        inner.note("kind", f"'{kind}' is none of {', '.join(ADAPTERS)}")
    base = inner.optional_text("base") or ("zigbee2mqtt" if kind == "zigbee2mqtt" else "")
    if not base:
        inner.note("base", "is missing; for ChirpStack it is application/<id>")
    elif set(base) & set(_IN_TOPICS) or base.startswith(("/", "$")) or base.endswith("/"):
        inner.note("base", "must be a topic without + and #, and without a slash at either end")
    elif f"{base}/".startswith(f"{DEFAULT_ROOT}/"):
        inner.note("base", f"lies below {DEFAULT_ROOT}, where hubs speak our own wire")
    return Adapter(kind, base)


def read_device_name(record: Record, name: str) -> str | None:
    """What a device's maker calls it, None when that is its id."""
    found = record.optional_text("name")
    if found is not None and (set(found) & set(_IN_TOPICS) or len(found) > _LONGEST_NAME):
        record.note("name", f"must be at most {_LONGEST_NAME} characters without + and #")
    return None if found == name else found


def read_map(record: Record) -> dict[str, dict[str, str]]:
    """What the values of a device's properties mean: `{contact: {false: alarm.pull_cord}}`."""
    found: dict[str, dict[str, str]] = {}
    for name, meanings in record.details("map").items():
        if not isinstance(meanings, dict):
            record.note(
                "map", f"'{name}' must map values to event types, as {{action: {{hold: alarm.pendant}}}}"
            )
            continue
        found[name] = {}
        for value, type_ in meanings.items():
            if not isinstance(type_, str) or not is_event_type(type_):
                record.note("map", f"'{name}: {value}' leads to no type of event that there is")
            else:
                found[name][value] = type_
    return found


def check_adapters(hubs: Iterable[Hub], lines: Mapping[tuple[str, str], int], faults: Faults) -> None:
    """Notes bridges that lie within one another, and devices that two hubs claim.

    Hubs may share a bridge: one coordinator often serves the flats of a floor.
    """
    bridges: dict[str, Hub] = {}
    names: dict[tuple[str, str], tuple[str, str]] = {}
    for hub in hubs:
        if hub.adapter is None:
            continue
        place, line = f"hubs[{hub.id}]", lines["hubs", hub.id]
        for base, other in bridges.items():
            if base == hub.adapter.base and other.adapter and other.adapter.kind != hub.adapter.kind:
                faults.note(line, f"{place}.adapter", f"'{other.id}' has the same base and another kind")
            elif base != hub.adapter.base and _nested(base, hub.adapter.base):
                faults.note(line, f"{place}.adapter", f"its base and that of '{other.id}' lie in one another")
        bridges.setdefault(hub.adapter.base, hub)
        for name, device in _named(hub):
            holder, other_device = names.setdefault((hub.adapter.base, name), (hub.id, device.id))
            if (holder, other_device) != (hub.id, device.id):
                faults.note(
                    line, f"{place}.devices[{device.id}]", f"'{name}' is a device of '{holder}' already"
                )


def _named(hub: Hub) -> Iterator[tuple[str, Device]]:
    for device in hub.devices:
        yield device.name or device.id, device


def _nested(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
