"""When which step falls due (domain/visits.md §7, domain/alarms.md §1)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.ladder import Audience, Ladder, Reaches, alarm_ladder, next_step, restore, steps_due, visit_ladder
from alerts.model import Role, VisitAlertKind
from tests.unit.alerts.patience import patient

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
A = timedelta(minutes=15)
MISSED = visit_ladder(VisitAlertKind.MISSED, Role.LANDLORD, A)


def minutes(
    ladder: Ladder, *, lasting: int, reaches: Reaches = lambda audience, at: True
) -> list[tuple[float, int]]:
    """(minutes after the raise, number) of every step taken within `lasting` minutes."""
    steps = steps_due(
        ladder, NINE, reaches, after_step=0, after=None, until=NINE + timedelta(minutes=lasting)
    )
    return [((step.due_at - NINE) / timedelta(minutes=1), step.number) for step in steps if not step.skipped]


def nobody(_: Audience, at: datetime) -> bool:
    """No contact is reachable."""
    return False


def only_all_contacts(audience: Audience, at: datetime) -> bool:
    """Nobody is on call, but the organisation has contacts."""
    return audience is Audience.ALL_CONTACTS


def test_steps_follow_at_a_and_twice_a_and_then_every_a() -> None:
    """The whole ladder: the raise, + a, + 2a, and its last step every a after that, the end included."""
    assert minutes(MISSED, lasting=60) == [(0, 1), (15, 2), (30, 3), (45, 3), (60, 3)]


def test_unverified_goes_at_half_the_pace() -> None:
    """The step of an unverified visit is twice a."""
    ladder = visit_ladder(VisitAlertKind.UNVERIFIED, Role.CARE_PROVIDER, A)
    assert minutes(ladder, lasting=120) == [(0, 1), (30, 2), (60, 3), (90, 3), (120, 3)]


def test_late_has_one_step() -> None:
    """A late visit is told once, and never again."""
    assert minutes(visit_ladder(VisitAlertKind.LATE, Role.CARE_PROVIDER, A), lasting=600) == [(0, 1)]


def test_part_attended_has_the_whole_ladder() -> None:
    """All but `visit.late` reach the monitoring centre."""
    ladder = visit_ladder(VisitAlertKind.PART_ATTENDED, Role.CARE_PROVIDER, A)
    assert minutes(ladder, lasting=30) == [(0, 1), (15, 2), (30, 3)]


def test_a_step_without_anybody_gives_way_at_once_and_the_rest_keeps_its_distance() -> None:
    """With nobody on call the second step is due at the raise, and the third a after it."""
    assert minutes(MISSED, lasting=30, reaches=only_all_contacts) == [(0, 2), (15, 3), (30, 3)]


def test_nobody_at_all_brings_the_third_step_to_the_raise() -> None:
    """An organisation without contacts hands over to the centre at once, and the last step still repeats."""
    assert minutes(MISSED, lasting=30, reaches=nobody) == [(0, 3), (15, 3), (30, 3)]


def test_a_skipped_step_says_that_it_reached_nobody() -> None:
    """What was skipped comes out with its reason, at the moment of the step that took its place."""
    steps = list(steps_due(MISSED, NINE, nobody, after_step=0, after=None, until=NINE))
    assert [(step.number, step.skipped, step.due_at) for step in steps] == [
        (1, True, NINE),
        (2, True, NINE),
        (3, False, NINE),
    ]
    assert steps[0].reason == "step 1 skipped: contacts on call reach nobody"


def test_contacts_that_vanish_midway_bring_the_third_step_forward_to_the_second() -> None:
    """A second step that reaches nobody any more makes the third due at the same moment, no earlier."""
    steps = list(steps_due(MISSED, NINE, nobody, after_step=1, after=NINE, until=NINE + 2 * A))
    assert [(step.number, step.skipped, step.due_at) for step in steps] == [
        (2, True, NINE + A),
        (3, False, NINE + A),
        (3, False, NINE + 2 * A),
    ]


def test_late_that_reaches_nobody_ends() -> None:
    """A ladder of one step does not turn in circles when that step is skipped."""
    ladder = visit_ladder(VisitAlertKind.LATE, Role.CARE_PROVIDER, A)
    steps = list(steps_due(ladder, NINE, nobody, after_step=0, after=None, until=NINE + 9 * A))
    assert [(step.number, step.skipped) for step in steps] == [(1, True)]


@pytest.mark.parametrize(
    ("priority", "expected"),
    [
        (1, [(0, 1), (1, 2), (3, 3), (4, 3), (5, 3), (6, 3)]),
        (2, [(0, 1), (3, 2)]),
        (3, [(0, 1), (3, 2)]),
        (4, [(0, 1)]),
    ],
)
def test_alarms_climb_by_their_priority(priority: int, expected: list[tuple[float, int]]) -> None:
    """Life safety: the queue, everybody after 60 s, the fallback after 180 s and again every 60 s."""
    assert minutes(alarm_ladder(priority), lasting=6) == expected


def test_welfare_reaches_the_fallback_after_ten_minutes_and_repeats() -> None:
    """Priority 2 and 3 take the same steps at 3 and 10 minutes."""
    assert minutes(alarm_ladder(2), lasting=16)[2:] == [(10, 3), (13, 3), (16, 3)]


def test_the_centres_own_duty_in_a_visit_repeats_every_a() -> None:
    """The centre's share begins with the first third step and repeats with it."""
    ladder = visit_ladder(VisitAlertKind.MISSED, Role.MONITORING_CENTRE, A)
    assert [at for at, _ in minutes(ladder, lasting=45, reaches=nobody)] == [0, 15, 30, 45]


