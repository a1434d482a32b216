"""Which session fills which slot: by the table, and against a search through every way there is."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from care.assignment import Problem, best
from care.matching import fill
from care.model import Session, Suspension, Visit
from care.policy import DEFAULT_POLICY, Policy
from care.sessions import place, rank
from care.windows import Window, frame
from tests.unit.care.builders import LONDON, at, cancelled, visit


def stay(
    carer: str | None, start: str | None, end: str | None = None, provider: str = "brightcare"
) -> Session:
    """A session from start to end, either unknown."""
    return Session(
        carer,
        None if carer is None else provider,
        None if start is None else at(start),
        None if end is None else at(end),
        strong=True,
    )


def filled(
    visits: list[Visit],
    sessions: list[Session],
    policy: Policy = DEFAULT_POLICY,
    suspensions: tuple[Suspension, ...] = (),
) -> dict[str, list[int]]:
    """The numbers of the sessions that fill each visit."""
    windows = frame(visits, suspensions, policy, LONDON)
    found = fill(windows.values(), sessions, policy)
    return {ref: sorted(sessions.index(session) for session in several) for ref, several in found.items()}


V1, V2 = visit("08:00"), visit("08:45", ref="v2")
DOUBLE = visit("08:00", carers_required=2)


@pytest.mark.parametrize(
    ("visits", "sessions", "expected"),
    [
        # The nearest first is wrong.
        ([V1, V2], [stay("joy", "08:25"), stay("joy", "09:05")], {"v1": [0], "v2": [1]}),
        # Most slots filled before least cost: both visits need one.
        ([V1, V2], [stay("joy", "08:44"), stay("joy", "08:46")], {"v1": [0], "v2": [1]}),
        # One session fills one slot only.
        ([V1, V2], [stay("joy", "08:20")], {"v1": [0]}),
        # The window: [counts from, latest).
        ([V1], [stay("joy", "07:15")], {"v1": [0]}),
        ([V1], [stay("joy", "07:14:59")], {}),
        ([V1, visit("12:00", ref="v2")], [stay("joy", "11:14:59")], {"v1": [0]}),
        ([V1, visit("12:00", ref="v2")], [stay("joy", "11:15")], {"v2": [0]}),
        # Without a start: the end in [start, latest).
        ([V1], [stay("joy", None, "07:59")], {}),
        ([V1], [stay("joy", None, "08:00")], {"v1": [0]}),
        # Sessions with a start go first, however far away.
        ([V1], [stay("joy", None, "08:30"), stay("sam", "10:30")], {"v1": [1]}),
        ([DOUBLE], [stay("joy", None, "08:30"), stay("sam", "10:30")], {"v1": [0, 1]}),
        # Early minutes weigh double: ten early are as dear as twenty late, and then the earlier stands.
        ([V1], [stay("joy", "07:50"), stay("sam", "08:19")], {"v1": [1]}),
        ([V1], [stay("joy", "07:50"), stay("sam", "08:20")], {"v1": [0]}),
        ([V1], [stay("joy", "07:50"), stay("sam", "08:21")], {"v1": [0]}),
        # A quarter of the minutes by which it is shorter: twenty short minutes are five.
        ([V1], [stay("joy", "08:00", "08:10"), stay("sam", "08:06", "08:36")], {"v1": [0]}),
        ([V1], [stay("joy", "08:00", "08:10"), stay("sam", "08:04", "08:34")], {"v1": [1]}),
        # A stay without an end is not called short.
        ([V1], [stay("joy", "08:00"), stay("sam", "08:01", "08:31")], {"v1": [0]}),
        # Two slots: not by the same carer twice, and by the unnamed at most once.
        ([DOUBLE], [stay("joy", "08:00", "08:10"), stay("joy", "08:20")], {"v1": [0]}),
        ([DOUBLE], [stay(None, "08:00", "08:10"), stay(None, "08:20")], {"v1": [0]}),
        ([DOUBLE], [stay("joy", "08:00"), stay(None, "08:01"), stay(None, "08:20")], {"v1": [0, 1]}),
        ([DOUBLE], [stay("joy", "08:00"), stay("joy", None, "08:45")], {"v1": [0]}),
        ([DOUBLE], [stay("joy", "08:00"), stay("sam", "08:20"), stay("kay", "08:10")], {"v1": [0, 2]}),
        # Another provider's carer fills nothing; the unnamed may be anybody's.
        ([V1], [stay("kim", "08:00", provider="otherco")], {}),
        ([visit("08:00", provider_id="otherco")], [stay(None, "08:00")], {"v1": [0]}),
        # Planned before cancelled, whatever the cost.
        ([cancelled("08:00"), V2], [stay("joy", "08:01")], {"v2": [0]}),
        ([cancelled("08:00"), V2], [stay("joy", "08:01"), stay("joy", "08:50")], {"v1": [0], "v2": [1]}),
    ],
)  # fmt: skip
def test_sessions_fill_slots(
    visits: list[Visit], sessions: list[Session], expected: dict[str, list[int]]
) -> None:
    """Every sentence of section 5 at its boundary."""
    assert filled(visits, sessions) == expected


@pytest.mark.parametrize(
    ("visits", "sessions", "expected"),
    [
        # Twenty minutes for a swap: the rostered carer may be nineteen worse; at twenty the earlier wins.
        ([visit(carers=("sam",))], [stay("joy", "08:00"), stay("sam", "08:19")], [1]),
        ([visit(carers=("sam",))], [stay("joy", "08:00"), stay("sam", "08:20")], [0]),
        # The unnamed is never one of those named.
        ([visit(carers=("sam",))], [stay(None, "08:00"), stay("sam", "08:19")], [1]),
        # Where nobody is named nobody is a swap.
        ([visit()], [stay("joy", "08:00"), stay("sam", "07:59")], [0]),
        # Joy is named at noon: her session is four hours dearer here, though nobody else came nearer.
        (
            [visit(carers=("sam",)), visit("19:00", ref="v2", carers=("joy",))],
            [stay("joy", "08:00"), stay("kay", "11:39")],
            [1],
        ),
        (
            [visit(carers=("sam",)), visit("19:00", ref="v2", carers=("joy",))],
            [stay("joy", "08:00"), stay("kay", "11:40")],
            [0],
        ),
        # But not when that visit is cancelled, or on another date.
        (
            [visit(carers=("sam",)), cancelled("19:00", ref="v2", carers=("joy",))],
            [stay("joy", "08:00"), stay("kay", "08:30")],
            [0],
        ),
        (
            [visit(carers=("sam",)), visit("19:00", ref="v2", carers=("joy",), day=1)],
            [stay("joy", "08:00"), stay("kay", "08:30")],
            [0],
        ),
        # Nor when this visit names her as well.
        (
            [visit(carers=("joy",)), visit("19:00", ref="v2", carers=("joy",))],
            [stay("joy", "08:00"), stay("kay", "08:30")],
            [0],
        ),
    ],
)
def test_rostered_carers_are_preferred(
    visits: list[Visit], sessions: list[Session], expected: list[int]
) -> None:
    """+ 20 for a carer who is not rostered, + 240 for one who is named at another visit that day."""
    assert filled(visits, sessions)["v1"] == expected


def test_a_suspended_visit_takes_what_is_left() -> None:
    """The planned visit is served first, the suspended one by whoever else came."""
    away = Suspension("ada", at("07:00"), at("08:30"), "hospital")
    assert filled([V1, V2], [stay("joy", "08:01")], suspensions=(away,)) == {"v2": [0]}


def test_visits_of_two_packages_share_a_residents_sessions() -> None:
    """A session fills at most one slot among all the resident's packages."""
    both = [visit(), visit(ref="v2", package_id="pkg-more")]
    assert filled(both, [stay("joy", "08:00")]) == {"v1": [0]}
    assert filled(both, [stay("joy", "08:00", "08:30"), stay("joy", "08:31")]) == {"v1": [0], "v2": [1]}


