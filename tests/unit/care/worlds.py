"""Random small worlds: a resident's visits of a day or two, and what homes and doors might say of them."""

from datetime import time, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from care.doors import Expected
from care.hearing import Listener
from care.household import Household
from care.model import (
    Hearing,
    HomeEvent,
    ManualWord,
    Plan,
    Scope,
    Suspension,
    Tier,
    Visit,
)
from care.policy import DEFAULT_POLICY, Overrides, Policy
from tests.unit.care.builders import DOOR_HUB, HUB, at, event, home, minutes

QUARTERS = 8 * 4  # of an hour, from six in the morning

quarter = st.integers(0, QUARTERS).map(lambda number: at("06:00") + minutes(15 * number))
minute = st.integers(0, 15 * QUARTERS).map(lambda number: at("06:00") + minutes(number))


@st.composite
def visits(draw: st.DrawFn) -> tuple[Visit, ...]:
    """Up to five visits of two packages of two providers, near enough to compete."""
    made = []
    for number in range(draw(st.integers(1, 5))):
        start = draw(quarter)
        package, provider = draw(
            st.sampled_from(
                [("pkg-ada", "brightcare")] * 3 + [("pkg-more", "brightcare"), ("pkg-kim", "otherco")]
            )
        )
        made.append(
            Visit(
                ref=f"v{number}",
                package_id=package,
                resident_id="ada",
                dwelling_id="elm-12",
                provider_id=provider,
                tier=draw(st.sampled_from(list(Tier))),
                service_date=start.date(),
                start_at=start,
                end_at=start + minutes(draw(st.sampled_from([15, 30, 45, 120]))),
                start_wall=start.time(),
                carers_required=draw(st.integers(1, 2)),
                carers=draw(st.sampled_from([(), ("joy",), ("sam", "joy")])),
                plan=draw(st.sampled_from([Plan.PLANNED] * 5 + [Plan.CANCELLED])),
                changed_at=draw(st.none() | quarter),
            )
        )
    return tuple(made)


@st.composite
def home_events(draw: st.DrawFn) -> HomeEvent:
    """An event of the home or of the scheme's door, received at once or late, even before its own clock."""
    when = draw(minute)
    delay = draw(st.sampled_from([0, 0, 0, 1, 17, 60, 240, -30, 60 * 24 * 4]))
    kind = draw(
        st.sampled_from(
            ["carer.arrived"] * 4
            + ["carer.departed"] * 4
            + ["door.granted", "door.granted", "door.opened", "door.denied", "door.call"]
        )
    )
    fields: dict[str, Any] = {
        "credential": draw(st.sampled_from(["fob:joy"] * 3 + ["fob:sam", "fob:kim", "fob:lost", None])),
        "method": draw(st.sampled_from(["fob", "button"])),
    }
    if kind.startswith("door."):
        fields["hub_id"] = draw(st.sampled_from(["hub-12", "hub-door"]))
        fields["scope"] = draw(st.sampled_from([None, Scope.COMMUNAL, Scope.DWELLING]))
    return event(kind, when, when + minutes(delay), **fields)


_sayings = st.lists(st.sampled_from(["heard"] * 8 + ["empty", "kept", "will"]), max_size=40)
_times = st.lists(st.integers(-60, 60 * 20), max_size=40)


@st.composite
def hearings(draw: st.DrawFn) -> Hearing:
    """What the home's hub was heard to say all day: nearly always, or with holes, wills and a queue."""
    listener = Listener(HUB, DEFAULT_POLICY)
    said = draw(_sayings)
    steady = draw(st.booleans())
    times = list(range(-600, 60 * 24 * 4, 20)) if steady else sorted(draw(_times))
    for number, late in enumerate(times):
        when = at("06:00") + timedelta(minutes=late)
        what = said[number] if number < len(said) else "heard"
        if what == "will":
            listener.went_offline(when)
            continue
        listener.heard(when)
        if what != "heard":
            listener.queue(when, 0 if what == "empty" else 1)
    return listener.hearing()


