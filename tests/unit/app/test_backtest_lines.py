"""The lines of an events file: decoded together they are what each is by itself."""

import io
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import backtest_lines
from app.backtest_lines import AnyLine, lines_of, sorted_lines_of
from gateway.codec import Rejected

TIMES = ["2026-11-20T08:00:00Z", "2026-11-20T08:00:00.5+01:00", "2026-11-20T07:59:00+00:00"]
values = st.one_of(
    *(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False),
        st.text(max_size=4),
    ),
    *(st.sampled_from(["\u007f", "\\", "é", "\ud7ff"]), st.lists(st.integers(), max_size=2)),
    st.dictionaries(st.text(max_size=2), st.none(), max_size=1),
)
events = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["e1", "e 2", "x" * 64, "x" * 65, "", "\u007f", "é", 7]),
        "type": st.sampled_from(["heartbeat", "carer.arrived", "alarm.pendant", ""]),
        "at": st.sampled_from([*TIMES, "2026-11-20T08:00:00", "soon"]),
    },
    optional={
        "data": st.none()
        | st.dictionaries(st.sampled_from(["queued", "credential", "x"]), values, max_size=3),
        "seq": st.sampled_from([1, 2**63, "1", None]),
        "device": st.sampled_from(["d", None, 5]),
    },
)
statuses = st.sampled_from([None, {}, {"online": True}, {"online": False, "battery": 1}, {"online": "no"}])
whole = st.fixed_dictionaries(
    {"hub": st.sampled_from(["h", "é", None]), "received_at": st.sampled_from([*TIMES, "2026", 5])},
    optional={"event": events, "status": statuses, "more": st.integers()},
).map(lambda line: json.dumps(line).encode())
plain = st.sampled_from(
    [
        json.dumps(
            {
                "hub": "h",
                "received_at": TIMES[0],
                "event": {"id": f"b{n}", "type": "heartbeat", "at": TIMES[0]},
            }
        )
        for n in range(3)
    ]
).map(str.encode)
odd = st.sampled_from(
    [
        b"",
        b"   \t",
        b"{}",
        b"[]",
        b"}{",
        b"\xff\xfe",
        b'{"hub":"h","received_at":"2026-11-20T08:00:00Z","status":{"online":true}}'
        b'{"hub":"h","received_at":"2026-11-20T08:00:00Z","status":{"online":true}}',
        b'{"hub":"h","received_at":"2026-11-20T08:00:00Z",',
        b'"status":{"online":true}}',
        b'{"hub":"h","received_at":"2026-11-20T08:00:00Z","event":' + b'{"data":' * 40 + b"1" + b"}" * 41,
        b'{"hub":"h","received_at":"2026-11-20T08:00:00Z","event":' + b"[" * 2000,
        b'{"hub":"h","received_at":"2026-11-20T08:00:00Z",'
        b'"event":{"id":"\x7f","type":"t","at":"2026-11-20T08:00:00Z"}}',
        '{"hub":"é","received_at":"2026-11-20T08:00:00Z","status":{"online":true}}'.encode(),
        b'{"hub":"h","received_at":"2026-11-20T08:00:00Z","event":{"id":"e","type":"t",'
        b'"at":"2026-11-20T08:00:00Z","data":{"x":"' + b"y" * 17_000 + b'"}}}',
    ]
)
bodies = st.lists(st.one_of(plain, plain, plain, whole, odd, st.binary(max_size=30)), max_size=12)


def shown(line: AnyLine | None) -> Any:
    """A line's contents, whichever way they were decoded."""
    if line is None:
        return None
    parts = [part for part in (line.event, line.status) if isinstance(part, msgspec.Struct)]
    return (
        line.hub,
        line.received_at,
        [msgspec.structs.asdict(part) for part in parts],
        [part for part in (line.event, line.status) if isinstance(part, Rejected)],
    )


def one_by_one(text: bytes) -> list[Any]:
    """Each line of a file, read as a file of its own that is looked at without haste."""
    with pytest.MonkeyPatch.context() as module:
        module.setattr(backtest_lines, "_plain_lines", lambda piece: 0)
        return [shown(line) for raw in text.split(b"\n") for line in lines_of(io.BytesIO(raw + b"\n"))]


@settings(max_examples=150, deadline=None)
@given(bodies, st.sampled_from([b"\n", b"\r\n"]), st.booleans(), st.sampled_from([7, 400, 64 * 1024]))
def test_together_is_as_one_by_one(lines: list[bytes], end: bytes, ended: bool, piece: int) -> None:
    """Wherever the file is cut, and whatever stands beside a line, it is what it is by itself."""
    text = end.join(lines) + end * ended
    with pytest.MonkeyPatch.context() as module:
        module.setattr(backtest_lines, "_PIECE", piece)
        assert [shown(line) for line in lines_of(io.BytesIO(text))] == one_by_one(text)


@settings(max_examples=60, deadline=None)
@given(bodies, st.sampled_from([1, 3, 400]))
def test_sorting_loses_and_adds_nothing(lines: list[bytes], together: int) -> None:
    """The same lines come in order of receipt, those without one first."""
    text = b"\n".join(lines)
    with pytest.MonkeyPatch.context() as module:
        module.setattr(backtest_lines, "_TOGETHER", together)
        found = [shown(line) for line in sorted_lines_of(io.BytesIO(text))]
    expected = one_by_one(text)
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    times = [line[1] for line in found if line is not None]
    assert times == sorted(times)


@pytest.mark.parametrize(
    "body", [b'{"hub":"h","received_at":"%s"}', b'{"hub":"h","received_at":"%s","event":3}']
)
def test_a_line_in_which_something_stands_is_read(body: bytes) -> None:
    """A line without event or status is a line; what is made of it is its reader's to say."""
    (line,) = lines_of(io.BytesIO(body % TIMES[0].encode()))
    assert line is not None
    assert (line.event is msgspec.UNSET) is (b"event" not in body)