def test_equal_ways_are_decided_by_order() -> None:
    """Of equally dear ways the earlier visit has the earlier session, and is filled before empty."""
    sessions = [stay("sam", "08:10"), stay("joy", "08:10"), stay(None, "08:10")]
    both = [visit(), visit(ref="v2")]
    assert filled(both, sessions) == {"v1": [1], "v2": [0]}
    assert filled(both, [sessions[2], sessions[0]]) == {"v1": [1], "v2": [0]}


def test_half_seconds_are_told_apart() -> None:
    """Costs are exact: a microsecond decides, and no rounding makes a tie."""
    assert filled([V1], [stay("joy", "08:10:00.000001"), stay("sam", "08:10")]) == {"v1": [1]}
    assert filled([V1], [stay("joy", "07:55"), stay("sam", "08:09:59.999999")]) == {"v1": [1]}


def test_the_policys_weights_are_used() -> None:
    """Weights of a policy may be any fractions."""
    policy = Policy(early_weight=Fraction(1, 3), swap_minutes=Fraction(1, 2))
    assert filled([V1], [stay("joy", "07:45"), stay("sam", "08:05:01")], policy) == {"v1": [0]}
    rostered = visit(carers=("sam",))
    assert filled([rostered], [stay("joy", "08:00"), stay("sam", "08:00:29")], policy) == {"v1": [1]}


