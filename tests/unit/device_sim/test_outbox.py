"""The store of a hub: nothing leaves it but by a receipt, alarms go first."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_sim.outbox import BYTES_PER_MESSAGE, EVENTS_PER_MESSAGE, Entry, Outbox, message_of


def ids(messages: list[list[Entry]]) -> list[list[str]]:
    """The event ids of each message."""
    return [[entry.id for entry in message] for message in messages]


def filled(**types: str) -> Outbox:
    """A connected store with these events, made in this order at 0."""
    outbox = Outbox()
    outbox.connected(0)
    for event_id, event_type in types.items():
        outbox.put(event_id, event_type, b"{}", 0)
    return outbox


def test_alarms_go_first_and_in_a_message_of_their_own() -> None:
    """An alarm made last overtakes what waits, and travels with alarms only."""
    outbox = filled(a="door.call", b="heartbeat", c="alarm.pendant", d="alarm.fall")
    assert ids(outbox.take(0, 10)) == [["c", "d"], ["a", "b"]]


def test_with_room_for_one_message_it_is_the_alarms() -> None:
    """When the line is busy the room that there is goes to alarms."""
    outbox = filled(a="door.call", b="alarm.pendant")
    assert ids(outbox.take(0, 1)) == [["b"]]
    assert ids(outbox.take(0, 1)) == [["a"]]


@pytest.mark.parametrize(("event_type", "pause"), [("alarm.pendant", 5.0), ("door.call", 20.0)])
def test_an_event_without_receipt_is_sent_again_exactly_when_its_wait_is_over(
    event_type: str, pause: float
) -> None:
    """One moment before it is not, at that moment it is, and the next wait is twice as long."""
    outbox = filled(a=event_type)
    outbox.take(0, 10)
    assert outbox.wakes_at() == pause
    assert outbox.take(pause - 0.001, 10) == []
    assert ids(outbox.take(pause, 10)) == [["a"]]
    assert outbox.wakes_at() == pause + 2 * pause
    assert outbox.sent_again == 1


def test_a_receipt_empties_the_store_and_nothing_else_does() -> None:
    """Sending, losing the line and sending again leave an event in the store."""
    outbox = filled(a="door.call")
    outbox.take(0, 10)
    outbox.disconnected()
    outbox.connected(3)
    assert ids(outbox.take(3, 10)) == [["a"]]
    assert "a" in outbox
    settled = outbox.settle("a")
    assert settled is not None
    assert len(outbox) == 0
    assert outbox.take(1000, 10) == []
    assert outbox.settle("a") is None


def test_a_reconnect_sends_everything_at_once_in_the_order_it_was_made() -> None:
    """What was sent on the old connection and what was made without one go together, alarms first."""
    outbox = filled(a="door.call", b="alarm.fall")
    outbox.take(0, 10)
    outbox.disconnected()
    outbox.put("c", "door.opened", b"{}", 1)
    outbox.put("d", "alarm.pendant", b"{}", 2)
    assert outbox.take(2, 10) == []
    assert outbox.wakes_at() is None
    outbox.connected(9)
    assert ids(outbox.take(9, 10)) == [["b", "d"], ["a", "c"]]


def test_an_array_holds_at_most_500_events() -> None:
    """Contract §2 allows no more in one message."""
    outbox = filled(**{f"e{number}": "door.call" for number in range(EVENTS_PER_MESSAGE + 1)})
    assert [len(message) for message in outbox.take(0, 10)] == [EVENTS_PER_MESSAGE, 1]


def test_a_message_stays_below_what_a_broker_takes_unless_one_event_alone_is_larger() -> None:
    """Events are packed by size; one that is larger than the measure goes alone."""
    outbox = Outbox()
    outbox.connected(0)
    for event_id, size in (("a", 20_000), ("b", 15_000), ("c", 31_000), ("d", 10)):
        outbox.put(event_id, "door.call", b"x" * size, 0)
    messages = outbox.take(0, 10)
    assert ids(messages) == [["a"], ["b"], ["c"], ["d"]]
    assert all(len(message_of(each)) <= BYTES_PER_MESSAGE for each in messages if len(each) > 1)


def test_ordinary_events_wait_their_turn_while_many_await_receipts_and_alarms_do_not() -> None:
    """A long backlog is not poured into a broker that nobody reads; a press is."""
    outbox = Outbox(ordinary_awaiting=2)
    outbox.connected(0)
    for number in range(3):
        outbox.put(f"e{number}", "door.call", b"{}", 0)
    outbox.put("press", "alarm.pendant", b"{}", 0)
    assert ids(outbox.take(0, 10)) == [["press"], ["e0", "e1"]]
    assert outbox.take(1, 10) == []
    outbox.settle("e0")
    assert ids(outbox.take(1, 10)) == [["e2"]]


def test_an_event_that_never_gets_a_receipt_does_not_keep_others_from_their_turn() -> None:
    """When the platform ignores the first ones for ever, the later ones are still sent."""
    outbox = Outbox(ordinary_awaiting=2)
    outbox.connected(0)
    for number in range(6):
        outbox.put(f"e{number}", "door.call", b"{}", 0)
    sent = {event_id for now in range(0, 200, 10) for each in ids(outbox.take(now, 10)) for event_id in each}
    assert sent == {f"e{number}" for number in range(6)}


def test_the_backlog_is_what_was_not_sent_or_is_overdue() -> None:
    """A hub that waits for a receipt in good time may say that its queue is empty."""
    outbox = filled(a="door.call", b="alarm.fall")
    assert outbox.backlog(0) == 2
    outbox.take(0, 10)
    assert outbox.backlog(0) == 0
    assert outbox.backlog(5) == 1
    assert outbox.backlog(20) == 2


def test_an_id_cannot_be_used_twice_while_it_is_in_the_store() -> None:
    """A second event of one id would be taken for the first, and lost."""
    outbox = filled(a="door.call")
    with pytest.raises(ValueError, match="'a' is in the store"):
        outbox.put("a", "door.call", b"{}", 1)


def test_a_message_is_an_object_when_it_holds_one_event_and_an_array_otherwise() -> None:
    """Both are allowed; the plain one is what most devices send."""
    outbox = filled(a="door.call")
    outbox.put("b", "alarm.fall", b'{"b":1}', 0)
    outbox.put("c", "alarm.fall", b'{"c":1}', 0)
    assert [message_of(each) for each in outbox.take(0, 10)] == [b'[{"b":1},{"c":1}]', b"{}"]


@given(st.integers(0, 10**6))
def test_whatever_happens_what_has_no_receipt_is_in_the_end_sent_again(seed: int) -> None:
    """After any history of sendings, cuts and receipts, a last connection sends exactly what is owed."""
    chance, outbox, owed, now = random.Random(seed), Outbox(ordinary_awaiting=3), set[str](), 0.0
    for number in range(chance.randint(1, 60)):
        now += chance.uniform(0, 30)
        match chance.randint(0, 4):
            case 0 | 1:
                outbox.put(f"e{number}", chance.choice(["alarm.fall", "door.call"]), b"{}", now)
                owed.add(f"e{number}")
            case 2:
                outbox.connected(now) if chance.random() < 0.5 else outbox.disconnected()
            case 3:
                outbox.take(now, chance.randint(0, 3))
            case 4 if owed:
                settled = chance.choice(sorted(owed))
                outbox.settle(settled)
                owed.discard(settled)
    outbox.connected(now)
    sent = set()
    while batches := outbox.take(now, 10):
        for entry in (entry for batch in batches for entry in batch):
            sent.add(entry.id)
            outbox.settle(entry.id)
    assert sent == owed
    assert len(outbox) == 0
    assert outbox.wakes_at() is None
