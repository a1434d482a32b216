"""The policy: every number of the rules, per tier and per package (domain/visits.md §2, contract §6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import time, timedelta
from fractions import Fraction

from care.model import Tier

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class TierRules:
    """One row of the table of tiers. None means that the flexible tier's day rule stands instead.

    `counts_from`, `on_time`, `late_after`, `missed_after` are distances from the planned start; `short_below`
    is a share of the planned length; `ladder_step` is the ladder's *a*.
    """

    short_below: Fraction
    ladder_step: timedelta
    counts_from: timedelta | None = None
    on_time: timedelta | None = None
    late_after: timedelta | None = None
    missed_after: timedelta | None = None


DEFAULT_TIERS: Mapping[Tier, TierRules] = {
    Tier.CRITICAL: TierRules(
        Fraction(9, 10), 10 * _MINUTE, 30 * _MINUTE, 15 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE
    ),
    Tier.ESSENTIAL: TierRules(
        Fraction(8, 10), 15 * _MINUTE, 45 * _MINUTE, 30 * _MINUTE, 30 * _MINUTE, 60 * _MINUTE
    ),
    Tier.STANDARD: TierRules(
        Fraction(8, 10), 30 * _MINUTE, 60 * _MINUTE, 45 * _MINUTE, 45 * _MINUTE, 90 * _MINUTE
    ),
    Tier.FLEXIBLE: TierRules(Fraction(5, 10), 60 * _MINUTE),
}


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a package sets differently; None leaves the tier's value."""

    short_below: Fraction | None = None
    ladder_step: timedelta | None = None
    counts_from: timedelta | None = None
    on_time: timedelta | None = None
    late_after: timedelta | None = None
    missed_after: timedelta | None = None

    def over(self, rules: TierRules) -> TierRules:
        """The tier's rules with these laid over them."""
        given = {
            name: value
            for name in ("short_below", "ladder_step", "counts_from", "on_time", "late_after", "missed_after")
            if (value := getattr(self, name)) is not None
        }
        return replace(rules, **given)


@dataclass(frozen=True, slots=True)
class Policy:
    """Every setting of the rules, with the defaults of domain/visits.md."""

    day_begins: time = time(4)  # service day: flexible visits count from it, `latest` ends at it
    day_ends: time = time(23)  # flexible visits not made by then are missed
    silence_factor: Fraction = Fraction(5, 2)  # × heartbeat_every
    silent_share: Fraction = Fraction(1, 4)  # of the window
    flexible_window: timedelta = timedelta(hours=4)  # the last part of a flexible window that must be heard
    heard_again: timedelta = 15 * _MINUTE
    same_session: timedelta = 20 * _MINUTE
    longest_session: timedelta = timedelta(hours=16)
    swap_minutes: Fraction = Fraction(20)
    named_elsewhere_minutes: Fraction = Fraction(240)
    early_weight: Fraction = Fraction(2)
    settle: timedelta = timedelta(hours=72)
    tiers: Mapping[Tier, TierRules] = field(default_factory=lambda: DEFAULT_TIERS)
    packages: Mapping[str, Overrides] = field(default_factory=dict)

    def rules(self, package_id: str, tier: Tier) -> TierRules:
        """The rules of a visit of this package in this tier.

        A flexible visit has its day whatever distances are set: a package's `missed_after` is meant for its
        ordinary visits, and would turn the flexible one among them into a time-critical one.
        """
        overrides = self.packages.get(package_id)
        rules = self.tiers[tier] if overrides is None else overrides.over(self.tiers[tier])
        if tier is Tier.FLEXIBLE:
            return replace(rules, counts_from=None, on_time=None, late_after=None, missed_after=None)
        return rules


DEFAULT_POLICY = Policy()
