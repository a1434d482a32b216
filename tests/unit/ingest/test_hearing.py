"""What a batch says of the hubs themselves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.model import Event, Status
from ingest.hearing import GAP_FACTOR, Gap, Heard, KnownHub, calls_for_a_look, gaps, gather
from ingest.model import Arrival

T0 = datetime(2026, 11, 21, 18, tzinfo=UTC)
EVERY = timedelta(minutes=10)
TICK = timedelta(microseconds=1)


def known(**fields: Any) -> KnownHub:
    whole: dict[str, Any] = {
        "id": "h", "heartbeat_every": EVERY, "last_heard_at": T0, "online": True, "next_check_at": T0,
    }  # fmt: skip
    return KnownHub(**(whole | fields))


def arrival(
    at: datetime = T0, *events: Event, status: Status | None = None, retained: bool = False
) -> Arrival:
    return Arrival("t", "h", at, b"", retained, events, (), status)


def heartbeat(at: datetime, **data: Any) -> Event:
    return Event(id="1", type="heartbeat", at=at, data=data)


def heard(*arrivals: Arrival) -> Heard:
    heard: dict[str, Heard] = {}
    gather(arrivals, heard)
    return heard["h"]


@pytest.mark.parametrize(
    ("before", "times", "expected"),
    [
        (None, [T0], ()),
        (T0, [T0 + EVERY + TICK], ()),
        (T0, [T0 + GAP_FACTOR * EVERY], ()),
        (T0, [T0 + GAP_FACTOR * EVERY + TICK], (Gap(T0, T0 + GAP_FACTOR * EVERY + TICK),)),
        (T0, [T0 + 3 * EVERY, T0 + EVERY], (Gap(T0 + EVERY, T0 + 3 * EVERY),)),
        (T0, [T0 - 3 * EVERY], ()),
        (T0, [], ()),
    ],
)
def test_gaps_are_well_over_the_hubs_own_interval(
    before: datetime | None, times: list[datetime], expected: tuple[Gap, ...]
) -> None:
    """A heartbeat a quarter late makes no gap, one tick more does; a first word and a replay make none."""
    assert gaps(before, times, EVERY) == expected


def test_only_the_hubs_own_voice_counts_as_heard() -> None:
    """Wills and retained statuses change what we know of the hub, not when it was last heard."""
    said = heard(
        arrival(T0, status=Status(online=True), retained=True),
        arrival(T0 + TICK, status=Status(online=False)),
    )
    assert said.row(known(), None, None).heard_to is None
    assert said.row(known(), None, None).online is False
    assert heard(arrival(T0, heartbeat(T0))).row(known(), None, None).heard_to == T0


def test_whatever_is_heard_after_a_will_means_back() -> None:
    """A hub that speaks is online, whatever its last status said."""
    gone = arrival(T0, status=Status(online=False))
    assert heard(gone, arrival(T0 + TICK, heartbeat(T0))).online is True
    assert heard(arrival(T0, heartbeat(T0)), gone).online is False


def test_the_queue_is_that_of_the_last_fresh_heartbeat() -> None:
    """A heartbeat older than the interval, or without a number, says nothing of the queue now."""
    fresh = heartbeat(T0 - EVERY, queued=3)
    old = heartbeat(T0 - EVERY - TICK, queued=9)
    mute = heartbeat(T0)
    suspect = heartbeat(T0 + timedelta(days=3), queued=5)
    assert heard(arrival(T0, fresh), arrival(T0, old), arrival(T0, mute)).queued(EVERY) == 3
    assert heard(arrival(T0, old)).queued(EVERY) is None
    assert heard(arrival(T0, suspect)).queued(EVERY) == 5
    for odd in (-1, True, "3", 1.5, None):
        assert heard(arrival(T0, heartbeat(T0, queued=odd))).queued(EVERY) is None
    assert heard(arrival(T0, heartbeat(T0, queued=10**30))).queued(EVERY) == 2**31 - 1


def test_a_kept_status_is_recorded_only_when_it_is_news() -> None:
    """Every subscription brings all retained statuses again; only those that differ become rows."""
    kept = heard(arrival(T0, status=Status(online=True), retained=True))
    assert kept.told_anew(known(online=True)) == ()
    assert [row.online for row in kept.told_anew(known(online=False))] == [True]
    live = heard(arrival(T0, status=Status(online=True)))
    assert len(live.told_anew(known(online=True))) == 1


@pytest.mark.parametrize(
    ("before", "said", "found", "why"),
    [
        (known(), heard(arrival()), (), None),
        (known(last_heard_at=None), heard(arrival()), (), "heard for the first time"),
        (known(), heard(arrival()), (Gap(T0, T0),), "heard after a gap"),
        (known(), heard(arrival(status=Status(online=False))), (), "gone"),
        (known(online=False), heard(arrival()), (), "back"),
        (known(online=None), heard(arrival(status=Status(online=False))), (), None),
        (known(next_check_at=None), heard(arrival()), (), "heard after a long silence"),
        (known(next_check_at=None), heard(arrival(status=Status(online=True), retained=True)), (), None),
    ],
)
def test_supervision_looks_at_once_when_something_turned(
    before: KnownHub, said: Heard, found: tuple[Gap, ...], why: str | None
) -> None:
    """An ordinary message costs supervision nothing; a turn makes it look now."""
    assert calls_for_a_look(before, said, found) == why


def test_a_clock_is_told_by_the_median_of_fresh_heartbeats() -> None:
    """One heartbeat held up changes nothing, and one that says it has more to send is not counted."""
    offsets = [timedelta(seconds=offset) for offset in (60, -600, 61, 60, 62)]
    slow = heard(*(arrival(T0, heartbeat(T0 + offset)) for offset in offsets))
    row = slow.row(known(), None, None)
    assert (row.clock_offset_s, row.clock_samples) == (60.0, (60.0, -600.0, 61.0, 60.0, 62.0))
    assert heard(arrival(T0, heartbeat(T0, queued=3))).row(known(), None, None).clock_samples is None


def test_a_clock_that_was_set_is_believed_after_a_few_heartbeats() -> None:
    """Only the last nine count."""
    before = replace(known(), clock_samples=[3600.0] * 9)
    set_right = heard(*(arrival(T0, heartbeat(T0)) for _ in range(5)))
    assert set_right.row(before, None, None).clock_offset_s == 0.0


@pytest.mark.parametrize(
    ("after", "online"),
    [(timedelta(0), True), (TICK, None), (timedelta(minutes=5), None), (timedelta(minutes=5) + TICK, True)],
)
def test_a_press_that_is_committed_after_a_farewell_makes_no_hub_alive(
    after: timedelta, online: bool | None
) -> None:
    """The later message is believed, whichever lane was quicker, unless our clock was set back."""
    press = Event(id="p", type="alarm.pendant", at=T0)
    said = heard(arrival(T0, press))
    said.yield_to(known(online=False, last_heard_at=T0 - EVERY, status_at=T0 + after))
    assert said.online is online
    assert said.times == [T0]


def test_an_older_status_does_not_replace_what_was_heard_since() -> None:
    """A farewell that is committed after a later press leaves the hub online."""
    said = heard(arrival(T0, status=Status(online=False)))
    said.yield_to(known(last_heard_at=T0 + TICK))
    assert (said.online, said.status, said.status_at) == (None, None, None)
