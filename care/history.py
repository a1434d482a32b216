"""The whole history of visits: every verdict with its true moment, every alert from raise to stand-down.

One function serves the live service and the backtest. What was known at a moment is what had been *received*
by then, that moment included (domain/visits.md §1); so the history up to one moment is the beginning of the
history up to any later one, and nothing depends on when a sweep happens to look.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from care import wording
from care.evidence import Evidence, Strength, weigh
from care.household import Household
from care.liveness import Ears, Speech, listen
from care.matching import Matcher
from care.model import AlertSpan, ManualWord, Session, Version, VisitHistory
from care.policy import Policy
from care.sessions import Presence, place
from care.verdict import Known, alert_due, judge, phase, progress_limit
from care.windows import Window, components, frame

# The first version stands from so long before anything can count for the visit; nothing changes before that.
_BEFORE = timedelta(days=1)


def histories(household: Household, until: datetime) -> tuple[VisitHistory, ...]:
    """The history up to `until` of every visit in question, in order of start and ref.

    Events received later are ignored. Live: `until` is now, and the database is brought in line with what
    comes back.
    """
    windows = frame(household.visits, household.suspensions, household.policy, household.dwelling.time_zone)
    ears = tuple(Ears.of(hearing, household.policy, household.outages) for hearing in household.hearing)
    return judged(windows, household, ears, until)


def judged(
    windows: Mapping[str, Window], household: Household, ears: Sequence[Ears], until: datetime
) -> tuple[VisitHistory, ...]:
    """`histories`, with the windows and the ears made ready by the caller (the backtest has them already)."""
    wanted = [
        window for ref, window in windows.items() if household.judged is None or ref in household.judged
    ]
    traces = _trace(windows, _evidence(household, until), household.policy)
    names = {carer.id: carer.name for carer in household.carers.values()}
    words = _words(household.manual)
    return tuple(
        _history(
            traces[window.visit.ref],
            listen(window, ears, household.policy, until),
            words.get(window.visit.ref, ()),
            names,
            until,
        )
        for window in wanted
    )


def _words(manual: Iterable[ManualWord]) -> dict[str, tuple[ManualWord, ...]]:
    words: dict[str, tuple[ManualWord, ...]] = {}
    for word in sorted(manual, key=lambda word: word.at):
        words[word.visit_ref] = (*words.get(word.visit_ref, ()), word)
    return words


def _evidence(household: Household, until: datetime) -> list[Evidence]:
    """What the events are evidence of, in the order in which they were received."""
    hubs = {hub.id: hub for hub in household.hubs}
    found = []
    for event in household.events:
        hub = hubs.get(event.hub_id)
        if hub is None or event.received_at > until:
            continue
        piece = weigh(event, hub, household.dwelling, household.carers, household.doors)
        if piece is not None:
            found.append(piece)
    found.sort(key=lambda piece: (piece.event.received_at, piece.event.arrival))
    return found


@dataclass(slots=True)
class _Trace:
    """How one visit's evidence grew: who filled its slots since when, and when something weak was seen."""

    window: Window
    filled: list[tuple[datetime, tuple[Session, ...]]] = field(default_factory=list)
    weak: list[tuple[datetime, datetime]] = field(default_factory=list)  # received, earliest that happened

    def weak_at(self, moment: datetime) -> datetime | None:
        """When the earliest weak evidence happened, of what was received by then."""
        return next(
            (happened for received_at, happened in reversed(self.weak) if received_at <= moment), None
        )


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Visits that compete for sessions, and the time in which those sessions stand."""

    windows: list[Window]
    start: datetime
    end: datetime


def _trace(windows: Mapping[str, Window], evidence: Sequence[Evidence], policy: Policy) -> dict[str, _Trace]:
    """Follows the receipts in their order, matching again whatever a receipt touches and nothing else."""
    tracing = _Tracing(windows, policy)
    position = 0
    while position < len(evidence):
        received_at = evidence[position].event.received_at
        touched: set[int] = set()
        while position < len(evidence) and evidence[position].event.received_at == received_at:
            touched.update(tracing.take(evidence[position]))
            position += 1
        for number in touched:
            tracing.match(number, received_at)
    return tracing.traces


class _Tracing:
    """What is known of a resident's visits while the receipts are followed."""

    def __init__(self, windows: Mapping[str, Window], policy: Policy) -> None:
        self.traces = {ref: _Trace(window) for ref, window in windows.items()}
        self._policy = policy
        self._matcher = Matcher(windows.values(), policy)
        self._stretches = [
            _Stretch(
                group, min(window.counts_from for window in group), max(window.latest for window in group)
            )
            for group in components(windows.values())
        ]
        self._starts = [stretch.start for stretch in self._stretches]
        self._presences: dict[str | None, Presence] = {}
        # Who has ever been seen in a stretch: a resident may meet a hundred carers in a month.
        self._visitors: dict[int, dict[str | None, Presence]] = {}

    def take(self, piece: Evidence) -> Iterable[int]:
        """Takes one piece in, and says which stretches must be matched again."""
        if piece.strength is Strength.WEAK:
            number = bisect_right(self._starts, piece.moment) - 1
            if number >= 0:
                self._note_weak(self._stretches[number], piece)
            return ()
        carer_id = None if piece.carer is None else piece.carer.id
        presence = self._presences.get(carer_id)
        if presence is None:
            presence = self._presences[carer_id] = Presence(self._policy)
        touched = {bisect_right(self._starts, place(session)) - 1 for session in presence.add(piece)}
        touched.discard(-1)
        for number in touched:
            self._visitors.setdefault(number, {})[carer_id] = presence
        return touched

    def _note_weak(self, stretch: _Stretch, piece: Evidence) -> None:
        for window in stretch.windows:
            trace = self.traces[window.visit.ref]
            speaks = piece.provider_id is None or piece.provider_id == window.visit.provider_id
            earliest = not trace.weak or piece.moment < trace.weak[-1][1]
            if speaks and earliest and window.counts_from <= piece.moment < window.latest:
                trace.weak.append((piece.event.received_at, piece.moment))

    def match(self, number: int, received_at: datetime) -> None:
        """Matches a stretch again, by what has been taken in up to this receipt."""
        stretch = self._stretches[number]
        sessions = [
            session
            for presence in self._visitors[number].values()
            for session in presence.between(stretch.start, stretch.end)
        ]
        filled = self._matcher.fill(stretch.windows, sessions)
        for window in stretch.windows:
            trace = self.traces[window.visit.ref]
            now = filled.get(window.visit.ref, ())
            if now != (trace.filled[-1][1] if trace.filled else ()):
                trace.filled.append((received_at, now))


