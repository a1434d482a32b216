"""Every decoder of what comes from outside, with what must hold whatever the bytes are.

Each target takes bytes and returns; it raises what the decoder promises not to raise, or AssertionError.
"""

import io
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

from app.backtest_events import read_events
from care.errors import FileErrors
from care.estate import read_estate
from care.ical import read_calendar
from care.policy import DEFAULT_POLICY
from care.policy_file import read_policy
from care.roster import Known, read_roster
from gateway.adapters import ADAPTERS
from gateway.adapters.contract import Bridge, Device
from gateway.adapters.edges import news
from gateway.adapters.payload import without_codes
from gateway.codec import (
    MAX_EVENTS,
    Rejected,
    decode_event,
    decode_events,
    decode_status,
    encode_event,
)
from gateway.model import Event
from gateway.topics import Topics
from ingest import adapted
from ingest.model import read
from ingest.presence import decode_marker
from ingest.refusals import read_refusal

NOW = datetime(2026, 11, 21, 18, tzinfo=UTC)
ESTATE_FILE = b"""
organisations: [{id: bright, kind: care_provider}]
dwellings: [{id: elm-12, time_zone: Europe/London}]
residents: [{id: ada, dwelling: elm-12}]
hubs: [{id: hub-12, dwelling: elm-12, devices: [{id: panel-1, kind: door_panel, scope: dwelling}]}]
carers: [{id: joy, provider: bright, credentials: ["fob:04A1B2"]}]
packages:
  - {id: pkg-ada, resident: ada, provider: bright, tier: essential,
     visits: [{id: morning, rrule: FREQ=DAILY, start: "08:00", minutes: 30, from: 2026-11-01}]}
"""
ESTATE = read_estate(ESTATE_FILE, "estate.yaml")
KNOWN = Known.of(ESTATE)

_DEVICE = Device("z2m", "thing", "thing", "pendant", "HS1EB", {"contact": {"false": "alarm.pull_cord"}})
_KEYPAD = Device("z2m", "keypad", "keypad", "keypad", None, {"action": {"*": "carer.arrived"}})
BRIDGES = {
    "zigbee2mqtt": Bridge(
        "zigbee2mqtt", "zigbee2mqtt", ("z2m",), {"thing": _DEVICE, "keypad": _KEYPAD, "a/b": _DEVICE}
    ),
    "chirpstack": Bridge("chirpstack", "application/7", ("z2m",), {"24e1": _DEVICE}),
}


def events(data: bytes) -> None:
    """A message of a hub: every piece comes out once, accepted or with its reason, and fits a receipt."""
    for retained in (False, True):
        decoded = decode_events(data, retained=retained)
        assert decoded.events or decoded.rejected or data.strip(b" \t\r\n\xef\xbb\xbf")[:1] == b"["
        assert len(decoded.events) <= MAX_EVENTS
        for event in decoded.events:
            again = decode_event(encode_event(event))
            assert again == event, "an accepted event is not the same when it is sent again"
        for rejected in decoded.rejected:
            assert isinstance(rejected.looks_like_alarm, bool)
            assert rejected.id is None or 0 < len(rejected.id) <= 64


def status(data: bytes) -> None:
    """A hub's status is one, or rejected whole."""
    found = decode_status(data)
    assert not isinstance(found, Rejected) or found.payload == data


def topic(data: bytes) -> None:
    """A topic of any kind leads somewhere: to a hub, or among what is kept."""
    name, _, payload = data.partition(b"\n")
    arrival = read(name.decode("utf-8", "replace"), payload, retained=False, received_at=NOW, topics=Topics())
    assert arrival.events or arrival.rejected or arrival.status or payload.strip()[:1] == b"["


def marker(data: bytes) -> None:
    """Our own marker, or none."""
    decode_marker(data)


def refusal(data: bytes) -> None:
    """A line of the broker's log becomes an event that can be stored, or is kept."""
    arrival = read_refusal("threshold/broker/refusals", data, NOW, adapted.NO_BRIDGES)
    assert arrival is not None
    for event in arrival.events:
        _storable(event)
    assert arrival.events or arrival.rejected


def zigbee2mqtt(data: bytes) -> None:
    """Any message of a Zigbee bridge."""
    for name in ("thing", "keypad", "bridge/state", "a/b/availability", "unmapped"):
        _adapted("zigbee2mqtt", f"zigbee2mqtt/{name}", data)


def chirpstack(data: bytes) -> None:
    """Any uplink."""
    for name in ("24e1", "ffff"):
        _adapted("chirpstack", f"application/7/device/{name}/event/up", data)


