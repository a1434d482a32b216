"""The codec takes every byte a home may send and gives back events or reasons."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.codec import (
    MAX_DEPTH,
    MAX_MESSAGE_BYTES,
    Reason,
    Rejected,
    decode_event,
    decode_events,
    decode_status,
    encode_data,
    encode_receipts,
)
from gateway.model import Event, Receipts, Refusal, Status

GOOD = b'{"id": "e1", "type": "alarm.pendant", "at": "2026-11-21T18:04:05.120+00:00"}'

# Machines that build several projects at once are slow; these tests are about answers, not speed.
_patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)


def event(**fields: object) -> bytes:
    """A good event with some fields replaced; a field set to `...` is left out."""
    whole: dict[str, object] = {
        "id": "e1",
        "type": "heartbeat",
        "at": "2026-11-21T18:04:05.120+00:00",
        **fields,
    }
    return msgspec.json.encode({name: value for name, value in whole.items() if value is not ...})


def raw(tail: bytes) -> bytes:
    """A good event with `tail` as its last members, as they would stand on the wire."""
    return GOOD[:-1] + b", " + tail + b"}"


def only_rejection(payload: bytes, *, retained: bool = False) -> Rejected:
    decoded = decode_events(payload, retained=retained)
    assert decoded.events == ()
    (rejected,) = decoded.rejected
    return rejected


def test_the_contracts_example_decodes() -> None:
    """The example of contract §2 comes out field by field."""
    payload = (
        b'{"id": "01JD8Q3V6K2Z", "type": "alarm.pendant", "at": "2026-11-21T18:04:05.120+00:00",'
        b' "device": "pendant-1", "seq": 4711, "boot": "b7", "data": {"location": "bathroom"}}'
    )
    decoded = decode_events(payload, retained=False)
    assert decoded.rejected == ()
    assert decoded.events == (
        Event(
            id="01JD8Q3V6K2Z",
            type="alarm.pendant",
            at=datetime(2026, 11, 21, 18, 4, 5, 120000, tzinfo=UTC),
            device="pendant-1",
            seq=4711,
            boot="b7",
            data={"location": "bathroom"},
        ),
    )


@pytest.mark.parametrize(
    "payload",
    [
        event(colour="red", nested={"x": [1]}),
        event(type="alarm.never_heard_of"),
        event(type="entirely.new"),
        event(id="~" * 64),
        event(id=" "),
        event(seq=2**63 - 1),
        event(seq=-(2**63)),
        event(seq=None, boot=None, device=None, data=None),
        event(at="0001-01-01T00:00:00+14:00"),
        event(at="2026-11-21T18:04:05.123456789Z"),
        event(data={"text": "back\\u0000slash"}),
        event(data={"x": "ü" * 100, "lone": "}{"}),
        event(data={"blob": "x" * (16 * 1024 - 11)}),
        b"\xef\xbb\xbf \r\n" + GOOD + b"\n",
    ],
)
def test_what_the_contract_allows_is_accepted(payload: bytes) -> None:
    """Unknown fields and types, limits reached but not passed, and blank space around are no faults."""
    decoded = decode_events(payload, retained=False)
    assert decoded.rejected == ()
    assert len(decoded.events) == 1


@pytest.mark.parametrize(
    ("payload", "reason", "event_id"),
    [
        (b"", Reason.EMPTY, None),
        (b"  \n", Reason.EMPTY, None),
        (b"hello", Reason.NOT_JSON, None),
        (b"3", Reason.NOT_AN_OBJECT, None),
        (b"null", Reason.NOT_AN_OBJECT, None),
        (b"[3]", Reason.NOT_AN_OBJECT, None),
        (b"[[]]", Reason.NOT_AN_OBJECT, None),
        (GOOD[:-1], Reason.NOT_JSON, "e1"),
        (GOOD + b"x", Reason.NOT_JSON, "e1"),
        (event(id=...), Reason.MISSING_FIELD, None),
        (event(type=...), Reason.MISSING_FIELD, "e1"),
        (event(at=...), Reason.MISSING_FIELD, "e1"),
        (event(id=""), Reason.BAD_ID, None),
        (event(id="x" * 65), Reason.BAD_ID, None),
        (event(id="tab\t"), Reason.BAD_ID, None),
        (event(id="line\n"), Reason.BAD_ID, None),
        (event(id="ü"), Reason.BAD_ID, None),
        (event(id=7), Reason.BAD_ID, None),
        (event(type=""), Reason.BAD_FIELD, "e1"),
        (event(type=7), Reason.BAD_FIELD, "e1"),
        (event(at="2026-11-21T18:04:05"), Reason.BAD_TIME, "e1"),
        (event(at="yesterday"), Reason.BAD_TIME, "e1"),
        (event(at="2026-02-30T00:00:00Z"), Reason.BAD_TIME, "e1"),
        (event(at=1700000000), Reason.BAD_TIME, "e1"),
        (event(seq=2**63), Reason.NUMBER, "e1"),
        (event(seq=1.5), Reason.BAD_FIELD, "e1"),
        (event(device="d" * 256), Reason.BAD_FIELD, "e1"),
        (event(data=[1]), Reason.BAD_FIELD, "e1"),
        (raw(b'"device": "a\\u0000b"'), Reason.NUL, "e1"),
        (raw(b'"data": {"\\u0000": 1}'), Reason.NUL, "e1"),
        (raw(b'"device": "a\x00b"'), Reason.NOT_JSON, "e1"),
        (raw(b'"data": {"x": "\\ud800"}'), Reason.SURROGATE, "e1"),
        (raw(b'"data": {"x": "\\uDFff"}'), Reason.SURROGATE, "e1"),
        (raw(b'"data": {"x": "\\ud800", "y": }'), Reason.NOT_JSON, "e1"),
        (raw(b'"data": {"x": "\xff"}'), Reason.NOT_UTF8, "e1"),
        (raw(b'"ignored": "\xc3\x28"'), Reason.NOT_UTF8, "e1"),
        (raw(b'"data": {"x": NaN}'), Reason.NOT_JSON, "e1"),
        (raw(b'"data": {"x": Infinity}'), Reason.NOT_JSON, "e1"),
        (raw(b'"data": {"x": 1e400}'), Reason.NUMBER, "e1"),
        (raw(b'"data": {"x": ' + b"9" * 5000 + b"}"), Reason.NUMBER, "e1"),
        (raw(b'"data": {"x": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}"), Reason.TOO_DEEP, "e1"),
        (raw(b'"data": {"x": ' + b"[" * 5000 + b"]" * 5000 + b"}"), Reason.TOO_DEEP, "e1"),
        (raw(b'"ignored": ' + b"[" * 9000 + b"]" * 9000), Reason.TOO_DEEP, "e1"),
        (raw(b'"data": null, "ignored": ' + b"[" * 9000 + b"]" * 9000), Reason.BAD_FIELD, "e1"),
        (event(data={"blob": "x" * (16 * 1024 - 10)}), Reason.DATA_TOO_LARGE, "e1"),
        (event(ignored="x" * (32 * 1024)), Reason.EVENT_TOO_LARGE, "e1"),
        (b"x" * (MAX_MESSAGE_BYTES + 1), Reason.MESSAGE_TOO_LARGE, None),
    ],
)
def test_each_fault_has_its_reason_and_keeps_the_bytes(
    payload: bytes, reason: Reason, event_id: str | None
) -> None:
    """What cannot be accepted is kept whole, with its own reason, and its id where that can be read."""
    rejected = only_rejection(payload)
    assert (rejected.reason, rejected.id) == (reason, event_id)
    assert rejected.payload.strip(b" \n[]") == payload.strip(b" \n[]")


@pytest.mark.parametrize(
    "poison",
    [
        raw(b'"device": "a\\u0000b"'),
        raw(b'"data": {"x": "\\ud800"}'),
        raw(b'"data": {"x": "\xff"}'),
        raw(b'"data": {"x": NaN}'),
        raw(b'"data": {"x": 1e400}'),
        raw(b'"data": {"x": ' + b"[" * 5000 + b"]" * 5000 + b"}"),
        raw(b'"seq": 99999999999999999999'),
        raw(b'"data": {"comma": "],[{", "x": undefined}'),
        b'{"id": "e1", "type": }',
        b"null",
        b"3",
    ],
)
def test_a_poisoned_event_leaves_its_neighbours_in_the_array_alone(poison: bytes) -> None:
    """Around each kind of poison both neighbours are accepted, and the poison alone is rejected."""
    decoded = decode_events(
        b"[" + event(id="before") + b" , " + poison + b"," + event(id="after") + b"]", retained=False
    )
    assert [accepted.id for accepted in decoded.events] == ["before", "after"]
    (rejected,) = decoded.rejected
    assert rejected.payload == poison


def test_an_array_that_was_cut_off_keeps_its_whole_events() -> None:
    """The complete events of a truncated array are accepted and its torn end is kept as rejected."""
    decoded = decode_events(b"[" + event(id="whole") + b"," + event(id="torn")[:-9], retained=False)
    assert [accepted.id for accepted in decoded.events] == ["whole"]
    assert [(torn.id, torn.reason) for torn in decoded.rejected] == [("torn", Reason.NOT_JSON)]


def test_an_empty_array_says_nothing() -> None:
    """An array of no events is neither an event nor a fault."""
    decoded = decode_events(b"[]", retained=False)
    assert (decoded.events, decoded.rejected) == ((), ())


def test_past_the_five_hundredth_each_event_is_rejected_by_id() -> None:
    """An array of 502 gives 500 events and two rejections that a receipt can name."""
    payload = b"[" + b",".join(event(id=f"n{number}") for number in range(502)) + b"]"
    decoded = decode_events(payload, retained=False)
    assert [accepted.id for accepted in decoded.events] == [f"n{number}" for number in range(500)]
    assert [(extra.id, extra.reason) for extra in decoded.rejected] == [
        ("n500", Reason.TOO_MANY),
        ("n501", Reason.TOO_MANY),
    ]


def test_retained_events_are_refused_one_by_one() -> None:
    """A retained message is refused, good events and bad ones, with the ids that can be read."""
    decoded = decode_events(b"[" + GOOD + b", 3]", retained=True)
    assert decoded.events == ()
    assert [(refused.id, refused.reason) for refused in decoded.rejected] == [
        ("e1", Reason.RETAINED),
        (None, Reason.RETAINED),
    ]


def test_an_id_inside_data_is_never_taken_for_the_events_own() -> None:
    """A receipt must not refuse an event that some other, broken, event only mentions."""
    torn = b'{"data": {"id": "other", "type": "alarm.fall"}, "text": "\\"id\\": \\"another\\"", "at": '
    rejected = only_rejection(torn)
    assert (rejected.id, rejected.type) == (None, None)


def test_two_different_ids_in_one_broken_event_are_no_id() -> None:
    """Where the id is in doubt the receipt names none."""
    assert only_rejection(b'{"id": "a", "id": "b", "type": }').id is None


@pytest.mark.parametrize(
    ("payload", "looks"),
    [
        (event(type="alarm.pendant", at="no time"), True),
        (event(type="alarm.of_the_future", id=""), True),
        (event(type="alarm.cancelled", at="no time"), False),
        (event(type="heartbeat", at="no time", data={"last": "alarm.fall"}), False),
        (b'{"id": "e1", "type": "alarm.pen', True),
        (b'["alarm.pendant"', True),
        (b"\xff\xfe", False),
    ],
)
def test_a_cry_for_help_is_seen_through_broken_bytes(payload: bytes, looks: bool) -> None:
    """A rejected message looks like an alarm by its type, or by any mention where no type can be read."""
    assert only_rejection(payload).looks_like_alarm is looks


def test_a_rejection_quotes_no_value() -> None:
    """The detail of a rejection names the field and not what stood in it, which may be a PIN."""
    rejected = only_rejection(event(type="carer.arrived", data="pin:4711"))
    assert rejected.detail == "data"


@_patient
@given(st.binary(max_size=300))
def test_no_bytes_crash_the_decoders(payload: bytes) -> None:
    """Any bytes give an answer, and bytes that are no event are kept."""
    for retained in (False, True):
        decoded = decode_events(payload, retained=retained)
        if payload.strip(b" \t\r\n") != b"[]":
            assert decoded.events or decoded.rejected or payload.strip(b" \t\r\n[]") == b""
    decode_status(payload)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
# Quotes and brackets of junk can swallow what follows, as they would for any reader; these have none.
_junk = st.binary(min_size=1, max_size=20).filter(lambda junk: not set(junk) & set(b'"[]{},'))
_fields = st.fixed_dictionaries(
    {}, optional={name: _json for name in ("id", "type", "at", "seq", "data", "x")}
)


@_patient
@given(st.lists(_fields.map(msgspec.json.encode) | st.just(GOOD) | _junk, max_size=6))
def test_good_events_survive_any_neighbours_that_are_json(parts: list[bytes]) -> None:
    """However odd the other elements of an array, each good one comes out of it."""
    decoded = decode_events(b"[" + b",".join(parts) + b"]", retained=False)
    assert sum(accepted.id == "e1" for accepted in decoded.events) >= parts.count(GOOD)


@_patient
@given(_json)
def test_accepted_data_is_text_that_a_database_takes(value: object) -> None:
    """Data that passed holds no NUL and no surrogate when it is written again."""
    outcome = decode_event(event(data={"x": value}))
    if isinstance(outcome, Event):
        text = encode_data(outcome)
        assert "\\u0000" not in text.replace("\\\\", "")
        text.encode()


def test_status_and_last_will() -> None:
    """A full status and a bare will both decode; a status without `online` has a reason."""
    full = (
        b'{"online": true, "at": "2026-11-21T18:04:05Z", "firmware": "1.2", "mains": true, "battery": 0.93}'
    )
    assert decode_status(full) == Status(
        online=True, at=datetime(2026, 11, 21, 18, 4, 5, tzinfo=UTC), firmware="1.2", mains=True, battery=0.93
    )
    assert decode_status(b'{"online": false}') == Status(online=False)
    bad = decode_status(b'{"at": "2026-11-21T18:04:05Z"}')
    assert isinstance(bad, Rejected)
    assert (bad.reason, bad.detail) == (Reason.MISSING_FIELD, "online")
    deep = decode_status(b'{"online": true, "x": ' + b"[" * 15_000 + b"]" * 15_000 + b"}")
    assert isinstance(deep, Rejected)
    assert deep.reason is Reason.TOO_DEEP


def test_receipts_have_the_contracts_shape() -> None:
    """A receipt is written exactly as contract §2 shows it."""
    payload = encode_receipts(Receipts(stored=("a",), rejected=(Refusal("b", Reason.BAD_TIME),)))
    assert msgspec.json.decode(payload) == {
        "stored": ["a"],
        "rejected": [{"id": "b", "reason": "time is not RFC 3339 with an offset"}],
    }
