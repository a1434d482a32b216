"""A score sees every promise that is broken, and takes no explanation that the truth does not give."""

import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from device_sim.world import plots
from device_sim.world.books import Books
from device_sim.world.page import page
from device_sim.world.score import Called, Report, ReportAlert, ReportVisit, Score, score
from device_sim.world.timing import moments, retimed, tuning_of
from device_sim.world.truth import Attended, CallFact, OutageFact, SaidFact, Truth, VisitFact, WorldFact
from device_sim.world.world import make_world

NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FOUR = moments("pkg", "essential", NINE, NINE + 30 * MINUTE, None)
END = NINE + timedelta(hours=14)
WORLD = WorldFact(1, 1, 1, NINE - timedelta(hours=9), END)


def came(after: float, logged: str = "fob", carer: str = "joy") -> Attended:
    """A carer who came so many minutes after the planned start."""
    arrived = NINE + after * MINUTE
    return Attended(carer, arrived, arrived + 30 * MINUTE, logged, True, True)


def visit(*attended: Attended, carers: int = 1, standing: str = "planned") -> VisitFact:
    """The one visit of this world, essential, at nine."""
    return VisitFact(
        "v",
        "pkg",
        "ada",
        "hub",
        "essential",
        NINE,
        NINE + 30 * MINUTE,
        carers,
        standing,
        FOUR.counts_from,
        FOUR.late_at,
        FOUR.missed_at,
        FOUR.latest,
        attended,
    )


def said(
    after: float,
    *,
    received: float | None = None,
    clock: float = 0,
    kind: str = "carer.arrived",
    counts: bool = True,
) -> SaidFact:
    """Something that the home said of the visit, so many minutes after nine."""
    happened = NINE + after * MINUTE
    received_at = happened if received is None else NINE + received * MINUTE
    return SaidFact("hub", f"e{after}", kind, happened, happened + clock * MINUTE, received_at, "v", counts)


def alert(kind: str, after: float = 60, stood_down: float | None = None) -> ReportAlert:
    """An alert about the visit."""
    down = None if stood_down is None else NINE + stood_down * MINUTE
    return ReportAlert(kind, NINE + after * MINUTE, visit_ref="v", stood_down_at=down)


def judged(
    fact: VisitFact, alerts: list[ReportAlert], words: tuple[SaidFact, ...] = (), *outages: OutageFact
) -> Score:
    """The score of this visit alone."""
    report = Report(END, [ReportVisit("v", "planned", "unknown")], alerts)
    return score(Truth(WORLD, (fact,), (), outages, words), report)


@pytest.mark.parametrize("kind", ["visit.missed", "visit.unverified"])
def test_a_real_miss_that_is_raised_or_called_unverified_holds(kind: str) -> None:
    """Somebody is told either way."""
    found = judged(visit(), [alert(kind)])
    assert found.held
    assert found.found_after_s == [0.0]


def test_a_real_miss_of_which_nobody_is_told_does_not_hold() -> None:
    """A false "fine" costs lives: not even an alert that the visit is late makes up for it."""
    found = judged(visit(), [alert("visit.late", 30)])
    assert found.faults == ["v: never made, but nothing raised"]


def test_a_visit_made_too_late_must_have_been_raised_too() -> None:
    """Whoever came after an hour came after the alert."""
    assert judged(visit(came(70)), [alert("visit.missed", 60, 70)], (said(70),)).held
    assert not judged(visit(came(70)), [], (said(70),)).held


def test_a_visit_that_was_made_and_seen_must_not_be_called_missed() -> None:
    """A false miss that no rule explains does not hold."""
    found = judged(visit(came(5)), [alert("visit.missed")], (said(5),))
    assert found.faults == ["v: made, but missed"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "the carer left no sign that counts"),
        ((said(5, kind="door.opened", counts=False),), "the carer left no sign that counts"),
        ((said(5, received=61),), "the sign came through only afterwards"),
        ((said(5, clock=-60),), "the home's clock was wrong"),
    ],
)
def test_the_rules_explain_some_false_misses(words: tuple[SaidFact, ...], why: str) -> None:
    """What never came through in time, or with a wrong time, cannot be known."""
    found = judged(visit(came(5)), [alert("visit.missed")], words)
    assert found.held
    assert found.explained == {f"made, missed: {why}": 1}


