"""Messages in hand, and when they are written."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.connection import Connection
from gateway.model import Event
from gateway.session import Message
from ingest import gather
from ingest.gather import MOST_BYTES, MOST_MESSAGES, Gatherer, InHand, Lane, due, lane_of
from ingest.model import Adapted, Arrival

NOW = datetime(2026, 11, 21, 18, tzinfo=UTC)
EVEN, ODD = "hub-12", "hub-20"
"""A hub of each half."""


@pytest.mark.parametrize(
    ("lane", "events", "waited", "why"),
    [
        (Lane.ORDINARY, 0, 99.0, None),
        (Lane.URGENT, 0, 99.0, None),
        (Lane.ORDINARY, 1, 0.019, None),
        (Lane.ORDINARY, 1, 0.02, "waited"),
        (Lane.URGENT, 1, 0.0, "urgent"),
        (Lane.ORDINARY, 499, 0.0, None),
        (Lane.ORDINARY, 500, 0.0, "full"),
    ],
)
def test_a_batch_is_due_when_it_must_not_or_need_not_wait(
    lane: Lane, events: int, waited: float, why: str | None
) -> None:
    """Urgent at once, full at once, the rest after the wait."""
    assert due(lane, events, waited, size=500, wait=0.02) == why


def in_hand(
    id_: str,
    type_: str = "heartbeat",
    *,
    hub: str = EVEN,
    connection: Any = None,
    payload: bytes = b"x",
    events: int = 1,
) -> InHand:
    """A message by a connection that is only an identity here: nothing is sent."""
    told = tuple(Event(id=id_, type=type_, at=NOW) for _ in range(events))
    message = Message("t", payload, False, NOW, 1, connection)
    return InHand(message, Arrival("t", hub, NOW, payload, events=told), asyncio.get_running_loop().time())


def ids(batch: list[InHand]) -> list[str]:
    return [one.content.events[0].id for one in batch if isinstance(one.content, Arrival)]


def put(gatherer: Gatherer, *some: InHand) -> None:
    for one in some:
        gatherer.add(one, lane_of(one.content))


async def test_a_press_overtakes_what_is_gathered() -> None:
    """Urgent messages have a lane of their own, and each lane keeps its order."""
    gatherer = Gatherer(size=2, wait=60)
    for name, type_ in (("a", "heartbeat"), ("b", "alarm.fall"), ("c", "heartbeat"), ("d", "alarm.co")):
        put(gatherer, in_hand(name, type_))
    batch, why = await gatherer.batch(Lane.URGENT)
    assert (ids(batch), why) == (["b", "d"], "urgent")
    batch, why = await gatherer.batch(Lane.ORDINARY)
    assert (ids(batch), why) == (["a", "c"], "full")
    assert len(gatherer) == 0


async def test_a_message_larger_than_a_batch_is_a_batch() -> None:
    """An array of more events than a batch takes is not stuck for ever."""
    gatherer = Gatherer(size=3, wait=60)
    put(gatherer, in_hand("a", events=5))
    put(gatherer, in_hand("b", events=3))
    assert ids((await gatherer.batch(Lane.ORDINARY))[0]) == ["a"]
    assert ids((await gatherer.batch(Lane.ORDINARY))[0]) == ["b"]


async def test_what_came_by_an_ended_connection_is_dropped() -> None:
    """The next connection is delivered it again; what came by another stays."""
    old, new = object(), object()
    gatherer = Gatherer(size=1, wait=60)
    put(gatherer, in_hand("a", connection=old))
    put(gatherer, in_hand("b", connection=new))
    assert gatherer.drop(old) == 1
    assert ids((await gatherer.batch(Lane.ORDINARY))[0]) == ["b"]
    put(gatherer, in_hand("c", connection=new))
    assert gatherer.drop(new) == 1
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(gatherer.batch(Lane.ORDINARY), 0.01)


async def test_a_waiting_batch_is_woken_by_what_arrives() -> None:
    """A lane waits without polling, and for its own kind only."""
    gatherer = Gatherer(size=10, wait=60)
    waiting = asyncio.create_task(gatherer.batch(Lane.URGENT))
    await asyncio.sleep(0)
    put(gatherer, in_hand("a"))
    await asyncio.sleep(0)
    assert not waiting.done()
    put(gatherer, in_hand("b", "alarm.smoke"))
    batch, why = await waiting
    assert (ids(batch), why) == (["b"], "urgent")


async def test_two_halves_of_the_hubs_have_a_lane_each() -> None:
    """A hub's everyday messages stay in one lane, in their order; calls and all else have theirs."""
    gatherer = Gatherer(size=9, wait=0)
    for name, hub in (("a", ODD), ("b", EVEN), ("c", ODD), ("d", EVEN)):
        put(gatherer, in_hand(name, hub=hub))
    assert ids((await gatherer.batch(Lane.ORDINARY))[0]) == ["b", "d"]
    assert ids((await gatherer.batch(Lane.SECOND))[0]) == ["a", "c"]
    adapted = Arrival("zigbee2mqtt/x", ODD, NOW, b"", adapted=Adapted((ODD,)))
    assert [lane_of(one) for one in (None, adapted)] == [Lane.ORDINARY, Lane.ORDINARY]
    halves = Counter(lane_of(Arrival("t", f"hub-{n}", NOW, b"")) for n in range(1000))
    assert min(halves[Lane.ORDINARY], halves[Lane.SECOND]) > 400


