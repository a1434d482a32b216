"""What must hold in any household at any moment."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from msgspec.structs import replace

from alerts.model import VisitAlertKind
from care.doors import NO_DOORS
from care.evidence import Strength, weigh
from care.history import histories, judged
from care.household import Household
from care.liveness import Ears, listen
from care.matching import fill
from care.model import AlertSpan, Attendance, State, Verdict, Version, VisitHistory
from care.policy import Policy
from care.sessions import sessions_of
from care.verdict import Known, judge
from care.windows import evidence_reach, frame
from tests.unit.care.builders import LONDON, at, event, home, minutes, visit
from tests.unit.care.worlds import World, policies, worlds

END = at("12:00", 6)
moments = st.integers(0, 60 * 30).map(lambda number: at("05:00") + minutes(number))


def in_force(versions: Iterable[Version], moment: datetime) -> Verdict:
    """The verdict that stood at a moment."""
    versions = list(versions)
    return next((version for version in reversed(versions) if version.at <= moment), versions[0]).verdict


def from_nothing(household: Household, now: datetime) -> dict[str, Verdict]:
    """The verdicts at a moment, told anew from all that had been received by then: no increments."""
    policy = household.policy
    windows = frame(household.visits, household.suspensions, policy, LONDON)
    ears = [Ears.of(hearing, policy, household.outages) for hearing in household.hearing]
    hubs = {hub.id: hub for hub in household.hubs}
    names = {carer.id: carer.name for carer in household.carers.values()}
    verdicts = {}
    for ref, window in windows.items():
        seen = min(now, window.settles_at)
        pieces = [
            piece
            for one in sorted(household.events, key=lambda one: (one.received_at, one.arrival))
            if one.received_at <= seen
            and one.hub_id in hubs
            and (piece := weigh(one, hubs[one.hub_id], household.dwelling, household.carers, household.doors))
        ]
        filled = fill(windows.values(), sessions_of(pieces, policy), policy)
        weak = [
            piece.moment
            for piece in pieces
            if piece.strength is Strength.WEAK
            and piece.provider_id in (None, window.visit.provider_id)
            and window.counts_from <= piece.moment < window.latest
        ]
        words = [word for word in household.manual if word.visit_ref == ref and word.at <= now]
        known = Known(
            window,
            listen(window, ears, policy, seen),
            filled.get(ref, ()),
            min(weak, default=None),
            max(words, key=lambda word: word.at, default=None),
        )
        # Settled: time itself stands still for the verdict, unless a person has spoken since.
        verdicts[ref] = judge(known, max(seen, *(word.at for word in words), seen), names)
    return verdicts


@settings(max_examples=60, deadline=None)
@given(worlds(), moments)
def test_the_history_is_what_each_moment_would_say(world: World, now: datetime) -> None:
    """The version in force at any moment is the verdict made from nothing but what was received by then."""
    household = world.household
    found = {history.visit.ref: history for history in histories(household, END)}
    for ref, expected in from_nothing(household, now).items():
        assert in_force(found[ref].versions, now) == expected


def until(history: VisitHistory, now: datetime) -> tuple[list[Version], list[AlertSpan]]:
    """The part of a history that had happened by a moment."""
    versions = [version for version in history.versions if version.at <= now] or [history.versions[0]]
    alerts = [
        replace(span, stood_down_at=None, cause=None)
        if span.stood_down_at is not None and span.stood_down_at > now
        else span
        for span in history.alerts
        if span.raised_at <= now
    ]
    return versions, alerts


@settings(max_examples=60, deadline=None)
@given(worlds(), moments)
def test_a_history_is_the_beginning_of_every_later_one(world: World, now: datetime) -> None:
    """What the service concludes as it goes is what a replay concludes afterwards: live equals backtest."""
    household = world.household
    for early, late in zip(histories(household, now), histories(household, END), strict=True):
        assert (list(early.versions), list(early.alerts)) == until(late, now)


@settings(max_examples=40, deadline=None)
@given(worlds(), moments)
def test_nothing_changes_before_the_next_check(world: World, now: datetime) -> None:
    """Unless something more is received, the verdict stands until `next_check_at`; settled, there is none."""
    household = world.household
    heard = replace(
        household,
        events=tuple(one for one in household.events if one.received_at <= now),
        manual=tuple(word for word in household.manual if word.at <= now),
    )
    for early, late in zip(histories(heard, now), histories(heard, END), strict=True):
        changes = [
            version.at for version in late.versions if version.at > now and version is not late.versions[0]
        ]
        if early.next_check_at is None:
            assert changes == []
            assert now >= late.visit.end_at
        else:
            assert early.next_check_at > now
            assert all(change >= early.next_check_at for change in changes)


@settings(max_examples=40, deadline=None)
@given(worlds(), st.randoms())
def test_the_order_of_the_file_changes_nothing(world: World, random: object) -> None:
    """Events may be handed over in any order; what counts is when each was received."""
    household = world.household
    shuffled = list(household.events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert histories(replace(household, events=tuple(shuffled)), END) == histories(household, END)


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_the_order_of_arrival_changes_no_final_verdict(world: World) -> None:
    """Whatever was received before a visit settled counts alike, however late it came."""
    household = world.household
    prompt = tuple(
        structs.replace(one, received_at=max(one.at, one.effective_at) + timedelta(minutes=1))
        for one in household.events
        if one.received_at <= at("06:00", 3)
    )
    late = tuple(structs.replace(one, received_at=at("06:00", 3), arrival=i) for i, one in enumerate(prompt))
    promptly = histories(replace(household, events=prompt, hearing=(), manual=()), END)
    lately = histories(replace(household, events=late, hearing=(), manual=()), END)
    for one, other in zip(promptly, lately, strict=True):
        if one.visit.end_at >= at("06:00"):
            assert one.verdict == other.verdict


_comings = st.lists(
    st.tuples(
        st.sampled_from(["carer.arrived", "carer.departed"]),
        st.integers(-50, 20).map(lambda number: at("08:00") + minutes(5 * number)),
        st.sampled_from([0, 0, 0, 10, 60, 300]).map(minutes),
    ),
    max_size=10,
)


@settings(max_examples=200, deadline=None)
@given(_comings)
def test_what_was_received_long_before_a_window_changes_nothing_in_it(
    comings: list[tuple[str, datetime, timedelta]],
) -> None:
    """Of a session that fills a slot everything is known from the evidence's reach before the window on."""
    policy = Policy(longest_session=minutes(90), same_session=minutes(5))
    household = home(
        [visit()],
        [event(kind, when, when + delay, credential="fob:joy") for kind, when, delay in comings],
        policy=policy,
    )
    (window,) = frame(household.visits, (), policy, LONDON).values()
    since = window.counts_from - evidence_reach(policy)
    near = tuple(one for one in household.events if one.received_at >= since)
    assert histories(replace(household, events=near), END) == histories(household, END)


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_alerts_keep_their_order(world: World) -> None:
    """One alert of a visit at a time, raised after the last was stood down; none for the unexpected."""
    household = world.household
    for history in histories(household, END):
        for span, following in zip(history.alerts, history.alerts[1:], strict=False):
            assert span.stood_down_at is not None
            assert span.raised_at <= span.stood_down_at <= following.raised_at
        if history.verdict.state in (State.CANCELLED, State.SUSPENDED):
            assert history.alerts == ()
        states = {VisitAlertKind.MISSED: State.MISSED, VisitAlertKind.UNVERIFIED: State.UNVERIFIED}
        for span in history.alerts:
            if span.kind in states:
                assert in_force(history.versions, span.raised_at).state is states[span.kind]


