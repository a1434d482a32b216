"""The numbers of domain/visits.md where they stand, and a microsecond or a minute to either side.

What other files of this folder hold at its boundary already is not repeated here.
"""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from care.liveness import Ears, listen
from care.matching import fill
from care.model import Attendance, Duration, Interval, Session, State, Suspension, Tier, Timeliness, Visit
from care.policy import DEFAULT_POLICY, DEFAULT_TIERS
from care.windows import frame
from tests.unit.care.builders import LONDON, arrives, at, departs, event, home, minutes, talking, visit
from tests.unit.care.telling import END, history, verdict
from tests.unit.care.test_matching import filled, stay
from tests.unit.care.test_sessions import sessions
from tests.unit.care.test_windows import window

TICK = timedelta(microseconds=1)


# --- §2, tiers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tier", "counts_from", "early_before", "late_after", "missed_at"),
    [
        (Tier.CRITICAL, "07:30", "07:45", "08:15", "08:30"),
        (Tier.ESSENTIAL, "07:15", "07:30", "08:30", "09:00"),
        (Tier.STANDARD, "07:00", "07:15", "08:45", "09:30"),
    ],
)
def test_an_arrival_at_each_bound_of_each_tier(
    tier: Tier, counts_from: str, early_before: str, late_after: str, missed_at: str
) -> None:
    """Nobody came before *counts from*; early, on time, late begin where the table says; bounds are good."""

    def timeliness(moment: datetime) -> Timeliness:
        came = event("carer.arrived", moment, credential="fob:joy")
        return history(home([visit(tier=tier)], [came])).verdict.timeliness

    assert [timeliness(at(counts_from) + nudge) for nudge in (-TICK, TICK * 0)] == [
        Timeliness.NONE,
        Timeliness.EARLY,
    ]
    assert [timeliness(at(early_before) + nudge) for nudge in (-TICK, TICK * 0)] == [
        Timeliness.EARLY,
        Timeliness.ON_TIME,
    ]
    assert [timeliness(at(late_after) + nudge) for nudge in (TICK * 0, TICK)] == [
        Timeliness.ON_TIME,
        Timeliness.LATE,
    ]
    states = [verdict(until=at(missed_at) + nudge, tier=tier).state for nudge in (-TICK, TICK * 0)]
    assert states == [State.LATE, State.MISSED]


@pytest.mark.parametrize(
    ("tier", "length", "least"),
    [
        (Tier.CRITICAL, 30, 27),
        (Tier.ESSENTIAL, 30, 24),
        (Tier.STANDARD, 45, 36),
        (Tier.FLEXIBLE, 30, 15),
    ],
)
def test_a_visit_is_short_below_its_tiers_share(tier: Tier, length: float, least: float) -> None:
    """90, 80, 80 and 50 % of the planned length are enough; a microsecond less is short."""

    def duration(stayed: timedelta) -> Duration:
        came = event("carer.arrived", at("08:00"), credential="fob:joy")
        left = event("carer.departed", at("08:00") + stayed, credential="fob:joy")
        return verdict(came, left, tier=tier, length=length).duration

    assert [duration(minutes(least) + nudge) for nudge in (-TICK, TICK * 0)] == [Duration.SHORT, Duration.OK]


@pytest.mark.parametrize(("length", "grace"), [(20, 30), (59, 30), (60, 30), (61, 30.5), (62, 31), (120, 60)])
def test_half_an_hour_or_half_the_plan_whichever_is_more(length: float, grace: float) -> None:
    """They meet at an hour. So long may a stay be beyond the plan, and so long is a departure waited for."""
    most = minutes(length + grace)
    came = event("carer.arrived", at("08:00"), credential="fob:joy")
    for nudge, duration in ((TICK * 0, Duration.OK), (TICK, Duration.LONG)):
        left = event("carer.departed", at("08:00") + most + nudge, credential="fob:joy")
        assert verdict(came, left, length=length).duration is duration
    for nudge, state in ((-TICK, State.IN_PROGRESS), (TICK * 0, State.COMPLETED)):
        assert verdict(came, length=length, until=at("08:00") + most + nudge).state is state


def test_each_tiers_ladder_has_its_step() -> None:
    """The last column of the table."""
    steps = {tier: DEFAULT_TIERS[tier].ladder_step for tier in Tier}
    assert steps == {
        Tier.CRITICAL: minutes(10),
        Tier.ESSENTIAL: minutes(15),
        Tier.STANDARD: minutes(30),
        Tier.FLEXIBLE: minutes(60),
    }


