"""A seed is a world: the same on any machine, and of the size that the published figures say."""

import hashlib
import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from device_sim.world.files import estate_text, roster_text
from device_sim.world.magnitudes import USUAL, changed
from device_sim.world.rendering import render
from device_sim.world.world import World, make_world

HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture(scope="module")
def week() -> World:
    """A week of 200 homes."""
    return make_world(seed=7, homes=200)


def fingerprint(world: World) -> str:
    """One short text for everything in a world."""
    told = hashlib.sha256((estate_text(world) + roster_text(world)).encode())
    for line in render(world).lines:
        told.update(line)
    return told.hexdigest()


def test_a_seed_is_the_same_world_in_every_process() -> None:
    """Another process with other hash seeds makes the same bytes; so must another machine."""
    program = (
        "from tests.unit.device_sim.world.test_world import fingerprint\n"
        "from device_sim.world.world import make_world\n"
        "print(fingerprint(make_world(seed=3, homes=5, days=2)))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": salt},
        ).stdout.strip()
        for salt in ("1", "2")
    }
    assert told == {fingerprint(make_world(seed=3, homes=5, days=2))}


def test_the_first_draws_are_known() -> None:
    """The world of seed 1 is written down here, so that a change of machine, Python or program is noticed."""
    world = make_world(seed=1, homes=3, days=1)
    assert fingerprint(world) == KNOWN


def test_another_seed_is_another_world() -> None:
    """Two seeds do not share their days."""
    assert fingerprint(make_world(1, 3, 1)) != fingerprint(make_world(2, 3, 1))


def test_a_home_more_changes_nobody_elses_own_day() -> None:
    """What a resident does hangs on that resident alone; only rounds are shared."""
    few, many = make_world(5, 10), make_world(5, 30)
    own = [said for said in few.happenings if said.visit is None]
    hubs = {person.hub for person in few.people}
    assert own == [said for said in many.happenings if said.visit is None and said.hub in hubs]


def test_one_visit_in_ten_is_more_than_half_an_hour_late(week: World) -> None:
    """domain/visits.md, published magnitudes: 10 %."""
    delays = [
        min(came.arrived for came in made.attended) - made.due.start for made in week.visits if made.attended
    ]
    assert 0.08 < sum(delay > HALF_AN_HOUR for delay in delays) / len(delays) < 0.12


def test_seven_in_a_hundred_stays_are_shorter_than_fifteen_minutes(week: World) -> None:
    """domain/visits.md, published magnitudes: 7 %."""
    stays = [came.departed - came.arrived for made in week.visits for came in made.attended]
    assert 0.05 < sum(stay < HALF_AN_HOUR / 2 for stay in stays) / len(stays) < 0.09


def test_a_person_has_about_ten_visits_a_week(week: World) -> None:
    """domain/visits.md, published magnitudes: 90,000 visits a week for 8,500 people."""
    assert 9.5 < len(week.visits) / 200 < 11.8


def test_a_person_calls_about_77_times_a_year(week: World) -> None:
    """domain/alarms.md §2: 176,255 calls of 2,300 people."""
    assert 60 < len(week.truth.calls) / 200 * 365 / 7 < 95


def test_nobody_is_in_two_homes_at_once(week: World) -> None:
    """Each carer's visits of the week follow one another."""
    by_carer: dict[str, list[tuple[datetime, datetime]]] = {}
    for made in week.visits:
        for came in made.attended:
            by_carer.setdefault(came.carer, []).append((came.arrived, came.departed))
    for times in by_carer.values():
        ordered = sorted(times)
        assert all(end <= begin for (_, end), (begin, _) in pairwise(ordered))


def test_what_really_happened_says_why_nobody_came(week: World) -> None:
    """A planned visit without enough carers has a reason, one in hospital or cancelled has no carers."""
    for visit in week.truth.visits:
        if visit.standing == "planned":
            assert (len(visit.attended) < visit.carers_required) == (visit.why is not None)
        else:
            assert not visit.attended


def test_a_week_across_the_change_of_clocks_keeps_wall_time() -> None:
    """The visit of half past eight is at half past eight on both sides of the night."""
    world = make_world(4, 10, 3, date(2026, 10, 24))
    starts = {
        (made.due.person.number, made.due.planned.id, made.due.day.day): made.due.start
        for made in world.visits
    }
    for (number, part, day), start in starts.items():
        if day == 24:
            assert starts[number, part, 26] - start == timedelta(days=2, hours=1)
    assert world.truth.world.begin.tzinfo == UTC


@pytest.mark.parametrize(("homes", "days"), [(0, 7), (50_001, 7), (1, 0), (1, 367)])
def test_a_world_without_homes_or_days_is_refused(homes: int, days: int) -> None:
    """And one that is too large, with a sentence."""
    with pytest.raises(ValueError, match="a world has from 1 to"):
        make_world(1, homes, days)


def test_a_magnitude_can_be_set() -> None:
    """A number, a range of numbers, or a range of whole ones; what is not named stays as published."""
    sizes = changed(["forgotten=0.5", "travel=10..30", "door_uses=1..2"])
    assert (sizes.forgotten, sizes.travel, sizes.door_uses) == (0.5, (10.0, 30.0), (1, 2))
    assert sizes.calls_a_year == USUAL.calls_a_year
    assert changed([]) == USUAL


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        ("forgotten", "is not NAME=VALUE"),
        ("tiers=1", "is not NAME=VALUE with a name of: doubles,"),
        ("forgotten=often", "forgotten is a number"),
        ("forgotten=0..1", "forgotten is a number"),
        ("travel=5", "travel is two numbers such as 5..15"),
        ("travel=30..5", "travel is two numbers"),
        ("door_uses=1.5..2", "door_uses is two numbers"),
    ],
)
def test_a_magnitude_that_cannot_be_is_told(pair: str, told: str) -> None:
    """In one sentence that says what is wanted."""
    with pytest.raises(ValueError, match=re.escape(told)):
        changed([pair])


KNOWN = "ebb4fcd70e93f00c9fe8edf3e7bbf271f0b84bbe181efe88ea88773151cfcdcf"