@settings(max_examples=30, deadline=None)
@given(worlds())
def test_a_session_serves_one_slot_of_a_resident(world: World) -> None:
    """No arrival is counted for two visits, and no visit has more carers than slots."""
    household = world.household
    final = [
        history for history in histories(household, END) if history.visit.ref != "v0" or not household.manual
    ]
    for history in final:
        assert len(history.verdict.carers) <= history.visit.carers_required
        assert len(set(history.verdict.carers)) == len(history.verdict.carers)


@settings(max_examples=60, deadline=None)
@given(worlds(), policies, moments)
def test_no_policy_breaks_the_rules(world: World, policy: Policy, now: datetime) -> None:
    """Whatever numbers a policy holds, there is a history, and live still equals backtest."""
    household = replace(world.household, policy=policy, doors=NO_DOORS)
    for early, late in zip(histories(household, now), histories(household, END), strict=True):
        assert (list(early.versions), list(early.alerts)) == until(late, now)
        assert early.next_check_at is None or early.next_check_at > now


@settings(max_examples=60, deadline=None)
@given(worlds(), moments | st.just(END))
def test_the_last_version_alone_is_the_last_of_all(world: World, now: datetime) -> None:
    """A replay that words only the verdict that stands gives that verdict and every alert all the same."""
    household = world.household
    windows = frame(household.visits, household.suspensions, household.policy, LONDON)
    ears = [Ears.of(hearing, household.policy) for hearing in household.hearing]
    brief = judged(windows, household, ears, now, only_last=True)
    for one, whole in zip(brief, histories(household, now), strict=True):
        assert (one.verdict, one.alerts, one.next_check_at) == (
            whole.verdict,
            whole.alerts,
            whole.next_check_at,
        )
        assert len(one.versions) == 1


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_an_alert_says_what_the_verdict_says(world: World) -> None:
    """A late, missed, unverified or part-attended verdict has its alert open, and no other."""
    household = replace(world.household, manual=())
    windows = frame(household.visits, household.suspensions, household.policy, LONDON)
    for history in histories(household, END):
        window = windows[history.visit.ref]
        for version in history.versions:
            part = version.verdict.attendance is Attendance.PART_ATTENDED
            due = VisitAlertKind.PART_ATTENDED if part else ALERT_OF.get(version.verdict.state)
            if window.silent or not window.expected or not household.hearing:
                due = None
            still_open = [
                span.kind
                for span in history.alerts
                if span.raised_at <= version.at
                and (span.stood_down_at is None or span.stood_down_at > version.at)
            ]
            assert still_open == ([] if due is None else [due])


ALERT_OF = {
    State.LATE: VisitAlertKind.LATE,
    State.MISSED: VisitAlertKind.MISSED,
    State.UNVERIFIED: VisitAlertKind.UNVERIFIED,
}