@pytest.mark.parametrize(
    ("following", "late_at", "missed_at", "latest"),
    [
        # Where it starts when this one would be late: a microsecond later there is a late.
        (at("08:30"), None, at("08:30"), at("08:30")),
        (at("08:30") + TICK, at("08:30"), at("08:30") + TICK, at("08:30") + TICK),
        # Where it starts when this one would be missed.
        (at("09:00") - TICK, at("08:30"), at("09:00") - TICK, at("09:00") - TICK),
        (at("09:00"), at("08:30"), at("09:00"), at("09:00")),
        (at("09:00") + TICK, at("08:30"), at("09:00"), at("09:00")),
        # Where it begins to count when this one is missed.
        (at("09:45") - TICK, at("08:30"), at("09:00"), at("09:00")),
        (at("09:45"), at("08:30"), at("09:00"), at("09:00")),
        (at("09:45") + TICK, at("08:30"), at("09:00"), at("09:00") + TICK),
        # Where it starts as the day ends: from then on it bounds nothing.
        (at("04:00", 1) - TICK, at("08:30"), at("09:00"), at("03:15", 1) - TICK),
        (at("04:00", 1), at("08:30"), at("09:00"), at("04:00", 1)),
    ],
)
def test_the_next_planned_visit_at_each_bound(
    following: datetime, late_at: datetime | None, missed_at: datetime, latest: datetime
) -> None:
    """`late_at` not after `missed_at`, that not after the next start; `latest` by the next *counts from*."""
    found = window(visit(), _starting(following, "v2"))
    assert (found.late_at, found.missed_at, found.latest) == (late_at, missed_at, latest)


@pytest.mark.parametrize(
    ("start", "length", "latest"),
    [
        # The planned end, and `missed_at`, at four in the morning and beside it.
        (at("20:00"), minutes(480) - TICK, at("04:00", 1)),
        (at("20:00"), minutes(480), at("04:00", 2)),
        (at("03:00") - TICK, minutes(10), at("04:00")),
        (at("03:00"), minutes(10), at("04:00", 1)),
    ],
)
def test_latest_is_the_first_four_after_both(start: datetime, length: timedelta, latest: datetime) -> None:
    """Strictly after the planned end, and strictly after `missed_at`."""
    assert window(_starting(start, length=length)).latest == latest


@pytest.mark.parametrize(
    ("start", "length", "counts_from", "missed_at"),
    [
        (at("04:00") - TICK, minutes(30), at("04:00", -1), at("23:00")),
        (at("04:00"), minutes(30), at("04:00"), at("23:00")),
        (at("22:30"), minutes(30) - TICK, at("04:00"), at("23:00")),
        (at("22:30"), minutes(30), at("04:00"), at("23:00")),
        (at("22:30"), minutes(30) + TICK, at("04:00"), at("23:00") + TICK),
    ],
)
def test_a_flexible_day_at_its_bounds(
    start: datetime, length: timedelta, counts_from: datetime, missed_at: datetime
) -> None:
    """The last four o'clock not after its start; eleven at night, or the planned end if that is later."""
    found = window(_starting(start, length=length, tier=Tier.FLEXIBLE))
    assert (found.counts_from, found.missed_at) == (counts_from, missed_at)


@pytest.mark.parametrize(("told", "standing"), [(at("08:30"), "suspended"), (at("08:30") + TICK, "expected")])
def test_a_suspension_told_at_late_at_is_in_time(told: datetime, standing: str) -> None:
    """A microsecond later it comes too late to hide a miss."""
    away = Suspension("ada", at("07:00"), None, "hospital", made_at=told)
    assert window(visit(), suspensions=(away,)).standing.value == standing


# --- §4, sessions ---------------------------------------------------------------------------------


def test_a_departure_twenty_minutes_after_the_sessions_own() -> None:
    """That moment belongs to it; a microsecond later it is a session without a start."""
    stayed = [arrives("joy", "08:00"), departs("joy", "08:30")]
    assert sessions(*stayed, departs("joy", "08:50")) == [("joy", at("08:00"), at("08:30"))]
    assert sessions(*stayed, departs("joy", "08:50:00.000001")) == [
        ("joy", at("08:00"), at("08:30")),
        ("joy", None, at("08:50") + TICK),
    ]


def test_a_departure_sixteen_hours_after_the_sessions_start() -> None:
    """Counted from its start and not from its latest arrival, to the microsecond."""
    came = [arrives("joy", "06:00"), arrives("joy", "06:20")]
    assert sessions(*came, departs("joy", "22:00")) == [("joy", at("06:00"), at("22:00"))]
    assert sessions(*came, departs("joy", "22:00:00.000001")) == [
        ("joy", at("06:00"), None),
        ("joy", None, at("22:00") + TICK),
    ]


# --- §5, matching ---------------------------------------------------------------------------------

V1 = visit("08:00")


