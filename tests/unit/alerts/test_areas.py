"""When many units down together are one matter (domain/alarms.md §1)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.areas import Area, Sizes, Unit, areas
from tests.unit.alerts.patience import patient

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SIZES = Sizes({"elm": 20, "oak": 10}, 200)


def units(count: int, scheme: str | None, *, minutes: float = 0, apart: float = 0) -> list[Unit]:
    """So many units down, from a moment on, each so many minutes after the one before."""
    return [
        Unit(f"{scheme}-{number}-{minutes}", scheme, NINE + timedelta(minutes=minutes + apart * number))
        for number in range(count)
    ]


def found(*down: list[Unit]) -> list[tuple[str | None, int]]:
    """Which areas there are, and how many units each has."""
    return [(area.scheme, len(area.units)) for area in areas([unit for part in down for unit in part], SIZES)]


@pytest.mark.parametrize(("count", "expected"), [(1, []), (4, []), (5, [("elm", 5)]), (9, [("elm", 9)])])
def test_more_than_a_fifth_of_a_scheme_is_an_area(count: int, expected: list[tuple[str, int]]) -> None:
    """A fifth itself is not."""
    assert found(units(count, "elm")) == expected


@pytest.mark.parametrize(("count", "expected"), [(10, []), (11, [(None, 11)])])
def test_more_than_a_twentieth_of_all_is_an_area(count: int, expected: list[tuple[str | None, int]]) -> None:
    """Of dispersed homes, which have no scheme."""
    assert found(units(count, None)) == expected


def test_the_ten_minutes_are_inclusive_and_slide() -> None:
    """Five within ten minutes to the second are an area; a minute more apart, no five ever are."""
    assert found(units(5, "elm", apart=2.5)) == [("elm", 5)]
    assert found(units(5, "elm", apart=2.6)) == []
    assert found(units(3, "elm"), units(3, "elm", minutes=30)) == []
    assert found(units(3, "elm", minutes=-60), units(5, "elm", apart=2.5)) == [("elm", 5)]


def test_it_is_raised_as_of_the_unit_that_made_them_too_many() -> None:
    """Not when a sweep noticed, and not at the first."""
    (area,) = areas(units(6, "elm", apart=1), SIZES)
    assert area.since == NINE + timedelta(minutes=4)
    assert area.reason == "6 of 20 units in elm within ten minutes"


def test_one_unit_is_never_an_area() -> None:
    """In a scheme of four one is more than a fifth."""
    tiny = Sizes({"ash": 4}, 4)
    assert areas(units(1, "ash"), tiny) == []
    assert len(areas(units(2, "ash"), tiny)) == 1


def test_a_scheme_that_is_also_a_twentieth_of_all_is_the_scheme() -> None:
    """And one lonely unit elsewhere makes it no matter of all."""
    assert found(units(15, "elm"), units(1, None)) == [("elm", 15)]


def test_too_few_for_their_scheme_may_be_too_many_of_all() -> None:
    """Three of a scheme of twenty are no fifth of it, and more than a twentieth of forty."""
    (area,) = areas(units(3, "elm"), Sizes({"elm": 20}, 40))
    assert (area.scheme, len(area.units)) == (None, 3)


def test_two_schemes_are_two_areas_until_it_is_a_matter_of_all() -> None:
    """Then it is one, with every unit in it."""
    assert found(units(8, "elm"), units(5, "oak")) == [("elm", 8), ("oak", 5)]
    assert found(units(18, "elm"), units(10, "oak"), units(3, None)) == [(None, 31)]


some = st.lists(st.tuples(st.sampled_from(["elm", "oak", None]), st.integers(0, 60)), max_size=60).map(
    lambda drawn: [
        Unit(f"h{number}", scheme, NINE + timedelta(minutes=minute))
        for number, (scheme, minute) in enumerate(drawn)
    ]
)


@patient
@given(some)
def test_areas_never_overlap_and_are_as_large_as_the_rule_asks(down: list[Unit]) -> None:
    """Whatever is down; the order in which it is given does not matter."""
    raised: list[Area] = areas(down, SIZES)
    names = [unit.hub_id for area in raised for unit in area.units]
    assert len(names) == len(set(names))
    assert all(
        len(area.units) > (10 if area.scheme is None else SIZES.of(area.scheme) / 5) for area in raised
    )
    again = areas(list(reversed(down)), SIZES)
    assert [(area.scheme, set(area.units)) for area in again] == [
        (area.scheme, set(area.units)) for area in raised
    ]
