"""The whole history of visits: every verdict with its true moment, every alert from raise to stand-down.

One function serves the live service and the backtest. What was known at a moment is what had been *received*
by then, that moment included (domain/visits.md §1); so the history up to one moment is the beginning of the
history up to any later one, and nothing depends on when a sweep happens to look.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from care import wording
from care.evidence import Evidence, weigh
from care.household import Household
from care.liveness import Ears, Speech, listen
from care.model import AlertSpan, ManualWord, Version, VisitHistory
from care.tracing import Trace, trace
from care.verdict import Known, alert_due, judge, phase, progress_limit
from care.windows import Window, frame

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
    traces = trace(windows, _evidence(household, until), household.policy)
    names = {carer.id: carer.name for carer in household.carers.values()}
    words = _words(household.manual)
    found = []
    for ref, window in windows.items():
        if household.judged is not None and ref not in household.judged:
            continue
        said = words.get(ref, ())
        if traces[ref].attended_in_time and not said:
            speech = Speech(True, bool(ears), "", None, None)  # never asked for
        else:
            speech = listen(window, ears, household.policy, until)
        found.append(_Telling(traces[ref], speech, said, names).history(until))
    return tuple(found)


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


class _Telling:
    """One visit's history while it is told, moment by moment."""

    def __init__(
        self, traced: Trace, speech: Speech, words: Sequence[ManualWord], names: wording.Names
    ) -> None:
        self._trace = traced
        self._window = traced.window
        self._speech = speech
        self._words = words
        self._names = names
        self._versions: list[Version] = []
        self._alerts: list[AlertSpan] = []
        self._told: tuple[object, ...] | None = None

    def history(self, until: datetime) -> VisitHistory:
        """Everything up to `until`, and when to look again."""
        begin = self._window.counts_from - _BEFORE
        settles_at = self._window.settles_at
        manual = {word.at for word in self._words}
        moments = sorted(self._moments())
        self._tell(begin)
        for at in moments:
            # Settled: only a person's word changes the verdict any more, and it knows no later evidence.
            if begin < at <= until and (at <= settles_at or at in manual):
                self._tell(at)
        return VisitHistory(
            self._window.visit, tuple(self._versions), tuple(self._alerts), self._next_check(moments, until)
        )

    def _moments(self) -> set[datetime]:
        """Every moment at which the verdict may change, after the first."""
        window = self._window
        moments = {window.visit.start_at, window.missed_at}
        if window.late_at is not None:
            moments.add(window.late_at)
        if self._speech.missed_from is not None:
            moments.add(self._speech.missed_from)
        for at, filled in self._trace.filled:
            moments.add(at)
            if filled and any(session.end is None for session in filled):
                moments.add(progress_limit(window, filled))
        moments.update(received_at for received_at, _ in self._trace.weak)
        moments.update(word.at for word in self._words)
        return moments

    def _tell(self, at: datetime) -> None:
        window = self._window
        seen = at if at <= window.settles_at else window.settles_at
        filled, weak_at = self._trace.filled_at(seen), self._trace.weak_at(seen)
        word = next((word for word in reversed(self._words) if word.at <= at), None) if self._words else None
        now = filled, weak_at, word, phase(window, self._speech, filled, word, at)
        if now == self._told:
            return
        self._told = now
        known = Known(window, self._speech, filled, weak_at, word)
        verdict = judge(known, at, self._names)
        if not self._versions or self._versions[-1].verdict != verdict:
            self._versions.append(Version(at, verdict))
            _follow_with_alerts(self._alerts, known, self._versions[-1])

    def _next_check(self, moments: Sequence[datetime], until: datetime) -> datetime | None:
        """When to look again though nothing more is received; None once settled."""
        settles_at = self._window.settles_at
        if until >= settles_at:
            return None
        coming = [moment for moment in moments if moment > until]
        again = self._speech.look_again_at
        if again is not None and again > until:
            coming.append(again)
        return min(*coming, settles_at) if coming else settles_at


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