@pytest.mark.parametrize(
    ("stays", "expected"),
    [
        # Without a start: the end in [start, latest), here until lunch begins to count.
        ([stay("joy", None, "07:59:59.999999")], {}),
        ([stay("joy", None, "08:00")], {"v1": [0]}),
        ([stay("joy", None, "11:14:59.999999")], {"v1": [0]}),
        ([stay("joy", None, "11:15")], {}),
        ([stay("joy", None, "12:00")], {"lunch": [0]}),
        # Its distance is from the planned end, early minutes twice: ten early are twenty late.
        ([stay("joy", None, "08:20"), stay("sam", None, "08:50")], {"v1": [0]}),
        ([stay("joy", None, "08:20"), stay("sam", None, "08:49:59.999999")], {"v1": [1]}),
        # A quarter of twenty minutes too short are five late: at a tie the earlier stands.
        ([stay("joy", "08:00", "08:10"), stay("sam", "08:05", "08:35")], {"v1": [0]}),
        ([stay("joy", "08:00", "08:10"), stay("sam", "08:04:59.999999", "08:35")], {"v1": [1]}),
        # As long as planned, or longer, is no shorter.
        ([stay("joy", "08:00", "08:30"), stay("sam", "08:00", "09:30")], {"v1": [0]}),
    ],
)
def test_what_a_session_costs_at_its_bounds(stays: list[Session], expected: dict[str, list[int]]) -> None:
    """Where a session without a start may count, and which of two equally dear ones is taken."""
    assert filled([V1, visit("12:00", ref="lunch")], stays) == expected


@pytest.mark.parametrize(
    ("until", "expected"),
    [("19:00", [1]), ("19:00:00.000001", [0])],
)
def test_who_is_named_at_a_suspended_visit_is_not_named_elsewhere(until: str, expected: list[int]) -> None:
    """240 minutes for being named at another visit that day, which a suspension over its start takes away."""
    both = [visit(carers=("sam",)), visit("19:00", ref="v2", carers=("joy",))]
    away = Suspension("ada", at("18:00"), at(until), "hospital")
    windows = frame(both, (away,), DEFAULT_POLICY, LONDON)
    stays = [stay("joy", "08:00"), stay("kay", "08:30")]
    found = fill(windows.values(), stays, DEFAULT_POLICY)
    assert [stays.index(session) for session in found["v1"]] == expected


# --- §6, verdicts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "attendance"),
    [
        (at("11:15") - TICK, Attendance.UNKNOWN),
        (at("11:15"), Attendance.NOT_ATTENDED),
        (at("07:15"), Attendance.UNKNOWN),
        (at("07:15") - TICK, Attendance.NOT_ATTENDED),
    ],
)
def test_weak_evidence_at_the_ends_of_the_window(moment: datetime, attendance: Attendance) -> None:
    """[counts from, latest), to the microsecond."""
    household = home([visit(), visit("12:00", ref="v2")], [event("door.opened", moment)])
    assert history(household).verdict.attendance is attendance


def test_part_of_a_double_at_missed_at() -> None:
    """Unknown until then, part-attended from that moment on."""
    household = home([visit(carers_required=2)], [arrives("joy", "08:00"), departs("joy", "08:30")])
    found = [history(household, until).verdict.attendance for until in (at("09:00") - TICK, at("09:00"), END)]
    assert found == [Attendance.UNKNOWN, Attendance.PART_ATTENDED, Attendance.PART_ATTENDED]


@pytest.mark.parametrize(
    ("planned", "silent", "could_speak"),
    [
        # The last four of nineteen hours: an hour of silence, to the microsecond.
        ([visit(tier=Tier.FLEXIBLE)], (at("19:30"), at("20:30")), True),
        ([visit(tier=Tier.FLEXIBLE)], (at("19:30"), at("20:30") + TICK), False),
        ([visit(tier=Tier.FLEXIBLE)], (at("18:00"), at("20:00")), True),
        ([visit(tier=Tier.FLEXIBLE)], (at("18:00"), at("20:00") + TICK), False),
        # A window of less than four hours is itself: two hours until the next start, half an hour of silence.
        ([visit("04:30", tier=Tier.FLEXIBLE), visit("06:00", ref="v2")], (at("05:00"), at("05:30")), True),
        (
            [visit("04:30", tier=Tier.FLEXIBLE), visit("06:00", ref="v2")],
            (at("05:00"), at("05:30") + TICK),
            False,
        ),
    ],
)
def test_a_quarter_of_a_flexible_window(
    planned: list[Visit], silent: tuple[datetime, datetime], could_speak: bool
) -> None:
    """Of its last four hours, if it is longer, a quarter may be silent and no more."""
    limit = minutes(25)  # so long after a message a hub of ten minutes is not silent yet
    hearing = talking(gaps=(Interval(silent[0] - limit, silent[1]),))
    found = frame(planned, (), DEFAULT_POLICY, LONDON)["v1"]
    assert listen(found, [Ears.of(hearing, DEFAULT_POLICY)], DEFAULT_POLICY, END).could_speak is could_speak


def _starting(
    start: datetime, ref: str = "v1", length: timedelta = timedelta(minutes=30), tier: Tier = Tier.ESSENTIAL
) -> Visit:
    """A visit that starts at a moment which no wall clock reads."""
    return replace(
        visit(ref=ref, tier=tier),
        service_date=start.date(),
        start_at=start,
        end_at=start + length,
        start_wall=start.time(),
    )
