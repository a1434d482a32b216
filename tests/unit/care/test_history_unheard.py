"""The history of a visit in a home that could not speak."""

from care.model import (
    Attendance,
    Hearing,
    Interval,
    QueueWord,
    State,
)
from tests.unit.care.builders import (
    HUB,
    arrives,
    at,
    departs,
    home,
    talking,
    visit,
)
from tests.unit.care.telling import LATE, MISSED, UNKNOWN, UNVERIFIED, alerts, history, states


def test_the_home_could_not_speak() -> None:
    """Unverified, by its own alert; heard again with nothing to tell, it is missed."""
    away = talking(gaps=(Interval(at("07:20"), at("10:00")),))
    found = history(home([visit()], hearing=[away]))
    assert states(found)[2:] == [
        ("08:30", State.LATE, UNKNOWN),
        ("09:00", State.UNVERIFIED, UNKNOWN),
        ("10:15", State.MISSED, Attendance.NOT_ATTENDED),
    ]
    assert alerts(found) == [
        (LATE, "08:30", "09:00"),
        (UNVERIFIED, "09:00", "10:15"),
        (MISSED, "10:15", None),
    ]
    assert "hub-12" in found.versions[3].verdict.reason


def test_what_the_home_had_kept_corrects_the_record() -> None:
    """The hub comes back and flushes an arrival: attended, and the unverified alert is stood down then."""
    away = talking(gaps=(Interval(at("07:20"), at("10:00")),))
    events = [arrives("joy", "08:02", "10:00"), departs("joy", "08:31", "10:00")]
    found = history(home([visit()], events, hearing=[away]))
    assert states(found)[-1] == ("10:00", State.COMPLETED, Attendance.ATTENDED)
    assert alerts(found) == [(LATE, "08:30", "09:00"), (UNVERIFIED, "09:00", "10:00")]
    assert found.alerts[-1].cause == "the visit was made"


def test_a_home_that_was_back_in_time_is_missed_at_once() -> None:
    """It could not speak in the window, but had said everything by the end of it."""
    away = talking(gaps=(Interval(at("07:15"), at("08:50")),), queue_words=(QueueWord(at("08:50"), 0),))
    found = history(home([visit()], hearing=[away]))
    assert states(found)[-1] == ("09:00", State.MISSED, Attendance.NOT_ATTENDED)
    assert alerts(found)[-1] == (MISSED, "09:00", None)


def test_a_home_that_nobody_hears_raises_no_alert() -> None:
    """Its visits become unverified, silently, and stay so."""
    found = history(home([visit()], hearing=[], hubs=()))
    assert states(found)[-1] == ("09:00", State.UNVERIFIED, UNKNOWN)
    assert alerts(found) == []


def test_an_unverified_visit_settles_unverified() -> None:
    """A hub that comes back after four days changes nothing by itself any more."""
    away = talking(gaps=(Interval(at("07:20"), at("10:00", 4)),))
    assert history(home([visit()], hearing=[away])).verdict.state is State.UNVERIFIED


def test_an_unverified_visit_is_looked_at_when_the_wait_is_over() -> None:
    """Heard again at ten: a quarter of an hour later it may be called missed."""
    away = talking(gaps=(Interval(at("07:20"), at("10:00")),), last_heard_at=at("10:05"))
    assert history(home([visit()], hearing=[away]), at("10:05")).next_check_at == at("10:15")


def test_never_heard_before_the_visit() -> None:
    """A hub that was installed in the middle of the window could not have told."""
    new = Hearing(HUB, at("08:30"), at("20:00"))
    found = history(home([visit()], hearing=[new]))
    assert states(found)[-1] == ("09:00", State.MISSED, Attendance.NOT_ATTENDED)
    newer = Hearing(HUB, at("08:50"), at("20:00"))
    assert states(history(home([visit()], hearing=[newer])))[-2:] == [
        ("09:00", State.UNVERIFIED, UNKNOWN),
        ("09:05", State.MISSED, Attendance.NOT_ATTENDED),
    ]