async def test_everyday_work_gives_way_to_a_call_until_it_is_written() -> None:
    """It waits while a call is in hand or being written, and no longer; nothing is waited for without one."""
    gatherer = Gatherer(size=9, wait=60)
    await gatherer.give_way()
    put(gatherer, in_hand("a", "alarm.fall"))
    await gatherer.batch(Lane.URGENT)
    giving_way = asyncio.create_task(gatherer.give_way())
    await asyncio.sleep(0)
    assert not giving_way.done()
    asking = asyncio.create_task(gatherer.batch(Lane.URGENT))  # whoever asks for the next has done with it
    async with asyncio.timeout(60):
        await giving_way
    asking.cancel()


async def test_everyday_work_goes_on_in_a_storm_of_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gives way for a moment at a time only; a call whose connection ended is waited for no more."""
    gatherer = Gatherer(size=9, wait=60)
    old = object()
    put(gatherer, in_hand("a", "alarm.fall", connection=old))
    async with asyncio.timeout(60):
        await gatherer.give_way()
    monkeypatch.setattr(gather, "LONGEST_WAY", 60.0)
    gatherer = Gatherer(size=9, wait=60)
    put(gatherer, in_hand("a", "alarm.fall", connection=old))
    giving_way = asyncio.create_task(gatherer.give_way())
    await asyncio.sleep(0)
    gatherer.drop(old)
    async with asyncio.timeout(60):
        await giving_way


async def test_everyday_work_gives_way_to_what_is_not_read_yet() -> None:
    """A call may lie in it: while there is more to take at once, that goes first."""
    gatherer = Gatherer(size=9, wait=60)
    unread = [3, 2, 1, 0]
    gatherer.behind = lambda: bool(unread.pop(0))
    async with asyncio.timeout(5):
        await gatherer.give_way()
    assert unread == []


async def test_who_has_given_way_for_long_goes_on_for_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the longest time of waiting nobody is asked again until as much time was worked."""
    gatherer = Gatherer(size=9, wait=60)
    asked = 0

    def behind() -> bool:
        nonlocal asked
        asked += 1
        if asked > 1:  # the waiting has begun: what is set now counts for the going on
            monkeypatch.setattr(gather, "LONGEST_WAY", 3600.0)
        return True

    monkeypatch.setattr(gather, "LONGEST_WAY", 0.01)
    gatherer.behind = behind
    async with asyncio.timeout(5):
        await gatherer.give_way()
    assert asked
    asked = 0
    async with asyncio.timeout(5):
        await gatherer.give_way()
    assert not asked


async def test_all_is_settled_once_every_lane_has_done_with_what_it_took() -> None:
    """Neither while something waits nor while a lane still has it to commit or to tell of."""
    gatherer = Gatherer(size=1, wait=60)
    assert gatherer.settled.is_set()
    put(gatherer, in_hand("a"), in_hand("b", "alarm.fall"))
    await gatherer.batch(Lane.ORDINARY)
    await gatherer.batch(Lane.URGENT)
    asking = [asyncio.create_task(gatherer.batch(Lane.ORDINARY))]
    await asyncio.sleep(0)
    assert not gatherer.settled.is_set()
    asking.append(asyncio.create_task(gatherer.batch(Lane.URGENT)))
    await asyncio.sleep(0)
    assert gatherer.settled.is_set()
    for task in asking:
        task.cancel()
    old = object()
    put(gatherer, in_hand("c", connection=old))
    assert not gatherer.settled.is_set()
    gatherer.drop(old)
    assert gatherer.settled.is_set()


async def test_reading_stops_at_a_number_or_a_size_and_resumes_at_half() -> None:
    """Both bounds of what is in hand hold, and taking starts again only well below them."""
    gatherer = Gatherer(size=MOST_MESSAGES // 2 + 1, wait=60)
    one = in_hand("a")
    for _ in range(MOST_MESSAGES):
        assert not gatherer.is_full
        put(gatherer, one)
    assert gatherer.is_full
    await gatherer.batch(Lane.ORDINARY)
    assert gatherer.has_room
    large = Gatherer(size=1, wait=60)
    for _ in range(2):
        put(large, in_hand("b", payload=bytes(MOST_BYTES // 2 + 1)))
    assert large.is_full
    await large.batch(Lane.ORDINARY)
    assert not large.has_room
    await large.batch(Lane.ORDINARY)
    assert large.has_room


def test_a_connection_is_the_identity_that_messages_carry() -> None:
    """Two connections are never equal, so neither are the messages' ways back."""
    assert Connection.__eq__ is object.__eq__
