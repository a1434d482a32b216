"""What of a report is news? Pure: a report and the last known values in; events and new values out.

Source: domain/alarms.md §3. Every message repeats what is cached, and all is published again when a bridge
starts; so a state is news when it changes, and what a person did (a momentary property) is news each time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from gateway.adapters.contract import ACTION_CODE, Device, Map, Report, Value
from gateway.model import Event

LIVE_WITHIN = timedelta(minutes=15)
"""A report older than this comes out of somebody's buffer: it is history, and must raise nothing
(domain/alarms.md §3). Shorter would silence presses that a gateway's flapping link held up."""
REMEMBERED = 20
"""How many messages with a momentary property are remembered for each device: as many as can lie between two
acknowledgements when a button is pressed in panic."""
ANY = "*"
TEST = "test"
LONGEST_VALUE = 100

_CALLS = ("alarm.", "technical.")
_RESTORES = frozenset(
    {
        "technical.battery_ok",
        "technical.mains_restored",
        "technical.sensor_restored",
        "technical.link_restored",
        "alarm.cancelled",
    }
)
_DOOR_CALLS = frozenset({"door.forced", "door.held", "door.call"})
_TESTABLE = frozenset({"alarm.smoke", "alarm.heat", "alarm.co", "alarm.gas", "alarm.flood"})
_CREDENTIALS = frozenset({"carer.arrived", "carer.departed", "door.granted", "door.denied", "door.call"})


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the message came. `again`: the broker says that it delivers this once more; `mark` is then the same
    as the first time. Presses are alike to the byte, so without `again` the same mark is another press.
    """

    mark: str
    received_at: datetime
    retained: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """The events of a report, and what to remember of the device from now on, property by property."""

    events: tuple[Event, ...]
    last: Mapping[str, Any]


def news(report: Report, last: Mapping[str, Any], delivery: Delivery) -> News:
    """What a report tells that was not known, given the device's `last` values."""
    if _is_history(report, delivery.received_at):
        return News(tuple(_history(report, delivery)), {})
    remembered: dict[str, Any] = {}
    events: list[Event] = []
    testing = report.values.get(TEST) is True
    if testing and last.get(TEST) is not True:
        events.append(_event(report, delivery, TEST, True, "test.call"))
    for name, value, types in _mapped(report):
        if name in report.momentary:
            events += _moment(report, name, value, types, last, remembered, delivery)
            continue
        text, before = text_of(value), last.get(name)
        type_ = types.get(text) or types.get(ANY)
        if testing and type_ in _TESTABLE:
            continue  # not remembered either: when the test ends and the smoke does not, that is news
        if text == before:
            continue
        remembered[name] = text
        if type_ is not None and (before is not None or _is_worth_a_first_word(type_)):
            events.append(_event(report, delivery, name, value, type_))
    if TEST in report.values and last.get(TEST) is not testing:
        remembered[TEST] = testing
    return News(tuple(events), remembered)


def may_call(report: Report) -> bool:
    """Whether a report has to do with an alarm at all, raised or over: it waits for no other message.

    Both alike, so that the reports of one device keep their order.
    """
    return any(type_.startswith("alarm.") for _, _, types in _mapped(report) for type_ in types.values())


def alarm_of(device: Device, defaults: Map) -> str | None:
    """The first alarm that a device can raise; None when it can raise none."""
    types = (type_ for types in {**defaults, **device.map}.values() for type_ in types.values())
    return next((type_ for type_ in types if type_.startswith("alarm.")), None)


def text_of(value: Value) -> str:
    """A value as an estate file writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _mapped(report: Report) -> Iterator[tuple[str, Value, Mapping[str, str]]]:
    """The properties of which the map speaks; a device's own map stands above that of its model."""
    chosen = {**report.defaults, **report.device.map}
    for name in sorted(report.values):
        if name in chosen and name not in (ACTION_CODE, TEST):
            yield name, report.values[name], chosen[name]


def _moment(
    report: Report,
    name: str,
    value: Value,
    types: Mapping[str, str],
    last: Mapping[str, Any],
    remembered: dict[str, Any],
    delivery: Delivery,
) -> Iterator[Event]:
    """Each message is an event, but for one that the broker kept, or delivers again after it was stored."""
    type_ = types.get(text_of(value)) or types.get(ANY)
    if type_ is None or value in ("", 0) or delivery.retained:
        return
    marks = list(last.get(name) or [])
    if delivery.again and delivery.mark in marks:
        return
    remembered[name] = [*marks, delivery.mark][-REMEMBERED:]
    yield _event(report, delivery, name, value, type_)


def _is_worth_a_first_word(type_: str) -> bool:
    """Whether the first value ever seen is news: only when somebody may be in need, or something fails."""
    return type_.startswith(_CALLS) and type_ not in _RESTORES


def _is_history(report: Report, received_at: datetime) -> bool:
    return report.at is not None and received_at - report.at > LIVE_WITHIN


def _history(report: Report, delivery: Delivery) -> Iterator[Event]:
    """An old report is stored with its time; what would call somebody as `history.…`, which calls nobody.

    Without its neighbours in time no state can be told from a repeat, so states are told as history too.
    """
    for name, value, types in _mapped(report):
        type_ = types.get(text_of(value)) or types.get(ANY)
        if type_ is None:
            continue
        as_it_is = name in report.momentary and not type_.startswith(_CALLS) and type_ not in _DOOR_CALLS
        yield _event(report, delivery, name, value, type_ if as_it_is else f"history.{type_}")


def _event(report: Report, delivery: Delivery, name: str, value: Value, type_: str) -> Event:
    shown = value[:LONGEST_VALUE] if isinstance(value, str) else value
    data: dict[str, Any] = {"property": name, "value": shown}
    if type_.startswith("door."):
        data["panel"] = report.device.id
    if report.code is not None and type_ in _CREDENTIALS:
        data |= {"credential": f"pin:{report.code}", "method": "pin"}
    return Event(
        id=_id(report, delivery, name),
        type=type_,
        at=report.at or delivery.received_at,
        device=report.device.id,
        data=data,
    )


def _id(report: Report, delivery: Delivery, name: str) -> str:
    """The maker's id for the first property that the map knows, and derived ones for any further.

    Which is first follows from the message alone, so the same message has the same ids whatever was known.
    """
    if report.id is not None:
        if name == next((known for known, _, _ in _mapped(report)), name):
            return report.id
        return digest(report.id, name)
    stamp = delivery.received_at.isoformat()
    return digest(report.device.hub, report.device.id, delivery.mark, stamp, name)


def digest(*parts: str) -> str:
    """Thirty-two characters that stand for these texts together."""
    return blake2b(msgspec.json.encode(parts), digest_size=16).hexdigest()
