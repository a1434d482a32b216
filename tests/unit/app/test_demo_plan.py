"""The demonstration's files are what any estate's are, and its rounds leave no gap."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.demo.estate import SIGN_INS, estate_yaml, homes
from app.demo.plan import (
    COUNTS_FROM,
    STORY_HOMES,
    ordinary_rounds,
    policy_toml,
    roster_csv,
    story_start,
    story_visits,
)
from care.estate import read_estate
from care.policy_file import read_policy

MOMENTS = st.integers(0, 730 * 86_400).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s))


def test_estate_is_read_without_a_fault() -> None:
    """Twenty homes of two landlords with two providers, a centre and a council, each person in one home."""
    estate = read_estate(estate_yaml(), "demo")
    kinds = sorted(organisation.kind.value for organisation in estate.organisations.values())
    assert kinds == ["care_provider"] * 2 + ["commissioner"] + ["landlord"] * 2 + ["monitoring_centre"]
    assert len(estate.dwellings) == len(estate.residents) == len(estate.hubs) == len(estate.packages) == 20
    assert {organisation for organisation, _, _ in SIGN_INS} <= set(estate.organisations)


def test_policy_shortens_the_storys_packages_only() -> None:
    """The story's packages are judged in seconds; the other homes keep their tier."""
    policy = read_policy(policy_toml(), "demo")
    assert set(policy.packages) == {home.package for home in homes() if home.number in STORY_HOMES}
    assert {override.counts_from for override in policy.packages.values()} == {COUNTS_FROM}


@given(MOMENTS)
def test_story_begins_on_a_whole_minute_soon(now: datetime) -> None:
    """The homes have at least twelve seconds to be heard first, and nobody waits much over a minute."""
    start = story_start(now)
    assert (start.second, start.microsecond) == (0, 0)
    assert timedelta(seconds=12) <= start - now <= timedelta(seconds=73)


@given(MOMENTS, st.integers(1, 300), st.integers(1, 300))
def test_rounds_of_two_stretches_are_those_of_both(since: datetime, first: int, second: int) -> None:
    """Planning an hour ahead again and again leaves no visit out and plans none twice."""
    since = since.replace(second=0, microsecond=0)
    middle = since + timedelta(minutes=first)
    until = middle + timedelta(minutes=second)
    together = ordinary_rounds(since, until)
    assert ordinary_rounds(since, middle) + ordinary_rounds(middle, until) == together
    assert len({visit.ref for visit in together}) == len(together)


def test_roster_names_each_visit_once() -> None:
    """One row a visit, with local times on whole minutes."""
    start = datetime(2026, 11, 21, 9, tzinfo=UTC)
    lines = roster_csv(story_visits(start)).splitlines()
    assert lines[0] == "visit_ref,package,service_date,start,end,carer_1,status"
    assert lines[1] == "ada-20261121-0900,pkg-ada,2026-11-21,09:00,09:01,liam,planned"
    assert len(lines) == 1 + len(STORY_HOMES)


def test_story_has_visits_as_long_as_on_a_round_beside_those_that_end_at_once() -> None:
    """The swapped, the late and the missed one are quarter hours; the others are over while one watches."""
    start = datetime(2026, 11, 21, 9, tzinfo=UTC)
    lengths = [(visit.end - visit.start) // timedelta(minutes=1) for visit in story_visits(start)]
    assert lengths == [1, 1, 15, 15, 15, 1, 1]
