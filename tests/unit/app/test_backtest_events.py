"""The events of a backtest: of each id the first message stands, whatever it is."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import backtest_events
from app.backtest_events import read_events
from care.model import Estate
from care.policy import DEFAULT_POLICY
from tests.unit.care.builders import DWELLING, HUB

ESTATE = Estate(dwellings={DWELLING.id: DWELLING}, hubs={HUB.id: HUB})
BEGIN = datetime(2026, 11, 20, 8, tzinfo=UTC)
Said = tuple[str, int | None]
"""A type, and a heartbeat's `queued`."""
KINDS: list[Said] = [
    ("heartbeat", None),
    ("heartbeat", 0),
    ("heartbeat", 2),
    ("door.opened", None),
    ("alarm.pendant", None),
]
messages = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 12)), max_size=40)


@given(messages, st.sampled_from([1, 3, 200]))
def test_of_each_id_the_first_message_stands(said: list[tuple[Said, int]], together: int) -> None:
    """A repeat is an id that the hub has sent before, be it in a heartbeat that said nothing new."""
    lines: list[str] = []
    first: dict[str, Said] = {}
    for minute, ((kind, queued), number) in enumerate(said):
        at = (BEGIN + timedelta(minutes=minute)).isoformat()
        data = {} if queued is None else {"queued": queued}
        event = {"id": f"e{number}", "type": kind, "at": at, "data": data}
        lines.append(json.dumps({"hub": HUB.id, "received_at": at, "event": event}))
        first.setdefault(f"e{number}", (kind, queued))
    with pytest.MonkeyPatch.context() as module:
        module.setattr(backtest_events, "_PACKED_TOGETHER", together)
        found = read_events(io.BytesIO("\n".join(lines).encode()), ESTATE, DEFAULT_POLICY, None)
    stand = list(first.items())
    doors = [event_id for event_id, (kind, _) in stand if kind == "door.opened"]
    alarms = [event_id for event_id, (kind, _) in stand if kind == "alarm.pendant"]
    words = [queued for _, (kind, queued) in stand if kind == "heartbeat" and queued is not None]
    assert [event.event_id for event in found.events[HUB.id]] == doors
    assert [signal.event_id for signal in found.signals] == alarms
    heard = [word.queued for word in found.hearing[HUB.id].queue_words]
    assert heard == [word for before, word in zip([None, *words], words, strict=False) if word != before]
