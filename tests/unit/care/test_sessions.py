"""From arrivals and departures to sessions."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.doors import NO_DOORS
from care.evidence import weigh
from care.model import HomeEvent
from care.policy import DEFAULT_POLICY
from care.sessions import Presence, sessions_of
from tests.unit.care.builders import CARERS, DWELLING, HUB, arrives, at, departs, event

Seen = tuple[str | None, datetime | None, datetime | None]


def sessions(*events: HomeEvent) -> list[Seen]:
    """Who was there from when to when."""
    pieces = [weigh(one, HUB, DWELLING, CARERS, NO_DOORS) for one in events]
    found = sessions_of([piece for piece in pieces if piece is not None], DEFAULT_POLICY)
    return [(session.carer_id, session.start, session.end) for session in found]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([arrives("joy", "08:00"), departs("joy", "08:30")], [("joy", at("08:00"), at("08:30"))]),
        ([arrives("joy", "08:00")], [("joy", at("08:00"), None)]),
        ([departs("joy", "08:30")], [("joy", None, at("08:30"))]),
        # A second tap within twenty minutes belongs to it, counted from the latest.
        ([arrives("joy", "08:00"), arrives("joy", "08:20"), arrives("joy", "08:40"), departs("joy", "08:50")],
         [("joy", at("08:00"), at("08:50"))]),
        # A later arrival starts a new session and leaves the first without an end.
        ([arrives("joy", "08:00"), arrives("joy", "08:20:00.000001"), departs("joy", "08:50")],
         [("joy", at("08:00"), None), ("joy", at("08:20:00.000001"), at("08:50"))]),
        # With a departure between, an arrival always starts a new one.
        ([arrives("joy", "08:00"), departs("joy", "08:05"), arrives("joy", "08:10")],
         [("joy", at("08:00"), at("08:05")), ("joy", at("08:10"), None)]),
        # The session's departure is its first; another within twenty minutes of that belongs to it.
        ([arrives("joy", "08:00"), departs("joy", "08:30"), departs("joy", "08:50")],
         [("joy", at("08:00"), at("08:30"))]),
        ([arrives("joy", "08:00"), departs("joy", "08:30"), departs("joy", "08:45"), departs("joy", "09:00")],
         [("joy", at("08:00"), at("08:30")), ("joy", None, at("09:00"))]),
        ([departs("joy", "08:30"), departs("joy", "08:50"), departs("joy", "08:50:01")],
         [("joy", None, at("08:30")), ("joy", None, at("08:50:01"))]),
        # An arrival between keeps departures apart.
        ([arrives("joy", "08:00"), departs("joy", "08:30"), arrives("joy", "08:31"), departs("joy", "08:32")],
         [("joy", at("08:00"), at("08:30")), ("joy", at("08:31"), at("08:32"))]),
        # Sixteen hours after its start, inclusive, a departure still ends it.
        ([arrives("joy", "06:00"), departs("joy", "22:00")], [("joy", at("06:00"), at("22:00"))]),
        ([arrives("joy", "06:00"), departs("joy", "22:00:01")],
         [("joy", at("06:00"), None), ("joy", None, at("22:00:01"))]),
        # Each carer has sessions of their own; buttons are one unnamed carer, last among equals.
        ([arrives("joy", "08:00"), arrives("sam", "08:05"), departs("joy", "08:30"), departs("sam", "08:31")],
         [("joy", at("08:00"), at("08:30")), ("sam", at("08:05"), at("08:31"))]),
        ([arrives(None, "08:00"), arrives("joy", "08:00"), departs(None, "08:30")],
         [("joy", at("08:00"), None), (None, at("08:00"), at("08:30"))]),
        # A granted door is an arrival only.
        ([event("door.granted", at("08:00"), credential="fob:joy"), arrives("joy", "08:03"),
          departs("joy", "08:30"), event("door.granted", at("08:31"), credential="fob:joy")],
         [("joy", at("08:00"), at("08:30")), ("joy", at("08:31"), None)]),
        # Weak evidence makes none.
        ([event("door.opened", at("08:00")), event("carer.arrived", at("08:00"), credential="fob:x")], []),
    ],
)  # fmt: skip
def test_evidence_becomes_sessions(events: list[HomeEvent], expected: list[Seen]) -> None:
    """Every sentence of section 4 at its boundary."""
    assert sessions(*events) == expected


def test_the_devices_clock_orders_events_of_one_effective_time() -> None:
    """Both lie in the future, so both happened at the receipt; the device still knows which came first."""
    left = event("carer.departed", at("09:10"), at("08:00"), credential="fob:joy")
    came = event("carer.arrived", at("09:00"), at("08:00"), credential="fob:joy")
    assert sessions(left, came) == [("joy", at("08:00"), at("08:00"))]


def test_arrival_orders_events_of_one_clock() -> None:
    """Same effective time, same device time: what arrived first came first."""
    came = event("carer.arrived", at("08:00"), credential="fob:joy")
    left = event("carer.departed", at("08:00"), credential="fob:joy")
    assert sessions(left, came) == [("joy", at("08:00"), at("08:00"))]
    assert came.arrival < left.arrival


@pytest.mark.parametrize(
    ("events", "strong"),
    [
        ([arrives("joy", "08:00")], True),
        ([arrives(None, "08:00")], False),
    ],
)
def test_a_session_knows_whether_anything_in_it_is_strong(events: list[HomeEvent], strong: bool) -> None:
    """One strong piece makes a session strong."""
    pieces = [weigh(one, HUB, DWELLING, CARERS, NO_DOORS) for one in events]
    (session,) = sessions_of([piece for piece in pieces if piece is not None], DEFAULT_POLICY)
    assert session.strong is strong


taps = st.lists(st.tuples(st.booleans(), st.integers(0, 24 * 60)), min_size=1, max_size=25).map(
    lambda pairs: [
        event(
            "carer.arrived" if arrival else "carer.departed",
            at(f"{minute // 60 % 24:02}:{minute % 60:02}", minute // 1440),
            credential="fob:joy",
        )
        for arrival, minute in pairs
    ]
)


@given(taps, st.randoms())
def test_stragglers_change_no_session(events: list[HomeEvent], random: object) -> None:
    """Evidence in any order of coming gives the sessions of the ordered whole, and names each change."""
    pieces = [piece for one in events if (piece := weigh(one, HUB, DWELLING, CARERS, NO_DOORS)) is not None]
    ordered = Presence(DEFAULT_POLICY)
    for piece in sorted(pieces, key=lambda piece: piece.order):
        ordered.add(piece)
    random.shuffle(pieces)  # type: ignore[attr-defined]
    as_it_came = Presence(DEFAULT_POLICY)
    for piece in pieces:
        before = list(as_it_came.sessions)
        changed = as_it_came.add(piece)
        kept = [session for session in as_it_came.sessions if session not in before]
        gone = [session for session in before if session not in as_it_came.sessions]
        assert all(session in changed for session in kept + gone)
    assert as_it_came.sessions == ordered.sessions
