"""Messages in hand, and when they are written."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.connection import Connection
from gateway.model import Event
from gateway.session import Message
from ingest.gather import MOST_BYTES, MOST_MESSAGES, Gatherer, InHand, due
from ingest.model import Arrival

NOW = datetime(2026, 11, 21, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("events", "urgent", "waited", "why"),
    [
        (0, False, 99.0, None),
        (1, False, 0.019, None),
        (1, False, 0.02, "waited"),
        (1, True, 0.0, "urgent"),
        (499, False, 0.0, None),
        (500, False, 0.0, "full"),
    ],
)
def test_a_batch_is_due_when_it_must_not_or_need_not_wait(
    events: int, urgent: bool, waited: float, why: str | None
) -> None:
    """Urgent at once, full at once, the rest after the wait."""
    assert due(events, urgent, waited, size=500, wait=0.02) == why


def in_hand(
    id_: str, type_: str = "heartbeat", *, connection: Any = None, payload: bytes = b"x", events: int = 1
) -> InHand:
    """A message by a connection that is only an identity here: nothing is sent."""
    told = tuple(Event(id=id_, type=type_, at=NOW) for _ in range(events))
    message = Message("t", payload, False, NOW, 1, 1, connection)
    return InHand(message, Arrival("t", "h", NOW, payload, events=told), asyncio.get_running_loop().time())


def ids(batch: list[InHand]) -> list[str]:
    return [one.content.events[0].id for one in batch if isinstance(one.content, Arrival)]


async def test_a_press_overtakes_what_is_gathered() -> None:
    """Urgent messages are written first, and each kind keeps its order."""
    gatherer = Gatherer(size=3, wait=60)
    for name, type_ in (("a", "heartbeat"), ("b", "alarm.fall"), ("c", "heartbeat"), ("d", "alarm.co")):
        gatherer.add(in_hand(name, type_))
    batch, why = await gatherer.batch()
    assert (ids(batch), why) == (["b", "d", "a"], "urgent")
    assert len(gatherer) == 1


async def test_a_message_larger_than_a_batch_is_a_batch() -> None:
    """An array of more events than a batch takes is not stuck for ever."""
    gatherer = Gatherer(size=3, wait=60)
    gatherer.add(in_hand("a", events=5))
    gatherer.add(in_hand("b", events=3))
    assert ids((await gatherer.batch())[0]) == ["a"]
    assert ids((await gatherer.batch())[0]) == ["b"]


async def test_what_came_by_an_ended_connection_is_dropped() -> None:
    """The next connection is delivered it again; what came by another stays."""
    old, new = object(), object()
    gatherer = Gatherer(size=1, wait=60)
    gatherer.add(in_hand("a", connection=old))
    gatherer.add(in_hand("b", connection=new))
    assert gatherer.drop(old) == 1
    assert ids((await gatherer.batch())[0]) == ["b"]
    gatherer.add(in_hand("c", connection=new))
    assert gatherer.drop(new) == 1
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(gatherer.batch(), 0.01)


async def test_a_waiting_batch_is_woken_by_what_arrives() -> None:
    """The gatherer waits without polling, and a press ends the wait."""
    gatherer = Gatherer(size=10, wait=60)
    waiting = asyncio.create_task(gatherer.batch())
    await asyncio.sleep(0)
    gatherer.add(in_hand("a"))
    await asyncio.sleep(0)
    assert not waiting.done()
    gatherer.add(in_hand("b", "alarm.smoke"))
    batch, why = await waiting
    assert (ids(batch), why) == (["b", "a"], "urgent")


async def test_reading_stops_at_a_number_or_a_size_and_resumes_at_half() -> None:
    """Both bounds of what is in hand hold, and taking starts again only well below them."""
    gatherer = Gatherer(size=MOST_MESSAGES // 2 + 1, wait=60)
    one = in_hand("a")
    for _ in range(MOST_MESSAGES):
        assert not gatherer.is_full
        gatherer.add(one)
    assert gatherer.is_full
    await gatherer.batch()
    assert gatherer.has_room
    large = Gatherer(size=1, wait=60)
    for _ in range(2):
        large.add(in_hand("b", payload=bytes(MOST_BYTES // 2 + 1)))
    assert large.is_full
    await large.batch()
    assert not large.has_room
    await large.batch()
    assert large.has_room


def test_a_connection_is_the_identity_that_messages_carry() -> None:
    """Two connections are never equal, so neither are the messages' ways back."""
    assert Connection.__eq__ is object.__eq__
