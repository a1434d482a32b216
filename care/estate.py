"""The estate file (contract §3): YAML to nouns, or every fault with its line and field.

Descriptions may be left out (an address, a name: the id stands in); what decides something may not.
Unknown fields are ignored. References are checked in `care.estate_checks` after everything was read.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfoNotFoundError

from care.errors import EstateErrors, Fault
from care.estate_adapters import check_adapters, read_adapter, read_device_name, read_map
from care.estate_checks import check_references
from care.estate_contacts import Attached, organisation_of
from care.estate_record import Faults, Record
from care.model import (
    DEFAULT_HEARTBEAT,
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
from care.recurrence import check as check_rule
from care.walltime import zone
from care.yamltree import Mapped, compose
from gateway.credentials import OWN_ACCOUNTS

MAX_CARERS = 20  # nobody sends more to one visit; a slip of the keyboard does
MAX_MINUTES = 24 * 60
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_IN_TOPICS = "/+#"  # a hub's id is a level of an MQTT topic
_IN_REFS = "/"  # package and visit ids are parts of a visit's ref


def read_estate(text: str | bytes, source: str, attached: Attached | None = None) -> Estate:
    """The estate that a file describes. `source` is its name in faults, `attached` reads files beside it.

    Raises EstateErrors with all faults: what is no YAML, a field that is missing or of the wrong form, an id
    given twice, a reference to nothing, a credential with two holders, a rule or a zone that does not exist.
    """
    root = compose(_decoded(text, source), source)
    if not isinstance(root, Mapped):
        what = (
            "is empty"
            if root is None
            else "must be a mapping of organisations, dwellings, residents and so on"
        )
        raise EstateErrors([Fault(source, 0, "", what)])
    reading = _Reading(Record(root, "", Faults(source)))
    dwellings = reading.nouns("dwellings", _dwelling)
    places = {noun.time_zone for noun in dwellings.values()}
    only_zone = places.pop() if len(places) == 1 else None
    organisations = reading.nouns(
        "organisations", lambda record: organisation_of(record, only_zone, attached)
    )
    residents = reading.nouns("residents", _resident)
    hubs = reading.nouns("hubs", _hub)
    carers = reading.nouns("carers", _carer)
    zones = {
        resident.id: dwellings[resident.dwelling_id].time_zone
        for resident in residents.values()
        if resident.dwelling_id in dwellings
    }
    packages = reading.nouns("packages", lambda record: _package(record, zones))
    suspensions = [
        (_suspension(record), record.line) for record in reading.top.records("suspensions", "resident")
    ]
    estate = Estate(
        organisations, dwellings, residents, hubs, carers, packages, tuple(noun for noun, _ in suspensions)
    )
    faults = reading.top.faults
    check_references(estate, reading.lines, [line for _, line in suspensions], faults)
    check_adapters(hubs.values(), reading.lines, faults)
    if faults.found:
        raise EstateErrors(faults.found)
    return estate


class _Noun(Protocol):
    @property
    def id(self) -> str: ...


N = TypeVar("N", bound=_Noun)


class _Reading:
    """The nouns of the file by kind, and the line of each."""

    def __init__(self, top: Record) -> None:
        self.top = top
        self.lines: dict[tuple[str, str], int] = {}

    def nouns(self, kind: str, build: Callable[[Record], N]) -> dict[str, N]:
        found: dict[str, N] = {}
        for record in self.top.records(kind):
            noun = build(record)
            if noun.id in found:
                record.note("id", f"'{noun.id}' is already in line {self.lines[kind, noun.id]}")
            elif noun.id:
                found[noun.id] = noun
                self.lines[kind, noun.id] = record.line
        return found


def _decoded(text: str | bytes, source: str) -> str:
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise EstateErrors([Fault(source, line, "", "not UTF-8")]) from None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        line = error.object.count("\n", 0, error.start) + 1
        raise EstateErrors([Fault(source, line, "", "holds half of a surrogate pair")]) from None
    return text.removeprefix("\ufeff")


def _dwelling(record: Record) -> Dwelling:
    name = record.identifier("id")
    zone_name = record.text("time_zone")
    if zone_name:
        try:
            zone(zone_name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            record.note("time_zone", f"'{zone_name}' is not a zone such as Europe/London")
    return Dwelling(
        name,
        record.optional_text("address") or name,
        zone_name,
        record.optional_text("landlord"),
        record.optional_text("scheme"),
    )


def _resident(record: Record) -> Resident:
    name = record.identifier("id")
    return Resident(
        name,
        record.text("dwelling"),
        record.optional_text("name") or name,
        record.optional_text("monitoring_centre"),
        record.optional_text("commissioner"),
        record.flag("high_risk"),
        record.details("details"),
    )


def _hub(record: Record) -> Hub:
    name = record.identifier("id", _IN_TOPICS)
    if name in OWN_ACCOUNTS:
        record.note("id", f"'{name}' is an account of our own at the broker; a hub would take its place")
    dwelling, scheme = record.optional_text("dwelling"), record.optional_text("scheme")
    if (dwelling is None) == (scheme is None):
        record.note("dwelling", "a hub belongs either to a dwelling or to a scheme")
    devices: dict[str, Device] = {}
    for inner in record.records("devices"):
        device = _device(inner)
        if device.id in devices:
            inner.note("id", f"'{device.id}' is another device of this hub")
        devices[device.id] = device
    beat = record.duration("heartbeat_every", DEFAULT_HEARTBEAT)
    return Hub(name, dwelling, scheme, beat, tuple(devices.values()), read_adapter(record))


def _device(record: Record) -> Device:
    scope = record.choice("scope", Scope) if record.has("scope") else None
    name = record.identifier("id")
    return Device(
        name,
        record.text("kind"),
        scope,
        record.details("details"),
        read_device_name(record, name),
        record.optional_text("model"),
        read_map(record),
    )


def _carer(record: Record) -> Carer:
    name = record.identifier("id")
    credentials: dict[str, None] = {}
    for credential, _ in record.texts("credentials"):
        credentials[credential] = None
    return Carer(name, record.text("provider"), record.optional_text("name") or name, tuple(credentials))


def _package(record: Record, zones: dict[str, str]) -> Package:
    resident = record.text("resident")
    recurrences: dict[str, Recurrence] = {}
    for inner in record.records("visits"):
        recurrence = _recurrence(inner, zones.get(resident, "UTC"))
        if recurrence.id in recurrences:
            inner.note("id", f"'{recurrence.id}' is another visit of this package")
        recurrences[recurrence.id] = recurrence
    return Package(
        record.identifier("id", _IN_REFS),
        resident,
        record.text("provider"),
        record.choice("tier", Tier),
        tuple(recurrences.values()),
    )


def _recurrence(record: Record, zone_name: str) -> Recurrence:
    rule, begins, start = record.optional_text("rrule"), record.optional_day("from"), record.wall("start")
    for field in record.fields:
        # Within braces a comma ends the value: {rrule: FREQ=WEEKLY;BYDAY=MO,WE} leaves BYDAY=MO and a field
        # named WE, and half of the visits would silently be gone.
        if field.lstrip("+-0123456789") in ("", *_WEEKDAYS) and not record.has(field):
            record.note("rrule", f"'{field}' stands alone after a comma; write the rule in quotes")
    if rule is not None and begins is None and not record.has("from"):
        record.note("from", "is missing; a visit with an rrule needs the date from which it counts")
    elif rule is not None:
        try:
            check_rule(rule, begins or date(2000, 1, 1), start, zone_name)
        except ValueError as error:
            record.note("rrule", str(error))
        except (ZoneInfoNotFoundError, OSError):
            pass  # the dwelling's time_zone has been named as the fault
    return Recurrence(
        record.identifier("id", _IN_REFS),
        start,
        record.whole("minutes", 1, MAX_MINUTES),
        rule,
        record.whole("carers", 1, MAX_CARERS, default=1),
        begins,
    )


def _suspension(record: Record) -> Suspension:
    begins, ends = record.optional_instant("from"), record.optional_instant("until")
    if begins is None and not record.has("from"):
        record.note("from", "is missing")
    if begins is not None and ends is not None and ends <= begins:
        record.note("until", "must be later than 'from'")
    stand_in = _LONG_AGO if begins is None else begins
    return Suspension(
        record.text("resident"), stand_in, ends, record.text("reason"), record.optional_text("told_by")
    )
