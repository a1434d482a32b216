"""What the platform concluded, set beside what really happened."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from statistics import median

import msgspec

from device_sim.world.books import Books
from device_sim.world.explain import why_missed, why_unconfirmed, why_unnoticed
from device_sim.world.truth import CallFact, SaidFact, Truth, VisitFact

MISSED, UNVERIFIED, PART = "visit.missed", "visit.unverified", "visit.part_attended"


class ReportVisit(msgspec.Struct, frozen=True):
    """A visit of a report (contract §6), as far as a score needs it."""

    visit_ref: str
    state: str
    attendance: str
    arrived_at: datetime | None = None


class ReportAlert(msgspec.Struct, frozen=True):
    """An alert of a report (contract §6), as far as a score needs it."""

    kind: str
    raised_at: datetime
    visit_ref: str | None = None
    hub: str | None = None
    stood_down_at: datetime | None = None
    noticed_at: datetime | None = None
    """When a live service saw it; a replay has no such moment."""
    answered_at: datetime | None = None
    """When the monitoring centre first took it, where there was anybody to."""


class Report(msgspec.Struct, frozen=True):
    """What `threshold backtest` wrote, or anything of the same shape."""

    until: datetime
    visits: list[ReportVisit]
    alerts: list[ReportAlert]
    books: Books | None = None
    """The homes' ledger beside what is stored; a replay has none."""


class Really(StrEnum):
    """What happened of a visit."""

    MADE = "made"
    PART = "made by fewer than needed"
    TOO_LATE = "made after it counted as missed"
    NEVER = "never made"


class Called(StrEnum):
    """What the platform first said of a visit, when it said anything of a miss."""

    NOTHING = "nothing raised"
    MISSED = "missed"
    UNVERIFIED = "unverified"
    PART = "part attended"


class Finding(msgspec.Struct, frozen=True):
    """One visit that was not simply made and passed over, or was and was not.

    `after_s`: seconds from the moment at which the rules call it missed to the alert. `explained` is why the
    rules allow what the truth does not; `wrong` whether nothing does.
    """

    visit: str
    really: Really
    called: Called
    start: datetime
    raised_at: datetime | None
    after_s: float | None
    stood_down_at: datetime | None
    explained: str | None
    wrong: bool


class CallFinding(msgspec.Struct, frozen=True):
    """One call for help. `received_at` None: it never came through, so no alert is owed."""

    hub: str
    type: str
    at: datetime
    received_at: datetime | None
    covered: bool
    answered_after_s: float | None = None
    """Seconds from its receipt to an operator, who may have taken an earlier press of the same alert."""


class Score(msgspec.Struct, frozen=True):
    """The whole comparison. `held` is whether everything that was promised held."""

    held: bool
    faults: list[str]
    visits: int
    table: dict[str, dict[str, int]]
    findings: list[Finding]
    calls: list[CallFinding]
    doubled: list[str]
    found_after_s: list[float]
    arrival_error_s: float | None
    """Half of the arrivals were recorded no farther than this from the truth."""
    explained: dict[str, int]
    books: Books | None = None


def score(truth: Truth, report: Report) -> Score:
    """Compare. Pure; visits that had not come to their `missed_at` by the report's end are left out."""
    words: dict[str, list[SaidFact]] = {}
    for word in truth.said:
        if word.visit is not None:
            words.setdefault(word.visit, []).append(word)
    judged = [
        visit for visit in truth.visits if visit.standing == "planned" and visit.missed_at <= report.until
    ]
    alerts: dict[str, list[ReportAlert]] = {}
    for alert in report.alerts:
        if alert.visit_ref is not None:
            alerts.setdefault(alert.visit_ref, []).append(alert)
    home_words: dict[str, list[SaidFact]] = {}
    for word in truth.said:
        home_words.setdefault(word.hub, []).append(word)
    everything = [
        _finding(visit, alerts.get(visit.ref, ()), words.get(visit.ref, ()), home_words, truth)
        for visit in judged
    ]
    table = {really.value: {called.value: 0 for called in Called} for really in Really}
    for found in everything:
        table[found.really.value][found.called.value] += 1
    calls = list(_calls(truth, report))
    doubled = list(_doubled(report.alerts))
    known = {visit.visit_ref for visit in report.visits}
    faults = [
        f"{each.visit}: {each.really.value}, but {each.called.value}" for each in everything if each.wrong
    ]
    faults += [f"{visit.ref}: is not in the report" for visit in truth.visits if visit.ref not in known]
    faults += [
        f"{call.hub}: {call.type} at {call.at:%F %T} raised no alert" for call in calls if not call.covered
    ]
    faults += [f"raised twice at once: {each}" for each in doubled]
    faults += _raised_for_nothing(truth, alerts)
    faults += [] if report.books is None else report.books.faults()
    explained: dict[str, int] = {}
    for found in everything:
        if found.explained is not None:
            key = f"{found.really.value}, {found.called.value}: {found.explained}"
            explained[key] = explained.get(key, 0) + 1
    return Score(
        not faults,
        faults,
        len(judged),
        table,
        [each for each in everything if each.really is not Really.MADE or each.called is not Called.NOTHING],
        calls,
        doubled,
        [each.after_s for each in everything if each.after_s is not None and _really_missed(each)],
        _arrival_error(judged, report),
        dict(sorted(explained.items())),
        report.books,
    )


