"""What the broker says of a hub that tried what is not its own."""

from datetime import UTC, datetime, timedelta

from gateway.adapters.contract import Bridge
from ingest.adapted import NO_BRIDGES, Bridges
from ingest.refusals import read_refusal

T0 = datetime(2026, 11, 21, 18, 5, tzinfo=UTC)
TOPIC = "threshold/broker/refusals"


def test_a_refusal_is_an_event_of_the_hub_that_did_not_speak() -> None:
    """It is told under the hub's name, once an hour for the same thing, and never counts as heard."""
    line = b"publish\thub-1\tthreshold/v1/hub-2/events"
    first, soon, later = (
        read_refusal(TOPIC, line, T0 + timedelta(minutes=after), NO_BRIDGES) for after in (0, 50, 60)
    )
    assert first
    assert soon
    assert later
    assert (first.hub, first.is_spoken, first.is_urgent) == ("hub-1", False, False)
    (event,) = first.events
    assert event.type == "technical.trespass"
    assert event.data == {"tried": "publish", "topic": "threshold/v1/hub-2/events"}
    assert soon.events[0].id == event.id != later.events[0].id


def test_a_bridge_may_ask_for_its_own() -> None:
    """What another maker's bridge subscribes to below its base is its business; elsewhere it is not."""
    bridges = Bridges({"zigbee2mqtt/a": Bridge("zigbee2mqtt", "zigbee2mqtt/a", ("z2m-a",))})
    assert read_refusal(TOPIC, b"subscribe\tz2m-a\tzigbee2mqtt/a/+/set", T0, bridges) is None
    assert read_refusal(TOPIC, b"subscribe\thub-1\tzigbee2mqtt/a/+/set", T0, bridges)


def test_a_line_that_is_none_is_kept() -> None:
    """Nothing that arrives is dropped, and nothing of it is believed."""
    for line in (b"", b"publish", b"publish\t\tx", b"steal\thub-1\tx", b"\xff\t\xff"):
        kept = read_refusal(TOPIC, line, T0, NO_BRIDGES)
        assert kept
        assert (kept.hub, kept.events, len(kept.rejected)) == (None, (), 1)
