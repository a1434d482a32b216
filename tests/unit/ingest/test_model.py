"""Arrivals, and what a home is told."""

from datetime import UTC, datetime

from gateway.codec import Reason
from gateway.model import Receipts, Refusal
from gateway.topics import Topics
from ingest.model import Answer, Arrival, read

NOW = datetime(2026, 11, 21, 18, tzinfo=UTC)
PRESS = b'{"id": "1", "type": "alarm.pendant", "at": "2026-11-21T18:00:00Z"}'
BEAT = b'{"id": "2", "type": "heartbeat", "at": "2026-11-21T18:00:00Z"}'


def arrive(topic: str, payload: bytes, *, retained: bool = False) -> Arrival:
    return read(topic, payload, retained=retained, received_at=NOW, topics=Topics())


def test_events_and_statuses_are_read_by_their_topic() -> None:
    """The topic says which hub speaks and of what."""
    events = arrive("threshold/v1/hub-12/events", BEAT)
    assert (events.hub, [event.id for event in events.events], events.status) == ("hub-12", ["2"], None)
    status = arrive("threshold/v1/hub-12/status", b'{"online": true}')
    assert status.status is not None
    assert status.status.online


def test_a_topic_of_no_kind_is_kept_and_made_storable() -> None:
    """Whatever the topic, the message is kept, and no character of it can stop the database."""
    for topic in (
        "threshold/v1/hub-12/commands",
        "threshold/v1/a/b/events",
        "other",
        "threshold/v1/\x00/events",
    ):
        arrival = arrive(topic, b"x")
        assert len(arrival.rejected) == 1
        assert "\x00" not in arrival.topic


def test_what_cannot_wait() -> None:
    """Alarms are urgent, readable or not; everything else is gathered."""
    assert arrive("threshold/v1/h/events", PRESS).is_urgent
    assert arrive("threshold/v1/h/events", b"[" + BEAT + b"," + PRESS + b"]").is_urgent
    assert arrive("threshold/v1/h/events", PRESS[:-1]).is_urgent
    assert not arrive("threshold/v1/h/events", BEAT).is_urgent
    assert not arrive("threshold/v1/h/status", b'{"online": false}').is_urgent


def test_a_will_and_what_the_broker_kept_are_not_the_hub_speaking() -> None:
    """A last will comes from the broker, and so does a retained status."""
    assert arrive("threshold/v1/h/events", BEAT).is_spoken
    assert arrive("threshold/v1/h/events", b"rubbish").is_spoken
    assert arrive("threshold/v1/h/status", b'{"online": true}').is_spoken
    assert not arrive("threshold/v1/h/status", b'{"online": false}').is_spoken
    assert not arrive("threshold/v1/h/status", b'{"online": true}', retained=True).is_spoken


def test_halving_a_message_loses_nothing_and_doubles_nothing() -> None:
    """The two halves together are the message; one event is not divided further."""
    message = arrive("threshold/v1/h/events", b"[" + BEAT + b"," + PRESS + b",3," + PRESS + b"]")
    halves = message.halves()
    assert halves is not None
    assert halves[0].events + halves[1].events == message.events
    assert halves[0].rejected + halves[1].rejected == message.rejected
    assert halves[0].halves() is None


def test_an_answer_is_cut_into_messages_and_never_contradicts_itself() -> None:
    """Long answers are several messages, and an id that was stored is not called rejected as well."""
    answer = Answer(stored={"a": None, "b": None, "c": None}, refused={"b": "x", "z": Reason.BAD_TIME})
    assert answer.receipts(10) == [Receipts(("a", "b", "c"), (Refusal("z", Reason.BAD_TIME),))]
    assert answer.receipts(2) == [
        Receipts(stored=("a", "b")),
        Receipts(stored=("c",)),
        Receipts(rejected=(Refusal("z", Reason.BAD_TIME),)),
    ]
    assert Answer().receipts(2) == []
