"""Are we listening, and have we caught up?"""

from datetime import UTC, datetime, timedelta

from ingest.presence import (
    DEAF_AFTER,
    LITTLE_LAG,
    LONGEST_WAIT,
    Marker,
    Presence,
    decode_marker,
    encode_marker,
)

T0 = datetime(2026, 11, 21, 18, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def marker(sent_at: datetime, connection: int = 1) -> Marker:
    return Marker("me", connection, sent_at)


def test_a_marker_survives_the_wire_and_nothing_else_is_one() -> None:
    """Only our own markers decode."""
    assert decode_marker(encode_marker(marker(T0))) == marker(T0)
    for other in (b"", b"{}", b"\xff", b"[" * 10_000, b'{"instance": "me", "connection": 1, "sent_at": "x"}'):
        assert decode_marker(other) is None


def test_caught_up_with_the_first_marker_that_comes_back_soon() -> None:
    """What waited at the broker comes before the marker; little lag says that it is worked off."""
    presence = Presence().connected(T0).sent(T0)
    assert presence.caught_up_at is None
    slow = presence.returned(marker(T0), T0 + LITTLE_LAG)
    assert slow.caught_up_at is None
    soon = presence.returned(marker(T0), T0 + LITTLE_LAG - TICK)
    assert soon.caught_up_at == T0 + LITTLE_LAG - TICK


def test_decisions_wait_for_us_a_minute_at_most() -> None:
    """A minute after we are back it counts as caught up, however long the backlog."""
    presence = Presence().connected(T0)
    assert presence.looked_at(T0 + LONGEST_WAIT - TICK).caught_up_at is None
    assert presence.looked_at(T0 + LONGEST_WAIT).caught_up_at == T0 + LONGEST_WAIT


def test_a_marker_of_another_connection_says_nothing() -> None:
    """A marker that waited in the queue since an earlier connection is not taken for this one's."""
    presence = Presence().connected(T0).connected(T0).sent(T0)
    assert presence.connection == 2
    assert presence.returned(marker(T0, connection=1), T0 + TICK) == presence
    assert Presence().returned(marker(T0, connection=0), T0).lag is None


def test_lag_grows_while_a_marker_is_out() -> None:
    """A marker that does not come back is itself the measure."""
    presence = Presence().connected(T0).sent(T0).returned(marker(T0), T0 + TICK).sent(T0 + TICK)
    assert presence.lag_at(T0 + timedelta(seconds=9)) == timedelta(seconds=9) - TICK
    assert presence.sent(T0 + timedelta(seconds=5)).marker_out == T0 + TICK


def test_deaf_only_where_markers_work_and_nothing_is_in_hand() -> None:
    """A broker that never lets markers through, or a slow database, is not a deaf connection."""
    late = T0 + DEAF_AFTER + 2 * TICK
    working = Presence().connected(T0).sent(T0).returned(marker(T0), T0).sent(T0 + TICK)
    assert working.is_deaf(0, late)
    assert not working.is_deaf(0, late - TICK)
    assert not working.is_deaf(1, late)
    assert not Presence().connected(T0).sent(T0).is_deaf(0, late)


def test_an_ended_connection_is_neither_behind_nor_caught_up() -> None:
    """After the end of a connection nothing is known until the next."""
    presence = Presence().connected(T0).sent(T0).returned(marker(T0), T0).disconnected()
    assert (presence.connected_at, presence.caught_up_at, presence.lag_at(T0)) == (None, None, None)
    assert presence.why_caught_up(T0 + LONGEST_WAIT) is None