def test_a_crowd_of_sessions_is_no_trouble() -> None:
    """A button pressed a hundred times a day meets three visits with two slots each."""
    visits = [visit(f"{hour:02}:00", ref=f"v{hour}", carers_required=2, tier=V1.tier) for hour in (8, 9, 10)]
    sessions = [
        stay(None, f"{7 + n // 20:02}:{n % 20 * 3:02}", f"{7 + n // 20:02}:{n % 20 * 3 + 1:02}")
        for n in range(100)
    ]
    found = filled(visits, sessions)
    assert {ref: len(several) for ref, several in found.items()} == {"v8": 1, "v9": 1, "v10": 1}


# --- against a search through every way there is ----------------------------------------------------


def _every_way(problem: Problem, row: int = 0) -> Iterator[dict[int, int]]:
    if row == len(problem.carers):
        yield {}
        return
    for rest in _every_way(problem, row + 1):
        yield rest
        for column, slots in enumerate(problem.slots):
            beside = [other for other, its in rest.items() if its == column]
            if (
                (row, column) in problem.costs
                and len(beside) < slots
                and all(problem.carers[other] != problem.carers[row] for other in beside)
            ):
                yield {row: column, **rest}


def _badness(problem: Problem, way: dict[int, int]) -> tuple[object, ...]:
    cost = sum(problem.costs[pair] for pair in way.items())
    order = []
    for column, slots in enumerate(problem.slots):
        rows = sorted(row for row, its in way.items() if its == column)
        order.append((*rows, *[len(problem.carers)] * (slots - len(rows))))
    return -len(way), cost, order


problems = st.integers(1, 3).flatmap(
    lambda columns: st.integers(1, 5).flatmap(
        lambda rows: st.builds(
            Problem,
            costs=st.dictionaries(
                st.tuples(st.integers(0, rows - 1), st.integers(0, columns - 1)),
                st.integers(0, 4),
                min_size=1,
            ),
            carers=st.lists(st.sampled_from(["joy", "sam", None]), min_size=rows, max_size=rows).map(tuple),
            slots=st.lists(st.integers(1, 3), min_size=columns, max_size=columns).map(tuple),
        )
    )
)


@settings(max_examples=300)
@given(problems)
def test_no_way_is_better_than_the_best(problem: Problem) -> None:
    """The solver's way is the first of all by slots, cost, order; small costs make many ties."""
    expected = min(_every_way(problem), key=lambda way: _badness(problem, way))
    assert best(problem) == set(expected.items())