_suspensions = st.builds(
    lambda start, length: Suspension(
        "ada", start, None if length is None else start + minutes(length), "away"
    ),
    quarter,
    st.none() | st.integers(1, 300),
)
_neighbours = st.builds(
    lambda start, provider: Expected("elm-14", provider, start, start + minutes(90)),
    quarter,
    st.sampled_from(["brightcare", "otherco"]),
)
_manual = st.builds(
    lambda when, attended: ManualWord("v0", when, attended, "Mo", "seen"), minute, st.booleans()
)


class World:
    """A household that shows itself in few words when an example fails."""

    def __init__(self, household: Household) -> None:
        self.household = household

    def __repr__(self) -> str:
        return told(self.household)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Ada's home with anything in it."""
    planned = draw(visits())
    has_own_hub = draw(st.sampled_from([True, True, True, False]))
    made = home(
        planned,
        draw(st.lists(home_events(), max_size=12)),
        hearing=[draw(hearings())] if has_own_hub else [],
        suspensions=draw(st.lists(_suspensions, max_size=1)),
        neighbours=draw(st.lists(_neighbours, max_size=2)),
        hubs=(HUB, DOOR_HUB) if has_own_hub else (DOOR_HUB,),
        manual=tuple(draw(st.lists(_manual, max_size=1))),
    )
    return World(made)


def told(household: Household) -> str:
    """A household in few words, for a failing example."""
    lines = ["visits:"]
    lines += [
        f"  {v.ref} {v.package_id} {v.tier} {v.start_at:%H:%M}-{v.end_at:%H:%M} x{v.carers_required} "
        f"{','.join(v.carers)} {v.plan} {v.changed_at and v.changed_at.strftime('%H:%M')}"
        for v in household.visits
    ]
    lines += [
        f"  {e.hub_id} {e.type} {e.effective_at:%d %H:%M} received {e.received_at:%d %H:%M} "
        f"{e.credential} {e.method} {e.scope} #{e.arrival}"
        for e in household.events
    ]
    for hearing in household.hearing:
        lines.append(
            f"  first {hearing.first_heard_at} last {hearing.last_heard_at} offline {hearing.offline}"
        )
        lines.append(f"  gaps {hearing.gaps[:8]} words {hearing.queue_words[:8]}")
    lines.append(f"  {household.suspensions} {household.manual}")
    return "\n".join(lines)


_spans = st.sampled_from(
    [
        timedelta(0),
        timedelta(microseconds=1),
        *(minutes(n) for n in (5, 20, 45, 90, 400)),
        timedelta(days=36_500),
    ]
)
_numbers = st.sampled_from([Fraction(0), Fraction(1, 3), Fraction(2), Fraction(999, 7), Fraction(10**6)])
_shares = st.sampled_from([Fraction(0), Fraction(1, 3), Fraction(1)])
_walls = st.sampled_from([time(0), time(4), time(7, 30), time(23, 59)])
_rules = st.builds(
    Overrides,
    short_below=st.none() | _shares,
    counts_from=st.none() | _spans,
    on_time=st.none() | _spans,
    late_after=st.none() | _spans,
    missed_after=st.none() | _spans,
)
policies = st.builds(
    Policy,
    day_begins=_walls,
    day_ends=_walls,
    silence_factor=st.sampled_from([Fraction(1, 1000), Fraction(5, 2), Fraction(10**6)]),
    silent_share=_shares,
    heard_again=_spans,
    same_session=_spans,
    longest_session=_spans.filter(bool),
    swap_minutes=_numbers,
    named_elsewhere_minutes=_numbers,
    early_weight=_numbers,
    settle=_spans,
    packages=st.fixed_dictionaries({"pkg-ada": _rules, "pkg-more": _rules}),
)
"""Any policy that a file may hold, however odd."""
