"""What each event type means (contract §2, domain/alarms.md §1)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.classify import (
    ACCESS,
    FAULTS,
    LIFE_SAFETY,
    MONITOR_HUB,
    RESTORES,
    TEST_PRESS,
    WELFARE,
    Act,
    classify,
    dedupe_key,
    worth_a_look,
)
from alerts.model import Priority, Signal
from tests.unit.alerts.patience import patient

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def signal(type_: str, **changes: Any) -> Signal:
    """One event of a known hub."""
    values: dict[str, Any] = {
        "hub_id": "hub-12",
        "event_id": "e1",
        "type": type_,
        "effective_at": NINE,
        "received_at": NINE,
    }
    return Signal(**{**values, **changes})


CONTRACT_ALARMS = {
    1: "hub pendant pull_cord panic bogus_caller assistance fall smoke heat co gas seizure",
    2: "flood temperature_low temperature_high exit inactivity bed chair medication",
}


@pytest.mark.parametrize(
    ("type_", "priority"),
    [(f"alarm.{name}", priority) for priority, names in CONTRACT_ALARMS.items() for name in names.split()],
)
def test_every_alarm_of_the_contract_is_raised_in_its_class(type_: str, priority: int) -> None:
    """The table of priorities, type by type."""
    meaning = classify(signal(type_))
    assert (meaning.act, meaning.kind, meaning.priority) == (Act.RAISE, type_, priority)


@pytest.mark.parametrize("type_", ["alarm.earthquake", "alarm.", "alarm.PENDANT", "alarm.pendant.2"])
def test_an_unknown_alarm_is_a_matter_of_life(type_: str) -> None:
    """What begins with `alarm.` and is not known reaches an operator with the highest urgency."""
    meaning = classify(signal(type_))
    assert (meaning.act, meaning.priority) == (Act.RAISE, Priority.LIFE_SAFETY)


def test_a_cancel_annotates() -> None:
    """`alarm.cancelled` is never an alarm, nor an end of one."""
    assert classify(signal("alarm.cancelled")).act is Act.ANNOTATE


@pytest.mark.parametrize("type_", ["alarm.panic", "alarm.bogus_caller"])
def test_nothing_is_announced_where_somebody_unwelcome_may_listen(type_: str) -> None:
    """Panic and bogus-caller alarms are silent at the unit."""
    assert not classify(signal(type_)).announced
    assert classify(signal("alarm.pendant")).announced


@pytest.mark.parametrize(
    ("failing", "restoring"),
    [
        ("technical.battery_low", "technical.battery_ok"),
        ("technical.mains_failed", "technical.mains_restored"),
        ("technical.sensor_missing", "technical.sensor_restored"),
        ("technical.link_failed", "technical.link_restored"),
    ],
)
def test_a_restoring_type_ends_what_its_failing_type_began(failing: str, restoring: str) -> None:
    """Both speak of the same fault."""
    began, ended = classify(signal(failing)), classify(signal(restoring))
    assert (began.act, ended.act) == (Act.FAIL, Act.RESTORE)
    assert began.kind == ended.kind == failing


@pytest.mark.parametrize("type_", ["technical.tamper", "technical.fault", "technical.coffee_machine"])
def test_a_fault_without_a_restoring_type_is_a_fault(type_: str) -> None:
    """Known or not, a technical event begins a fault of its own kind."""
    assert classify(signal(type_)).act is Act.FAIL


@pytest.mark.parametrize(
    "type_",
    [
        "test.call",
        "heartbeat",
        "carer.arrived",
        "carer.departed",
        "door.granted",
        "door.denied",
        "door.released",
        "door.opened",
        "door.closed",
        "door.call",
        "resident.feedback",
        "resident.away",
        "resident.home",
        "command.done",
        "something.new",
    ],
)
def test_what_is_for_the_record_raises_nothing(type_: str) -> None:
    """A test call is never a person's alarm; nor is what a carer or a door does in order."""
    assert classify(signal(type_)).act is Act.RECORD


@pytest.mark.parametrize("type_", ["door.forced", "door.held"])
def test_a_door_that_is_not_in_order_is_a_matter_of_access(type_: str) -> None:
    """Forced and held doors go to the operator."""
    assert classify(signal(type_)).priority is Priority.ACCESS


def test_a_caller_whose_credential_nobody_holds_is_unexpected() -> None:
    """A door call is raised only when it showed a credential, and nobody's."""
    call = signal("door.call", data={"panel": "p1", "credential": "fob:STRANGER"})
    assert classify(call, credential_known=False).act is Act.RAISE
    assert classify(call, credential_known=True).act is Act.RECORD
    assert classify(call, credential_known=None).act is Act.RECORD


def test_an_unknown_units_alarm_is_raised_and_says_so() -> None:
    """A hub that is not in the estate still reaches an operator; its other events wait for a person."""
    stranger = classify(signal("alarm.pendant", known_hub=False))
    assert stranger.act is Act.RAISE
    assert "not in the estate" in stranger.reason
    assert classify(signal("technical.battery_low", known_hub=False)).act is Act.RECORD


def test_a_suspect_clock_is_told() -> None:
    """An alarm whose unit's clock is wrong says that its time is that of arrival."""
    assert "time is that of arrival" in classify(signal("alarm.fall", clock_suspect=True)).reason


@patient
@given(st.text(max_size=30), st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=3))
def test_what_is_not_worth_a_look_means_nothing(type_: str, data: dict[str, str]) -> None:
    """The quick sieve of intake drops nothing that has a meaning."""
    one = signal(type_, data=data)
    if not worth_a_look(one):
        assert all(classify(one, credential_known=known).act is Act.RECORD for known in (True, False, None))


@patient
@given(*[st.text(max_size=8)] * 6)
def test_no_two_devices_share_a_key(a: str, b: str, c: str, d: str, e: str, f: str) -> None:
    """Whatever names devices have, an alert is told apart by hub, device and kind."""
    assert (dedupe_key(a, b, c) == dedupe_key(d, e, f)) == ((a, b, c) == (d, e, f))


def test_the_tables_do_not_overlap() -> None:
    """A type has one meaning."""
    tables = [LIFE_SAFETY, WELFARE, ACCESS, FAULTS, RESTORES]
    assert len(set().union(*tables)) == sum(len(table) for table in tables)


def test_only_the_services_own_unit_raises_by_a_test_call() -> None:
    """A person's test press is recorded; the watcher's goes the way of a pendant's."""
    assert not worth_a_look(signal("test.call"))
    assert classify(signal("test.call")).act is Act.RECORD
    own = signal("test.call", hub_id=MONITOR_HUB)
    assert worth_a_look(own)
    meaning = classify(own)
    assert (meaning.act, meaning.kind, meaning.priority) == (Act.RAISE, TEST_PRESS, Priority.LIFE_SAFETY)