def estate(data: bytes) -> None:
    """An estate file is read, or refused with its faults."""
    _refused(lambda: read_estate(data, "estate.yaml"))


def roster(data: bytes) -> None:
    """A roster is read, or refused with its faults."""
    _refused(lambda: read_roster(data, "roster.csv", KNOWN))


def calendar(data: bytes) -> None:
    """A calendar is read, or refused with its faults."""
    _refused(lambda: read_calendar(data, "roster.ics", ESTATE, "pkg-ada", NOW, date(2026, 12, 1)))


def policy(data: bytes) -> None:
    """A policy is read, or refused with its faults."""
    _refused(lambda: read_policy(data, "policy.toml"))


def history(data: bytes) -> None:
    """An events file of a backtest: each line is taken, or counted as rejected."""
    read_events(io.BytesIO(data), ESTATE, DEFAULT_POLICY, None)


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        events, status, topic, marker, refusal, zigbee2mqtt, chirpstack, estate, roster, calendar, policy,
        history,
    )
}  # fmt: skip

SEEDS: Mapping[str, tuple[bytes, ...]] = {
    "events": (
        b'[{"id":"a","type":"alarm.pendant","at":"2026-11-21T18:04:05+00:00","data":{"x":[1,2.5,null]}},{"id":7}]',
        b'{"id":"\\ud800","type":"x","at":"2026-11-21T18:04:05Z"}',
        b'[{"id":"a"',
    ),
    "status": (b'{"online":true,"at":"2026-11-21T18:04:05+00:00","battery":0.93}',),
    "topic": (b'threshold/v1/hub-1/events\n{"id":"a","type":"x","at":"2026-11-21T18:04:05Z"}',),
    "marker": (b'{"instance":"one","connection":1,"at":"2026-11-21T18:04:05Z"}',),
    "refusal": (b"publish\thub-1\tthreshold/v1/hub-2/events",),
    "zigbee2mqtt": (
        b'{"action":"emergency","action_code":"4711","battery":null,"contact":false,"smoke":true,"test":true}',
        b'{"state":"online"}',
        b'{"action":"panic","action_code":"47',
    ),
    "chirpstack": (
        b'{"deduplicationId":"d","time":"2026-11-21T18:04:05.123456789+00:00","object":{"sos":true,"fall":1}}',
    ),
    "estate": (ESTATE_FILE,),
    "roster": (
        b"visit_ref,package,service_date,start,end,carers_required,carer_1,carer_2,tier,status,changed_at\n"
        b"v1,pkg-ada,2026-11-21,08:00,08:30,1,joy,,,planned,\n",
    ),
    "calendar": (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20261122T080000Z\r\n"
        b"DURATION:PT30M\r\nRRULE:FREQ=DAILY;COUNT=3\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    ),
    "policy": (b'settle = "PT72H"\n[tiers.essential]\nmissed_after = "PT1H"\n',),
    "history": (
        b'{"hub":"hub-12","received_at":"2026-11-21T18:00:00Z","event":{"id":"a","type":"carer.arrived",'
        b'"at":"2026-11-21T18:00:00Z","data":{"credential":"fob:04A1B2"}}}\n',
    ),
}
"""What each decoder is meant for, to begin from."""


LEFT = re.compile(rb'"action_code"\s*+:\s*+(?!null([,}\]]|\Z))')
"""A code that was not blotted out, or not to its end."""


def _refused(read_file: Callable[[], object]) -> None:
    faults = None
    try:
        read_file()
    except FileErrors as errors:
        faults = errors.faults
    assert faults is None or faults, "refused without a fault"
    assert all("\n" not in fault.sentence for fault in faults or ()), "a fault is one line"


def _adapted(kind: str, name: str, data: bytes) -> None:
    kept = without_codes(data)
    assert not LEFT.search(kept), "something of a code was left"
    arrival = adapted.read(BRIDGES[kind], name, data, retained=False, received_at=NOW)
    if arrival is None:
        return
    for rejected in arrival.rejected:
        assert rejected.payload == kept
    report, delivery = (arrival.adapted.report, arrival.adapted.delivery) if arrival.adapted else (None, None)
    if report is None or delivery is None:
        return
    assert kind in ADAPTERS
    found = news(report, {}, delivery)
    for event in found.events:
        _storable(event)
    json.dumps(found.last)
    assert news(report, {}, delivery) == found, "the same message makes the same events"


def _storable(event: Event) -> None:
    """What we make of another's message keeps to our own contract."""
    assert isinstance(decode_event(encode_event(event)), Event)