def _moments(trace: _Trace, speech: Speech, words: Sequence[ManualWord]) -> set[datetime]:
    """Every moment at which the verdict may change, after the first. Settling is not looked at yet."""
    window = trace.window
    moments = {window.visit.start_at, window.missed_at}
    if window.late_at is not None:
        moments.add(window.late_at)
    if speech.missed_from is not None:
        moments.add(speech.missed_from)
    for at, filled in trace.filled:
        moments.add(at)
        if filled and any(session.end is None for session in filled):
            moments.add(progress_limit(window, filled))
    moments.update(received_at for received_at, _ in trace.weak)
    moments.update(word.at for word in words)
    return moments


def _history(
    trace: _Trace, speech: Speech, words: Sequence[ManualWord], names: wording.Names, until: datetime
) -> VisitHistory:
    window = trace.window
    settles_at = window.settles_at
    manual_moments = {word.at for word in words}
    moments = sorted(_moments(trace, speech, words))
    begin = window.counts_from - _BEFORE
    versions: list[Version] = []
    alerts: list[AlertSpan] = []
    told: tuple[object, ...] | None = None
    for at in (begin, *moments):
        if versions and (at <= begin or at > until):
            continue
        # Settled: nothing but a person's word changes the verdict any more, and it knows no later evidence.
        if at > settles_at and at not in manual_moments:
            continue
        known = _known(trace, speech, words, at)
        now = known.filled, known.weak_at, known.manual, phase(known, at)
        if now == told:
            continue
        told = now
        verdict = judge(known, at, names)
        if not versions or versions[-1].verdict != verdict:
            versions.append(Version(at, verdict))
            _follow_with_alerts(alerts, known, versions[-1])
    return VisitHistory(
        window.visit, tuple(versions), tuple(alerts), _next_check(trace, speech, moments, until)
    )


def _known(trace: _Trace, speech: Speech, words: Sequence[ManualWord], at: datetime) -> Known:
    seen = min(at, trace.window.settles_at)
    filled: tuple[Session, ...] = ()
    for since, sessions in trace.filled:
        if since > seen:
            break
        filled = sessions
    manual = next((word for word in reversed(words) if word.at <= at), None)
    return Known(trace.window, speech, filled, trace.weak_at(seen), manual)


def _follow_with_alerts(alerts: list[AlertSpan], known: Known, version: Version) -> None:
    """Stands down what no longer holds, and raises what holds now, at the version's own moment."""
    due = alert_due(known, version.verdict)
    standing = alerts[-1] if alerts and alerts[-1].stood_down_at is None else None
    if standing is not None:
        if standing.kind is due:
            return
        alerts[-1] = AlertSpan(
            standing.kind,
            standing.raised_at,
            standing.reason,
            version.at,
            wording.cause(standing.kind, due, version.verdict.attendance),
        )
    if due is not None:
        alerts.append(AlertSpan(due, version.at, wording.alert(due, known.window, known.speech)))


def _next_check(
    trace: _Trace, speech: Speech, moments: Sequence[datetime], until: datetime
) -> datetime | None:
    """When to look again though nothing more is received; None once settled."""
    settles_at = trace.window.settles_at
    if until >= settles_at:
        return None
    coming = [moment for moment in moments if moment > until]
    if speech.look_again_at is not None and speech.look_again_at > until:
        coming.append(speech.look_again_at)
    coming.append(settles_at)
    return min(coming)
