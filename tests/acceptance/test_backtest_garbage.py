"""Nothing that files may hold ends a backtest otherwise than with a report or with clear lines."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import Fault
from tests.acceptance.backtest_case import DAY, Case

SCRAPS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        ["\n", ",", ":", "{", "}", "[", "]", '"', "- ", "&a", "*a", "null", "-1", "9" * 30, "PT9999999H"]
    ),
    st.sampled_from(
        ["0001-01-01", "9999-12-31", "24:00", "T23:59:60Z", "FREQ=YEARLY", "\x00", "\ufeff", "1e400"]
    ),
)
CUTS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), SCRAPS), min_size=1, max_size=4)


def spoilt(text: str, cuts: list[tuple[float, int, str]]) -> str:
    """The text with pieces of it replaced by scraps."""
    for place, length, scrap in cuts:
        start = int(place * len(text))
        text = text[:start] + scrap + text[start + length :]
    return text


def told(folder: Path) -> Case:
    """A day with something of everything in it."""
    case = Case(folder)
    case.policy = 'heard_again = "PT15M"\n[tiers.essential]\nlate_after = "PT30M"\nshort_below = 0.8\n'
    case.rows = [
        f"pkg-ada/morning/{DAY},pkg-ada,{DAY},08:30,09:00,2,joy,sam,,planned,{DAY}T08:00:00+00:00",
        f"extra,pkg-bert,{DAY},23:30,00:15,,,,critical,cancelled,",
    ]
    case.taps("joy", "08:03", "08:33")
    case.sends("heartbeat", "08:10", data={"queued": 3})
    case.sends("alarm.pendant", "09:00", device="pendant-1")
    case.sends("door.granted", "09:10", hub="hub-door", data={"panel": "front", "credential": "fob:sam"})
    case.line({"hub": "hub-12", "received_at": f"{DAY}T10:00:00+00:00", "status": {"online": False}})
    return case


def survives(spoil: Callable[[Case], None]) -> None:
    """A report comes of it, or a fault in which every line says something."""
    with TemporaryDirectory() as name:
        case = told(Path(name))
        spoil(case)
        try:
            assert {"until", "visits", "alerts"} <= set(case.report("23:50"))
        except Fault as fault:
            said = str(fault).splitlines()
        else:
            return
    assert said
    assert all(line.strip() for line in said)


@settings(max_examples=60, deadline=None)
@given(CUTS)
def test_no_estate_crashes_it(cuts: list[tuple[float, int, str]]) -> None:
    """An estate file with anything in it is read or refused."""

    def spoil(case: Case) -> None:
        case.estate = spoilt(case.estate, cuts)

    survives(spoil)


@settings(max_examples=60, deadline=None)
@given(CUTS)
def test_no_roster_crashes_it(cuts: list[tuple[float, int, str]]) -> None:
    """A roster with anything in it is read or refused."""

    def spoil(case: Case) -> None:
        case.rows = spoilt("\n".join(case.rows), cuts).split("\n")

    survives(spoil)


@settings(max_examples=60, deadline=None)
@given(CUTS)
def test_no_event_crashes_it(cuts: list[tuple[float, int, str]]) -> None:
    """Lines of an events file are taken or counted as rejected, and the replay goes on."""

    def spoil(case: Case) -> None:
        case.lines = spoilt("\n".join(case.lines), cuts).split("\n")

    survives(spoil)


@settings(max_examples=60, deadline=None)
@given(CUTS)
def test_no_policy_crashes_it(cuts: list[tuple[float, int, str]]) -> None:
    """A policy with anything in it is obeyed or refused."""

    def spoil(case: Case) -> None:
        case.policy = spoilt(case.policy or "", cuts)

    survives(spoil)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=4), st.randoms())
def test_lines_may_come_twice_and_in_any_order(again: list[int], random: object) -> None:
    """A file in another order, with repeats at the moment of the first, gives the same report."""
    with TemporaryDirectory() as name:
        case = told(Path(name))
        expected = case.report("23:50")
        case.lines += [case.lines[number % len(case.lines)] for number in again]
        random.shuffle(case.lines)  # type: ignore[attr-defined]
        assert json.dumps(case.report("23:50")) == json.dumps(expected)