def _really_missed(found: Finding) -> bool:
    return found.really in (Really.NEVER, Really.TOO_LATE)


def really(visit: VisitFact) -> Really:
    """What happened of a planned visit, by who was there and when."""
    counted = [came for came in visit.attended if visit.counts_from <= came.arrived < visit.latest]
    in_time = [came for came in counted if came.arrived < visit.missed_at]
    if not counted:
        return Really.NEVER
    if not in_time:
        return Really.TOO_LATE
    return Really.MADE if len(in_time) >= visit.carers_required else Really.PART


def _finding(
    visit: VisitFact,
    alerts: Sequence[ReportAlert],
    words: Sequence[SaidFact],
    home_words: dict[str, list[SaidFact]],
    truth: Truth,
) -> Finding:
    what = really(visit)
    raised = min(
        (alert for alert in alerts if alert.kind in (MISSED, UNVERIFIED, PART)),
        key=lambda alert: (alert.raised_at, alert.kind),
        default=None,
    )
    called = (
        Called.NOTHING if raised is None else Called(raised.kind.removeprefix("visit.").replace("_", " "))
    )
    outages = [outage for outage in truth.outages if outage.hub == visit.hub]
    explained, wrong = None, False
    missed = any(alert.kind == MISSED for alert in alerts)
    if what in (Really.MADE, Really.PART):
        if missed:
            explained = why_missed(visit, words)
        elif called is Called.UNVERIFIED:
            explained = why_unconfirmed(visit, words, home_words.get(visit.hub, ()), outages)
        elif called is Called.PART and what is Really.MADE:
            explained = _why_part(visit, words)
        expected = Called.NOTHING if what is Really.MADE else Called.PART
        wrong = explained is None and (missed or called not in (expected, Called.NOTHING))
    elif called is Called.NOTHING:
        explained = why_unnoticed(visit, words)
        wrong = explained is None
    return Finding(
        visit.ref,
        what,
        called,
        visit.start,
        None if raised is None else raised.raised_at,
        None
        if raised is None
        else ((raised.noticed_at or raised.raised_at) - visit.missed_at).total_seconds(),
        None if raised is None else raised.stood_down_at,
        explained,
        wrong,
    )


def _why_part(visit: VisitFact, words: Sequence[SaidFact]) -> str | None:
    """Two carers came and one was seen: one left no sign, or both used the same button."""
    if any(came.logged == "nothing" for came in visit.attended):
        return "one of the carers left no sign that counts"
    if sum(came.logged == "button" for came in visit.attended) > 1:
        return "both carers used the button, which cannot tell them apart"
    late = [
        word
        for word in words
        if word.counts and (word.received_at is None or word.received_at > visit.missed_at)
    ]
    if late:
        return "the sign of one carer came through only afterwards"
    return "the home's clock was wrong" if any(word.at != word.happened for word in words) else None


def _raised_for_nothing(truth: Truth, alerts: dict[str, list[ReportAlert]]) -> Iterable[str]:
    for visit in truth.visits:
        if visit.standing != "planned" and visit.ref in alerts:
            yield f"{visit.ref}: {visit.standing}, and {alerts[visit.ref][0].kind} was raised"


def _calls(truth: Truth, report: Report) -> Iterable[CallFinding]:
    received: dict[tuple[str, str, datetime], datetime | None] = {
        (word.hub, word.type, word.happened): word.received_at for word in truth.said
    }
    raised: dict[tuple[str, str], list[ReportAlert]] = {}
    for alert in report.alerts:
        if alert.hub is not None:
            raised.setdefault((alert.hub, alert.kind), []).append(alert)
    for call in truth.calls:
        key = (call.hub, call.type)
        yield _call(call, received.get((*key, call.at)), raised.get(key, ()))


def _call(call: CallFact, received_at: datetime | None, alerts: Sequence[ReportAlert]) -> CallFinding:
    if received_at is None:
        return CallFinding(call.hub, call.type, call.at, None, True)
    by_then = [
        alert
        for alert in alerts
        if alert.raised_at <= received_at and (alert.stood_down_at is None or alert.stood_down_at >= call.at)
    ]
    answered = None
    if by_then:
        answered = max(by_then, key=lambda alert: alert.raised_at).answered_at
    after = None if answered is None else max(0.0, (answered - received_at).total_seconds())
    return CallFinding(call.hub, call.type, call.at, received_at, bool(by_then), after)


def _doubled(alerts: Iterable[ReportAlert]) -> Iterable[str]:
    """Alerts of one kind and one subject that were open at the same time."""
    by_subject: dict[tuple[str, str], list[ReportAlert]] = {}
    for alert in alerts:
        by_subject.setdefault((alert.kind, alert.visit_ref or alert.hub or ""), []).append(alert)
    for (kind, subject), same in sorted(by_subject.items()):
        same.sort(key=lambda alert: alert.raised_at)
        for earlier, later in pairwise(same):
            if earlier.stood_down_at is None or earlier.stood_down_at > later.raised_at:
                yield f"{kind} of {subject}"


def _arrival_error(judged: Iterable[VisitFact], report: Report) -> float | None:
    recorded = {visit.visit_ref: visit.arrived_at for visit in report.visits}
    errors = []
    for visit in judged:
        at = recorded.get(visit.ref)
        if at is not None and visit.attended:
            errors.append(abs((at - min(came.arrived for came in visit.attended)).total_seconds()))
    return median(errors) if errors else None
