"""An event as it is stored, and as others see it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from care.model import Scope
from gateway.model import Event
from ingest.facts import concerns_alerts, concerns_care, fact, home_event, is_news, signal

NOW = datetime(2026, 11, 21, 18, tzinfo=UTC)


def event(**fields: Any) -> Event:
    whole: dict[str, Any] = {"id": "e1", "type": "carer.arrived", "at": NOW - timedelta(minutes=1), **fields}
    return Event(**whole)


def test_only_a_difference_beyond_the_time_makes_another_event_of_an_id() -> None:
    """The digest ignores `at`, which a hub may stamp anew, and notices everything else."""
    one = fact("h", event(data={"credential": "fob:1"}), NOW).row.digest
    assert fact("h", event(at=NOW, data={"credential": "fob:1"}), NOW).row.digest == one
    others: list[dict[str, Any]] = [
        {"type": "carer.departed"}, {"device": "d"}, {"seq": 1}, {"boot": "b"}, {"data": {}},
    ]  # fmt: skip
    for other in others:
        changed: dict[str, Any] = {"data": {"credential": "fob:1"}, **other}
        assert fact("h", event(**changed), NOW).row.digest != one


def test_a_suspect_clock_is_stored_as_such() -> None:
    """The device's time is kept as sent, beside the time that counts."""
    row = fact("h", event(at=NOW + timedelta(days=2)), NOW).row
    assert (row.at, row.effective_at, row.clock_suspect) == (NOW + timedelta(days=2), NOW, True)


def test_the_credential_is_lifted_out_of_the_data() -> None:
    """A credential stands in a column of its own; what is no plausible credential does not."""
    assert fact("h", event(data={"credential": "fob:04A1B2"}), NOW).row.credential == "fob:04A1B2"
    for odd in ("", 7, None, ["fob:1"], "x" * 256):
        assert fact("h", event(data={"credential": odd}), NOW).row.credential is None


def test_care_sees_the_fields_that_its_rules_ask_for() -> None:
    """Panel, credential, method, scope and queue are read, and odd values are left out."""
    data = {"panel": "p", "credential": "c", "method": "fob", "scope": "communal"}
    seen = home_event("h", event(data=data), NOW, 3)
    assert (seen.panel, seen.credential, seen.method, seen.scope) == ("p", "c", "fob", Scope.COMMUNAL)
    assert seen.arrival == 3
    odd = home_event("h", event(data={"panel": 1, "scope": {"a": 1}, "queued": True}), NOW, 0)
    assert (odd.panel, odd.scope, odd.queued) == (None, None, None)
    assert home_event("h", event(data={"queued": 4}), NOW, 0).queued == 4


def test_alerts_see_the_time_that_counts_and_whose_hub_it_is() -> None:
    """A signal carries the effective time and whether the estate knows the hub."""
    seen = signal("h", event(type="alarm.fall", at=NOW + timedelta(hours=1)), NOW, known_hub=False)
    assert (seen.effective_at, seen.known_hub, seen.clock_suspect) == (NOW, False, False)
    assert replace(seen, known_hub=True) == signal(
        "h", event(type="alarm.fall", at=NOW + timedelta(hours=1)), NOW, known_hub=True
    )


@pytest.mark.parametrize(
    ("type_", "alerts", "care", "news"),
    [
        ("alarm.never_heard_of", True, False, True),
        ("technical.fault", True, False, False),
        ("door.granted", True, True, True),
        ("carer.arrived", False, True, True),
        ("heartbeat", False, True, False),
        ("test.call", True, False, False),
        ("command.done", True, False, False),
        ("resident.away", True, False, False),
        ("entirely.new", False, False, False),
    ],
)
def test_who_is_handed_what(type_: str, alerts: bool, care: bool, news: bool) -> None:
    """Each type of event goes to those who decide on it, and to nobody else."""
    assert (concerns_alerts(type_), concerns_care(type_), is_news(type_)) == (alerts, care, news)
