"""The policy file: defaults, overrides, and every fault with its key."""

import contextlib
from datetime import time, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.model import Tier
from care.policy import DEFAULT_POLICY, DEFAULT_TIERS, Policy
from care.policy_file import PolicyErrors, read_policy

MINUTE = timedelta(minutes=1)


def test_an_empty_file_is_the_default() -> None:
    """What is left out keeps its default; unknown keys are no fault."""
    assert read_policy("", "p.toml") == DEFAULT_POLICY == Policy()
    assert read_policy('later = 1\n[tiers.urgent]\non_time = "PT1M"\n', "p.toml") == DEFAULT_POLICY


def test_every_setting_is_read() -> None:
    """Each key of the contract lands in its place, exact to the decimal."""
    policy = read_policy(
        """
        day_begins = "05:00"
        day_ends = 22:30:00
        silence_factor = 3
        silent_share = 0.1
        heard_again = "PT5M"
        same_session = "PT10M"
        longest_session = "PT12H"
        swap_minutes = 7.5
        named_elsewhere_minutes = 100
        early_weight = 1.1
        settle = "P2D"
        """,
        "p.toml",
    )
    assert policy == Policy(
        day_begins=time(5),
        day_ends=time(22, 30),
        silence_factor=Fraction(3),
        silent_share=Fraction(1, 10),
        heard_again=5 * MINUTE,
        same_session=10 * MINUTE,
        longest_session=timedelta(hours=12),
        swap_minutes=Fraction(15, 2),
        named_elsewhere_minutes=Fraction(100),
        early_weight=Fraction(11, 10),
        settle=timedelta(days=2),
    )


def test_tiers_and_packages_lie_over_each_other() -> None:
    """A package's key counts before its tier's, a tier's before the default."""
    policy = read_policy(
        '[tiers.essential]\nmissed_after = "PT90M"\nshort_below = 0.7\n'
        '[packages.pkg-ada]\nmissed_after = "PT45M"\nladder_step = "PT5M"\n',
        "p.toml",
    )
    ada = policy.rules("pkg-ada", Tier.ESSENTIAL)
    assert (ada.missed_after, ada.short_below, ada.ladder_step) == (45 * MINUTE, Fraction(7, 10), 5 * MINUTE)
    assert policy.rules("pkg-bob", Tier.ESSENTIAL).missed_after == 90 * MINUTE
    assert policy.rules("pkg-bob", Tier.CRITICAL) == DEFAULT_TIERS[Tier.CRITICAL]
    assert policy.rules("pkg-ada", Tier.FLEXIBLE).counts_from is None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('settle = "3 days"', "settle"),
        ("settle = 3", "settle"),
        ('settle = "-PT1H"', "settle"),
        ('day_begins = "24:00"', "day_begins"),
        ("day_begins = 4", "day_begins"),
        ("silence_factor = 0", "silence_factor"),
        ("silence_factor = nan", "silence_factor"),
        ("silence_factor = true", "silence_factor"),
        ("silent_share = 1.5", "silent_share"),
        ("early_weight = -1", "early_weight"),
        ("early_weight = 1e300", "early_weight"),
        ("early_weight = 1e-300", "early_weight"),
        ('longest_session = "PT0S"', "longest_session"),
        ('[tiers.critical]\nladder_step = "PT0M"', "tiers.critical.ladder_step"),
        ("[tiers.critical]\nshort_below = 80", "tiers.critical.short_below"),
        ('[packages."a b"]\non_time = "x"', "packages.a b.on_time"),
        ("tiers = 5", "tiers"),
        ("packages = [1]", "packages"),
        ("[packages]\nx = 1", "packages.x"),
    ],
)
def test_a_bad_value_names_its_key(text: str, key: str) -> None:
    """One clear sentence with the file and the key."""
    with pytest.raises(PolicyErrors) as caught:
        read_policy(text, "p.toml")
    (fault,) = caught.value.faults
    assert (fault.source, fault.field) == ("p.toml", key)
    assert "\n" not in str(fault)


def test_all_faults_are_told_at_once() -> None:
    """Nobody corrects a file one fault at a time."""
    with pytest.raises(PolicyErrors) as caught:
        read_policy("settle = 1\nsilent_share = 2\n[tiers.standard]\non_time = 1\n", "p.toml")
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize("text", ["= 1", b"\xff\xfe", "a = 'b\nc", "[[[["])
def test_what_is_no_toml_is_one_fault(text: str | bytes) -> None:
    """No traceback for a file of another kind."""
    with pytest.raises(PolicyErrors, match=r"^p\.toml: not "):
        read_policy(text, "p.toml")


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_no_file_crashes_the_reader(text: str | bytes) -> None:
    """Anything is a policy or a fault."""
    with contextlib.suppress(PolicyErrors):
        read_policy(text, "p.toml")
