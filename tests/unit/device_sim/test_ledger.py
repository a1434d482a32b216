"""The ledger: what homes said, and what they were told of it (faults.md, "The ledger")."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from device_sim.ledger import Ledger, read_ledger
from gateway.model import Event

AT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def said(ledger: Ledger, hub: str, event_id: str) -> None:
    """Write an event as a hub does."""
    ledger.said(hub, msgspec.json.encode(Event(id=event_id, type="door.call", at=AT)))


def test_a_ledger_tells_what_was_said_stored_rejected_and_is_open(tmp_path: Path) -> None:
    """Each hub's ids are its own, and an open event is one without any receipt."""
    with Ledger(tmp_path / "ledger") as ledger:
        for hub, event_id in (("h1", "a"), ("h1", "b"), ("h2", "a"), ("h1", "c")):
            said(ledger, hub, event_id)
        ledger.stored("h1", "a")
        ledger.rejected("h1", "b", "too large")
    account = read_ledger(tmp_path / "ledger")
    assert set(account.said) == {("h1", "a"), ("h1", "b"), ("h2", "a"), ("h1", "c")}
    assert account.stored == {("h1", "a")}
    assert account.rejected == {("h1", "b"): "too large"}
    assert account.open == {("h2", "a"), ("h1", "c")}
    assert [event.id for event in account.unsettled("h1")] == ["c"]


def test_a_line_that_a_kill_cut_short_was_never_sent(tmp_path: Path) -> None:
    """The event is written whole before it is sent, so half a line counts for nothing."""
    path = tmp_path / "ledger"
    with Ledger(path) as ledger:
        said(ledger, "h1", "a")
    path.write_bytes(path.read_bytes() + b'{"hub":"h1","event":{"id":"b"')
    assert set(read_ledger(path).said) == {("h1", "a")}


def test_a_ledger_is_carried_on_by_the_next_run(tmp_path: Path) -> None:
    """Opening an existing ledger adds to it."""
    for event_id in ("a", "b"):
        with Ledger(tmp_path / "ledger") as ledger:
            said(ledger, "h1", event_id)
    assert len(read_ledger(tmp_path / "ledger").said) == 2


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    """Damage in the middle is told with file and line rather than skipped."""
    path = tmp_path / "ledger"
    path.write_bytes(b'{"hub":"h1","stored":"a"}\n{"hub":7}\n')
    with pytest.raises(ValueError, match=r"ledger:2: "):
        read_ledger(path)