moments = st.integers(0, 240).map(lambda minute: at("07:00") + timedelta(minutes=minute))
stays = st.builds(
    lambda carer, start, length, kind: Session(
        carer,
        None if carer is None else "brightcare",
        None if kind == "end" else start,
        None if kind == "start" else start + timedelta(minutes=length),
        strong=True,
    ),
    st.sampled_from(["joy", "sam", None]),
    moments,
    st.integers(0, 60),
    st.sampled_from(["start", "end", "both", "both"]),
)
plans = st.lists(
    st.tuples(
        st.integers(0, 8), st.integers(1, 2), st.sampled_from([(), ("joy",), ("joy", "sam")]), st.booleans()
    ),
    min_size=1,
    max_size=3,
).map(
    lambda rows: [
        (cancelled if off else visit)(
            f"{7 + number // 4:02}:{number % 4 * 15:02}", ref=f"v{i}", carers_required=slots, carers=named
        )
        for i, (number, slots, named, off) in enumerate(rows)
    ]
)


@settings(max_examples=150)
@given(plans, st.lists(stays, max_size=5))
def test_a_household_is_matched_as_the_rules_say(visits: list[Visit], sessions: list[Session]) -> None:
    """Round by round against a search in exact minutes: planned first, then with a start, then without."""
    windows = frame(visits, (), DEFAULT_POLICY, LONDON)
    found = fill(windows.values(), sessions, DEFAULT_POLICY)
    waiting = sorted(sessions, key=rank)
    expected: dict[str, list[Session]] = {}
    for planned in (True, False):
        for started in (True, False):
            group = [window for window in windows.values() if window.expected is planned]
            rows = [session for session in waiting if (session.start is not None) is started]
            problem = _problem(group, rows, expected, windows)
            if problem.costs:
                way = min(_every_way(problem), key=lambda way: _badness(problem, way))
                for row, column in way.items():
                    expected.setdefault(group[column].visit.ref, []).append(rows[row])
                    waiting = [session for session in waiting if session is not rows[row]]
    assert {ref: list(several) for ref, several in found.items()} == {
        ref: sorted(several, key=rank) for ref, several in expected.items()
    }


def _problem(
    group: list[Window], rows: list[Session], filled: dict[str, list[Session]], windows: dict[str, Window]
) -> Problem:
    costs = {}
    for column, window in enumerate(group):
        came = {session.carer_id for session in filled.get(window.visit.ref, [])}
        for row, session in enumerate(rows):
            begin = window.visit.start_at if session.start is None else window.counts_from
            if begin <= place(session) < window.latest and session.carer_id not in came:
                costs[row, column] = _minutes(session, window, windows)
    # In quarters of a microsecond every cost is whole.
    return Problem(
        {pair: int(cost * 60_000_000 * 4) for pair, cost in costs.items()},
        tuple(session.carer_id for session in rows),
        tuple(window.visit.carers_required - len(filled.get(window.visit.ref, [])) for window in group),
    )


def _minutes(session: Session, window: Window, windows: dict[str, Window]) -> Fraction:
    planned: datetime = window.visit.start_at if session.start is not None else window.visit.end_at
    cost = _length(place(session) - planned)
    cost = cost if cost >= 0 else -2 * cost
    if window.visit.carers and session.carer_id not in window.visit.carers:
        elsewhere = session.carer_id is not None and any(
            other.expected and session.carer_id in other.visit.carers and other is not window
            for other in windows.values()
        )
        cost += 240 if elsewhere else 20
    if session.start is not None and session.end is not None:
        cost += max(Fraction(0), _length(window.visit.planned_length - (session.end - session.start))) / 4
    return cost


def _length(length: timedelta) -> Fraction:
    return Fraction(length // timedelta(microseconds=1), 60_000_000)