def test_a_ladder_is_restored_from_what_a_row_keeps() -> None:
    """Name and step are enough to go on with a ladder after a restart."""
    ladders = [alarm_ladder(priority) for priority in (1, 2, 3, 4)]
    ladders += [visit_ladder(kind, role, A) for kind in VisitAlertKind for role in Role]
    for ladder in ladders:
        assert restore(ladder.name, ladder.step) == ladder


@pytest.mark.parametrize(("name", "step"), [("nonesuch", A), ("alarm.9", None), ("visit", None)])
def test_an_unknown_ladder_is_refused_by_name(name: str, step: timedelta | None) -> None:
    """A row that names no ladder is an error that says so, never a silent end."""
    with pytest.raises(ValueError, match=name):
        restore(name, step)


@patient
@given(
    st.sampled_from([*(alarm_ladder(p) for p in (1, 2, 3)), MISSED]),
    st.sets(st.sampled_from(list(Audience))),
    st.lists(st.integers(0, 3000), max_size=5),
)
def test_looking_often_or_seldom_gives_the_same_steps(
    ladder: Ladder, there: set[Audience], looks: list[int]
) -> None:
    """A sweep that slept takes the same steps at the same due times as one that looked all along."""

    def reaches(audience: Audience, at: datetime) -> bool:
        return audience in there

    end = NINE + timedelta(seconds=3000)
    at_once = list(steps_due(ladder, NINE, reaches, after_step=0, after=None, until=end))
    number, after, bit_by_bit = 0, None, []
    for look in [*sorted(looks), 3000]:
        until = NINE + timedelta(seconds=look)
        for step in steps_due(ladder, NINE, reaches, after_step=number, after=after, until=until):
            bit_by_bit.append(step)
            number, after = step.number, step.due_at
    assert bit_by_bit == at_once


@patient
@given(st.sets(st.sampled_from(list(Audience))), st.integers(0, 3), st.integers(0, 100))
def test_a_ladder_that_repeats_never_falls_silent(there: set[Audience], number: int, late: int) -> None:
    """Whoever is reachable and however far it has climbed, there is always a further step."""
    after = None if number == 0 else NINE + timedelta(minutes=late)
    for ladder in (MISSED, alarm_ladder(1), alarm_ladder(2)):
        assert next_step(ladder, NINE, lambda audience, at: audience in there, after_step=number, after=after)
