"""When evidence counts, when a visit is late and missed, and whether it is expected at all."""

from datetime import UTC, date, datetime, timedelta

import pytest

from care.model import Plan, Suspension, Tier, Visit
from care.policy import DEFAULT_POLICY, DEFAULT_TIERS, Overrides, Policy
from care.windows import Standing, Window, components, frame
from tests.unit.care.builders import LONDON, at, cancelled, minutes, visit


def window(*visits: Visit, ref: str = "v1", policy: Policy = DEFAULT_POLICY, **more: object) -> Window:
    """The window of one of these visits."""
    suspensions = more.get("suspensions", ())
    return frame(visits, suspensions, policy, LONDON)[ref]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tier", "counts_from", "late_at", "missed_at"),
    [
        (Tier.CRITICAL, "07:30", "08:15", "08:30"),
        (Tier.ESSENTIAL, "07:15", "08:30", "09:00"),
        (Tier.STANDARD, "07:00", "08:45", "09:30"),
        (Tier.FLEXIBLE, "04:00", None, "23:00"),
    ],
)
def test_each_tier_has_its_bounds(tier: Tier, counts_from: str, late_at: str | None, missed_at: str) -> None:
    """The table of tiers, for a visit with no other near it."""
    found = window(visit(tier=tier))
    assert found.counts_from == at(counts_from)
    assert found.late_at == (None if late_at is None else at(late_at))
    assert found.missed_at == at(missed_at)
    assert found.latest == at("04:00", 1)
    assert found.settles_at == at("08:30", 3)


@pytest.mark.parametrize(
    ("start", "length", "counts_from", "missed_at", "latest"),
    [
        ("03:00", 30, at("04:00", -1), at("23:00"), at("04:00", 1)),
        ("04:00", 30, at("04:00"), at("23:00"), at("04:00", 1)),
        ("22:45", 30, at("04:00"), at("23:15"), at("04:00", 1)),
        ("23:30", 30, at("04:00"), at("00:00", 1), at("04:00", 1)),
        ("22:00", 420, at("04:00"), at("05:00", 1), at("04:00", 2)),
    ],
)
def test_a_flexible_visit_has_its_day(
    start: str, length: int, counts_from: datetime, missed_at: datetime, latest: datetime
) -> None:
    """It counts from the last four o'clock, and is missed at eleven at night or at its end if later."""
    found = window(visit(start, length, tier=Tier.FLEXIBLE))
    assert (found.counts_from, found.missed_at, found.latest) == (counts_from, missed_at, latest)
    assert found.late_at is None