def test_unverified_needs_a_home_that_could_not_speak() -> None:
    """Doubt about a visit that was made is right while the line is down, and wrong when all was well."""
    words = (said(5, received=90),)
    down = OutageFact("hub", NINE, NINE + 90 * MINUTE, "the line was down")
    assert judged(visit(came(5)), [alert("visit.unverified")], words, down).held
    assert not judged(visit(came(5)), [alert("visit.unverified")], (said(5),), down).held
    assert not judged(visit(came(5, "nothing")), [alert("visit.unverified")], ()).held


def test_one_carer_of_two_is_part_attended_and_not_missed() -> None:
    """The one who came counts."""
    assert judged(visit(came(5), carers=2), [alert("visit.part_attended")], (said(5),)).held
    assert not judged(visit(came(5), carers=2), [alert("visit.missed")], (said(5),)).held


def test_two_carers_with_one_button_look_like_one() -> None:
    """The button does not say who presses it."""
    both = visit(came(5, "button"), came(6, "button", "sam"), carers=2)
    found = judged(both, [alert("visit.part_attended")], (said(5), said(6)))
    assert found.held
    assert list(found.explained) == [
        "made, part attended: both carers used the button, which cannot tell them apart"
    ]


@pytest.mark.parametrize("standing", ["cancelled", "suspended"])
def test_no_alert_is_raised_for_what_was_not_to_happen(standing: str) -> None:
    """Neither a cancelled visit nor one of a person in hospital."""
    assert judged(visit(standing=standing), []).held
    assert not judged(visit(standing=standing), [alert("visit.late")]).held


def test_two_alerts_at_once_are_one_too_many() -> None:
    """One after the other has ended is not doubled."""
    twice = [alert("visit.missed", 60), alert("visit.missed", 62)]
    assert judged(visit(), twice).doubled == ["visit.missed of v"]
    again = [alert("visit.missed", 60, 61), alert("visit.missed", 62)]
    assert judged(visit(), again).doubled == []


def test_a_call_that_came_through_must_raise_an_alert_at_once() -> None:
    """Not later than its receipt; one that never came through is owed none."""
    call = CallFact("hub", "pendant-1", "alarm.pendant", NINE, 1, False, "reassurance")
    word = SaidFact("hub", "e1", "alarm.pendant", NINE, NINE, NINE)
    raised = ReportAlert("alarm.pendant", NINE, hub="hub")
    late = ReportAlert("alarm.pendant", NINE + MINUTE, hub="hub")
    truth = Truth(WORLD, (), (call,), (), (word,))
    assert score(truth, Report(END, [], [raised])).held
    assert not score(truth, Report(END, [], [late])).held
    assert not score(truth, Report(END, [], [])).held
    assert score(Truth(WORLD, (), (call,), (), ()), Report(END, [], [])).held


def test_a_visit_that_the_report_does_not_know_is_a_fault() -> None:
    """Nothing may vanish between roster and report."""
    found = score(Truth(WORLD, (visit(came(5)),)), Report(END, [], []))
    assert "v: is not in the report" in found.faults


def test_a_visit_whose_time_has_not_come_is_not_judged() -> None:
    """The end of a report is not a miss."""
    assert judged_until(FOUR.missed_at - MINUTE).visits == 0
    assert judged_until(FOUR.missed_at).visits == 1


def judged_until(until: datetime) -> Score:
    """A report that ends there, of a visit that nobody made."""
    return score(Truth(WORLD, (visit(),)), Report(until, [ReportVisit("v", "due", "unknown")], []))


def test_the_page_stands_alone_and_says_what_did_not_hold() -> None:
    """No script, nothing from elsewhere, and text of a fault as text."""
    found = judged(visit(came(5)), [alert("visit.missed")], (said(5),))
    html = page(WORLD, found)
    assert "Seed 1: 1 home, 1 day<" in html
    assert "v: made, but missed" in html
    assert "<script" not in html
    assert "http" not in html
    assert all(called.value in html for called in Called)


