"""The ledger beside the database: what was lost, doubled, or came from nowhere."""

from datetime import UTC, datetime

from device_sim.ledger import Account
from device_sim.world.books import compare
from gateway.model import Event

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)


def account(*said: str, stored: tuple[str, ...] = ()) -> Account:
    """What one hub said, and what it was told is stored."""
    events = {("hub", event_id): Event(event_id, "heartbeat", AT) for event_id in said}
    return Account(events, frozenset(("hub", event_id) for event_id in stored), {})


def test_books_that_agree_hold() -> None:
    """Everything receipted is there once; what has no receipt yet is owed and no fault."""
    books = compare(account("a", "b", stored=("a",)), {("hub", "a"): 1})
    assert books.held
    assert books.owed == ["hub/b"]


def test_a_receipt_for_what_is_not_there_is_a_lie() -> None:
    """That is what lost means."""
    assert compare(account("a", stored=("a",)), {}).lost == ["hub/a"]


def test_what_is_there_twice_is_doubled() -> None:
    """However often it was said."""
    assert compare(account("a", stored=("a",)), {("hub", "a"): 2}).doubled == ["hub/a"]


def test_what_nobody_said_is_a_phantom_but_other_homes_are_not_ours() -> None:
    """A ledger speaks for its own hubs."""
    books = compare(account("a", stored=("a",)), {("hub", "a"): 1, ("hub", "x"): 1, ("other", "y"): 1})
    assert books.phantom == ["hub/x"]
    assert not books.held