def test_a_flexible_visit_on_the_wall_of_a_summer_day() -> None:
    """Its four o'clock and its eleven o'clock are those of the wall."""
    start = datetime(2026, 7, 10, 9, tzinfo=UTC)
    summer = Visit(
        "v1", "p", "ada", "elm-12", "brightcare", Tier.FLEXIBLE, date(2026, 7, 10), start,
        start + minutes(30), start.time(),
    )  # fmt: skip
    found = window(summer)
    assert (found.counts_from, found.missed_at) == (
        datetime(2026, 7, 10, 3, tzinfo=UTC),
        datetime(2026, 7, 10, 22, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("following", "late_at", "missed_at", "latest"),
    [
        # A lunch far away: a late breakfast is breakfast until lunch begins to count.
        ("12:00", at("08:30"), at("09:00"), at("11:15")),
        # The next begins to count before this one is missed.
        ("09:30", at("08:30"), at("09:00"), at("09:00")),
        # The next starts before this one would be missed.
        ("08:45", at("08:30"), at("08:45"), at("08:45")),
        # The next starts as soon as this one would be late: there is no late.
        ("08:30", None, at("08:30"), at("08:30")),
        ("08:10", None, at("08:10"), at("08:10")),
    ],
)
def test_the_next_planned_visit_ends_the_waiting(
    following: str, late_at: datetime | None, missed_at: datetime, latest: datetime
) -> None:
    """Neither `missed_at` nor `latest` lies after the next planned visit's start."""
    found = window(visit(), visit(following, ref="v2"))
    assert (found.late_at, found.missed_at, found.latest) == (late_at, missed_at, latest)


def test_a_next_visit_after_the_day_is_over_changes_nothing() -> None:
    """Only a next visit that starts before the first four o'clock bounds `latest`."""
    assert window(visit("20:00"), visit("04:00", ref="v2", day=1)).latest == at("04:00", 1)
    assert window(visit("20:00"), visit("03:59", ref="v2", day=1)).latest == at("03:14", 1)


@pytest.mark.parametrize(
    ("between", "missed_at"),
    [
        (visit("08:20", ref="v2", package_id="pkg-other"), "09:00"),
        (cancelled("08:20", ref="v2"), "09:00"),
        (cancelled("08:20", ref="v2", changed_at=at("08:50")), "09:00"),
        (cancelled("08:20", ref="v2", changed_at=at("08:50") + timedelta(microseconds=1)), "08:20"),
        (visit("08:00", ref="v2"), "09:00"),
    ],
)
def test_only_a_planned_later_visit_of_the_package_is_next(between: Visit, missed_at: str) -> None:
    """Another package's, a cancelled one, one that starts together: none of them is next."""
    assert window(visit(), between).missed_at == at(missed_at)


def test_of_several_next_visits_the_one_that_counts_earliest_stands() -> None:
    """Two start together at noon; the standard one counts from eleven."""
    found = window(visit(), visit("12:00", ref="v2"), visit("12:00", ref="v3", tier=Tier.STANDARD))
    assert found.latest == at("11:00")


def test_a_suspended_visit_is_not_next() -> None:
    """A stay in hospital from noon takes lunch away, and breakfast counts until the evening visit does."""
    away = Suspension("ada", at("11:00"), at("13:00"), "hospital")
    found = window(visit(), visit("12:00", ref="v2"), visit("18:00", ref="v3"), suspensions=(away,))
    assert found.latest == at("17:15")


@pytest.mark.parametrize(
    ("start", "until", "suspended"),
    [
        ("08:00", "09:00", True),
        ("08:01", "09:00", False),
        ("07:00", "08:00", False),
        ("07:00", "08:01", True),
        ("07:00", None, True),
    ],
)
def test_a_suspension_includes_its_beginning_and_not_its_end(
    start: str, until: str | None, suspended: bool
) -> None:
    """`from` ≤ start < `until`; without an end it goes on."""
    away = Suspension("ada", at(start), None if until is None else at(until), "hospital")
    found = window(visit(), suspensions=(away,))
    assert found.standing is (Standing.SUSPENDED if suspended else Standing.EXPECTED)


def test_another_residents_suspension_is_not_this_ones() -> None:
    """Of a couple one may be in hospital."""
    away = Suspension("bert", at("00:00"), None, "hospital")
    assert window(visit(), suspensions=(away,)).expected


@pytest.mark.parametrize(
    ("plan", "changed_at", "standing", "silent"),
    [
        (Plan.CANCELLED, None, Standing.CANCELLED, False),
        (Plan.CANCELLED, at("08:30"), Standing.CANCELLED, False),
        (Plan.CANCELLED, at("08:30:00.000001"), Standing.EXPECTED, False),
        (Plan.PLANNED, None, Standing.EXPECTED, False),
        (Plan.PLANNED, at("08:30"), Standing.EXPECTED, False),
        (Plan.PLANNED, at("08:30:00.000001"), Standing.EXPECTED, True),
    ],
)
def test_a_change_after_late_at_hides_no_miss_and_raises_no_alert(
    plan: Plan, changed_at: datetime | None, standing: Standing, silent: bool
) -> None:
    """Cancelled too late: as planned. Added too late: judged, without alerts. At `late_at` it is in time."""
    found = window(visit(plan=plan, changed_at=changed_at))
    assert (found.standing, found.silent) == (standing, silent)
    assert (found.remark is None) is (
        found.standing is Standing.CANCELLED or changed_at in (None, at("08:30"))
    )


def test_for_a_flexible_visit_missed_at_stands_for_late_at() -> None:
    """A flexible visit may be cancelled until eleven at night."""
    early = window(visit(tier=Tier.FLEXIBLE, plan=Plan.CANCELLED, changed_at=at("23:00")))
    late = window(visit(tier=Tier.FLEXIBLE, plan=Plan.CANCELLED, changed_at=at("23:00:01")))
    assert (early.standing, late.standing) == (Standing.CANCELLED, Standing.EXPECTED)


def test_a_suspension_entered_too_late_hides_no_miss() -> None:
    """What is told after `late_at` leaves the verdict as planned, and the reason names it."""
    away = Suspension("ada", at("07:00"), None, "hospital", made_at=at("08:31"))
    found = window(visit(), suspensions=(away,))
    assert found.expected
    assert found.remark is not None


def test_a_package_may_have_rules_of_its_own() -> None:
    """An override replaces one number of the tier and leaves the rest."""
    policy = Policy(packages={"pkg-ada": Overrides(missed_after=minutes(45))})
    found = window(visit(), policy=policy)
    assert (found.late_at, found.missed_at) == (at("08:30"), at("08:45"))
    assert window(visit(package_id="pkg-bob"), policy=policy).missed_at == at("09:00")


def test_when_late_falls_on_missed_there_is_no_late() -> None:
    """A policy whose late and missed coincide knows no late visits."""
    tiers = {
        **DEFAULT_TIERS,
        Tier.ESSENTIAL: Overrides(late_after=minutes(60)).over(DEFAULT_TIERS[Tier.ESSENTIAL]),
    }
    found = window(visit(), policy=Policy(tiers=tiers))
    assert found.late_at is None
    assert found.punctual_until == found.missed_at == at("09:00")


def test_windows_that_touch_do_not_compete() -> None:
    """Breakfast ends where lunch begins to count, so they are matched apart; overlapping ones compete."""
    apart = frame([visit(), visit("12:00", ref="v2")], (), DEFAULT_POLICY, LONDON)
    assert [len(group) for group in components(apart.values())] == [1, 1]
    close = frame([visit(), visit("08:45", ref="v2")], (), DEFAULT_POLICY, LONDON)
    assert [len(group) for group in components(close.values())] == [2]


def test_a_flexible_visit_keeps_its_day_whatever_distances_are_set() -> None:
    """A package's `missed_after` is for its ordinary visits, not for the flexible one among them."""
    policy = Policy(
        packages={
            "pkg-ada": Overrides(counts_from=minutes(60), missed_after=minutes(120), late_after=minutes(5))
        }
    )
    found, plain = window(visit(tier=Tier.FLEXIBLE), policy=policy), window(visit(tier=Tier.FLEXIBLE))
    assert (found.counts_from, found.late_at, found.missed_at) == (plain.counts_from, None, plain.missed_at)


def test_no_visit_settles_before_it_could_be_missed() -> None:
    """A policy that settles at once still lets a visit become missed."""
    found = window(visit(), policy=Policy(settle=minutes(0)))
    assert found.settles_at == found.missed_at == at("09:00")


def test_latest_lies_strictly_after_the_end() -> None:
    """A night visit that ends at four counts until the next day's four."""
    assert window(visit("23:00", 300)).latest == at("04:00", 2)