def test_a_receipt_that_lied_does_not_hold() -> None:
    """Nor does an event that is stored twice, or one that nobody said; one that is owed does."""
    truth, visits = Truth(WORLD, (visit(),)), [ReportVisit("v", "missed", "not_attended")]

    def with_books(**wrong: list[str]) -> Score:
        books = Books(4, **{"lost": [], "doubled": [], "phantom": [], "owed": ["hub/e9"]} | wrong)
        return score(truth, Report(END, visits, [alert("visit.missed")], books))

    assert with_books().held
    assert with_books(lost=["hub/e1"]).faults == ["hub/e1: its receipt lied, it is not stored"]
    assert with_books(doubled=["hub/e2"]).faults == ["hub/e2: is stored more than once"]
    assert with_books(phantom=["hub/e3"]).faults == ["hub/e3: is stored, and nobody said it"]


def test_an_answer_is_counted_from_the_receipt() -> None:
    """By the alert that covered the call; an alert that had ended before the call covers nothing."""
    call = CallFact("hub", "pendant-1", "alarm.pendant", NINE, 1, False, "reassurance")
    truth = Truth(WORLD, (), (call,), (), (SaidFact("hub", "e1", call.type, NINE, NINE, NINE),))
    answered = ReportAlert(call.type, NINE, hub="hub", answered_at=NINE + MINUTE)
    (found,) = score(truth, Report(END, [], [answered])).calls
    assert found.answered_after_s == 60
    over = ReportAlert(call.type, NINE - 2 * MINUTE, hub="hub", stood_down_at=NINE - MINUTE)
    assert not score(truth, Report(END, [], [over])).held


def test_another_policy_has_other_moments() -> None:
    """A package that is missed after half an hour must be raised then; other keys do not matter."""
    policy = (
        'settle = "PT1H"\n[tiers.essential]\nlate_after = "PT10M"\n[packages.pkg]\nmissed_after = "PT30M"\n'
    )
    truth = retimed(Truth(WORLD, (visit(),)), tuning_of(policy))
    (moved,) = truth.visits
    assert (moved.late_at, moved.missed_at) == (NINE + 10 * MINUTE, NINE + 30 * MINUTE)
    assert moved.counts_from == FOUR.counts_from
    report = Report(END, [ReportVisit("v", "missed", "not_attended")], [alert("visit.missed", 30)])
    assert score(truth, report).found_after_s == [0.0]


def test_the_defaults_written_out_change_nothing() -> None:
    """The moments of a whole world are worked out again as they were, flexible visits and all."""
    world = make_world(seed=7, homes=60).truth
    assert retimed(world, tuning_of('day_begins = "04:00"\nday_ends = "23:00"\n')) == world


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tiers = 1", "tiers is not a table"),
        ("[tiers]\nessential = 1", "essential is not a table"),
        ('[tiers.critical]\nlate_after = "soon"', "tiers.critical.late_after: 'soon' is not a duration"),
        ('day_ends = "late"', "day_ends: 'late' is not a wall time"),
        ("= 1", "Invalid"),
    ],
)
def test_a_policy_that_is_none_is_told(text: str, told: str) -> None:
    """In one sentence that names the key."""
    with pytest.raises(ValueError, match=re.escape(told)):
        tuning_of(text)


def test_the_plots_are_the_same_each_time() -> None:
    """A score is one picture, byte for byte, with and without anything to be drawn of times."""
    found = judged(visit(came(5)), [alert("visit.missed")], (said(5),))
    live = msgspec.structs.replace(found, found_after_s=[1.0, 4.0])
    for score_ in (found, live):
        assert plots.svg(score_) == plots.svg(score_)
        assert plots.png(score_).startswith(b"\x89PNG")
    assert b"How soon" in plots.svg(live)
    assert b"How soon" not in plots.svg(found)
