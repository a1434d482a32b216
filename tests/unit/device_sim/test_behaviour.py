"""Ordinary days made up from a seed."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_sim.behaviour import CALLS_PER_YEAR, SHORT_STAY, VERY_LATE, Action, Habits, ordinary_day
from device_sim.spec import DeviceSpec, HomeSpec, VisitTimes

DAY = date(2026, 11, 21)
MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)
VISIT = VisitTimes(MIDNIGHT + timedelta(hours=8), MIDNIGHT + timedelta(hours=8, minutes=30))
SPEC = HomeSpec(
    "hub-12",
    devices=(DeviceSpec("pendant-1", "pendant"), DeviceSpec("panel-1", "door_panel")),
    carers={"carer": "fob:04A1B2"},
)

ARRIVAL_AND_DEPARTURE_OF_SEED_7 = (
    datetime(2026, 11, 21, 8, 9, 24, 473449, tzinfo=UTC),
    datetime(2026, 11, 21, 8, 34, 55, 620817, tzinfo=UTC),
)


def day(seed: int = 7, spec: HomeSpec = SPEC, habits: Habits | None = None) -> list[Action]:
    """One day with one visit."""
    return ordinary_day(spec, DAY, MIDNIGHT, [VISIT], seed=seed, habits=habits)


@given(st.integers(0, 10**9))
def test_a_seed_is_a_world(seed: int) -> None:
    """The same seed gives the same day, in order of time."""
    actions = day(seed)
    assert actions == day(seed)
    assert [dict(action.arguments) for action in actions] == [dict(action.arguments) for action in day(seed)]
    assert all(before.at <= after.at for before, after in pairwise(actions))


def test_a_world_is_the_same_on_any_machine() -> None:
    """This very day comes from seed 7: a change here is a change of everybody's worlds."""
    (arrival,) = [action for action in day() if action.does == "arrives"]
    (departure,) = [action for action in day() if action.does == "departs"]
    assert (arrival.at, departure.at) == ARRIVAL_AND_DEPARTURE_OF_SEED_7


def test_another_home_and_another_seed_have_days_of_their_own() -> None:
    """Homes do not move in step."""
    other_home = day(spec=HomeSpec("hub-13", SPEC.devices, carers=SPEC.carers))
    assert len({tuple(action.at for action in each) for each in (day(), day(8), other_home)}) == 3


def test_many_days_have_the_magnitudes_of_the_published_records() -> None:
    """Short stays, late comers and calls come as often as the sources of the settings say."""
    days = [day(seed) for seed in range(4000)]
    arrivals = [next(a.at for a in each if a.does == "arrives") for each in days]
    stays = [
        next(a.at for a in each if a.does == "departs") - arrived
        for each, arrived in zip(days, arrivals, strict=True)
    ]
    short = sum(stay < timedelta(minutes=15) for stay in stays) / len(days)
    late = sum(arrived - VISIT.start > timedelta(minutes=30) for arrived in arrivals) / len(days)
    calls = sum(action.does == "presses" for each in days for action in each) / len(days)
    assert short == pytest.approx(SHORT_STAY, abs=0.015)
    assert late == pytest.approx(VERY_LATE, abs=0.015)
    assert calls == pytest.approx(CALLS_PER_YEAR / 365, abs=0.025)


def test_when_nobody_comes_there_is_no_sign_of_a_carer() -> None:
    """The resident's own day goes on."""
    actions = day(habits=Habits(nobody_comes=1.0))
    assert actions
    assert not [a for a in actions if a.does in ("arrives", "departs", "shows", "rings")]


def test_a_habit_changes_no_more_than_it_says() -> None:
    """Whether carers stay short changes departures, and not when anything else happens."""
    usual = [(a.at, a.does) for a in day() if a.does != "departs"]
    hurried = [(a.at, a.does) for a in day(habits=Habits(short_stay=1.0)) if a.does != "departs"]
    assert usual == hurried


def test_a_home_without_devices_or_carers_has_quiet_days() -> None:
    """Nothing is done with what is not there."""
    assert day(spec=HomeSpec("hub-14")) == []
