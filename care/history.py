"""The whole history of visits: every verdict with its true moment, every alert from raise to stand-down.

One function serves the live service and the backtest. What was known at a moment is what had been *received*
by then, that moment included (domain/visits.md §1); so the history up to one moment is the beginning of the
history up to any later one, and nothing depends on when a sweep happens to look.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter

from msgspec.structs import replace

from alerts.model import VisitAlertKind
from care import wording
from care.evidence import Evidence, weigh
from care.household import Household
from care.liveness import Ears, Speech, listen
from care.model import AlertSpan, ManualWord, Session, Version, VisitHistory
from care.tracing import Trace, trace
from care.verdict import Known, alert_due, everybody_came, judge, phase, progress_limit
from care.windows import Window, frame

# The first version stands from so long before anything can count for the visit; nothing changes before that.
_BEFORE = timedelta(days=1)
_ORDER_OF_RECEIPT = attrgetter("received_at", "arrival")


def histories(household: Household, until: datetime) -> tuple[VisitHistory, ...]:
    """The history up to `until` of every visit in question, in order of start and ref.

    Events received later are ignored. Live: `until` is now, and the database is brought in line with what
    comes back.
    """
    windows = frame(household.visits, household.suspensions, household.policy, household.dwelling.time_zone)
    ears = tuple(Ears.of(hearing, household.policy, household.outages) for hearing in household.hearing)
    return judged(windows, household, ears, until)


def judged(
    windows: Mapping[str, Window],
    household: Household,
    ears: Sequence[Ears],
    until: datetime,
    *,
    only_last: bool = False,
) -> tuple[VisitHistory, ...]:
    """`histories`, with the windows and the ears made ready by the caller (the backtest has them already).

    `only_last`: of the versions only the one that stands is worded, which is all that a replay reports.
    """
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
        found.append(_Telling(traces[ref], speech, said, names, only_last).history(until))
    return tuple(found)


def _words(manual: Iterable[ManualWord]) -> dict[str, tuple[ManualWord, ...]]:
    words: dict[str, tuple[ManualWord, ...]] = {}
    for word in sorted(manual, key=lambda word: word.at):
        words[word.visit_ref] = (*words.get(word.visit_ref, ()), word)
    return words


def _evidence(household: Household, until: datetime) -> list[Evidence]:
    """What the events are evidence of, in the order in which they were received."""
    hubs = {hub.id: hub for hub in household.hubs}
    dwelling, carers, doors = household.dwelling, household.carers, household.doors
    found = []
    for event in sorted(household.events, key=_ORDER_OF_RECEIPT):
        hub = hubs.get(event.hub_id)
        if hub is None or event.received_at > until:
            continue
        piece = weigh(event, hub, dwelling, carers, doors)
        if piece is not None:
            found.append(piece)
    return found


_Told = tuple[tuple[Session, ...], datetime | None, ManualWord | None, tuple[str, bool, bool]]
"""What decides a verdict: who fills the slots, the first weak sign, a person's word, and the phase."""


class _Telling:
    """One visit's history while it is told, moment by moment."""

    def __init__(
        self,
        traced: Trace,
        speech: Speech,
        words: Sequence[ManualWord],
        names: wording.Names,
        only_last: bool,
    ) -> None:
        self._trace = traced
        self._window = traced.window
        self._speech = speech
        self._words = words
        self._names = names
        self._only_last = only_last
        self._versions: list[Version] = []
        self._alerts: list[AlertSpan] = []
        self._told: _Told | None = None

    def history(self, until: datetime) -> VisitHistory:
        """Everything up to `until`, and when to look again."""
        begin = self._window.counts_from - _BEFORE
        settles_at = self._window.settles_at
        if self._only_last and until >= settles_at and not self._words and self._trace.made_in_time:
            # As most visits: there is nothing to follow from moment to moment.
            self._told = self._seen(settles_at)
            self._conclude(settles_at)
            return VisitHistory(self._window.visit, tuple(self._versions), (), None)
        manual = {word.at for word in self._words}
        moments = sorted(self._moments())
        last = begin
        self._tell(begin)
        for at in moments:
            # Settled: only a person's word changes the verdict any more, and it knows no later evidence.
            if begin < at <= until and (at <= settles_at or at in manual) and self._tell(at):
                last = at
        if self._only_last:
            self._conclude(last)
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
            if None in [session.end for session in filled]:
                moments.add(progress_limit(window, filled))
        moments.update(received_at for received_at, _ in self._trace.weak)
        moments.update(word.at for word in self._words)
        return moments

    def _tell(self, at: datetime) -> bool:
        """Takes in what had happened by a moment; whether anything turned then."""
        now = self._seen(at)
        if now == self._told:
            return False
        self._told = now
        filled, _, word, _ = now
        self._follow_with_alerts(at, alert_due(self._window, self._speech, filled, word, at))
        if not self._only_last:
            self._conclude(at)
        return True

    def _seen(self, at: datetime) -> _Told:
        """What decides the verdict at a moment."""
        window, speech = self._window, self._speech
        seen = at if at <= window.settles_at else window.settles_at
        filled, weak_at = self._trace.filled_at(seen), self._trace.weak_at(seen)
        word = next((word for word in reversed(self._words) if word.at <= at), None) if self._words else None
        return filled, weak_at, word, phase(window, speech, filled, word, at)

    def _conclude(self, at: datetime) -> None:
        """Words the verdict of what has been taken in, and keeps it when it is a new one."""
        assert self._told is not None  # told at the beginning
        filled, weak_at, word, _ = self._told
        known = Known(self._window, self._speech, filled, weak_at, word)
        verdict = judge(known, at, self._names)
        if not self._versions or self._versions[-1].verdict != verdict:
            self._versions.append(Version(at, verdict))

    def _follow_with_alerts(self, at: datetime, due: VisitAlertKind | None) -> None:
        """Stands down what no longer holds, and raises what holds now."""
        standing = self._alerts[-1] if self._alerts and self._alerts[-1].stood_down_at is None else None
        if (standing.kind if standing else None) is due:
            return
        if standing is not None:
            assert self._told is not None  # what has just been told stands it down
            filled, _, word, _ = self._told
            made = everybody_came(self._window, filled) or (word is not None and word.attended)
            why = wording.cause(standing.kind, due, made)
            self._alerts[-1] = replace(standing, stood_down_at=at, cause=why)
        if due is not None:
            self._alerts.append(AlertSpan(due, at, wording.alert(due, self._window, self._speech)))

    def _turns_at(self, moment: datetime) -> bool:
        """Whether time alone makes a difference then: a visit that was made is not looked at to be missed."""
        assert self._told is not None  # told at the beginning
        filled, _, word, told = self._told
        return phase(self._window, self._speech, filled, word, moment) != told

    def _next_check(self, moments: Sequence[datetime], until: datetime) -> datetime | None:
        """When to look again though nothing more is received; None once settled."""
        settles_at = self._window.settles_at
        if until >= settles_at:
            return None
        coming = [moment for moment in moments if moment > until and self._turns_at(moment)]
        again = self._speech.look_again_at
        if again is not None and again > until:
            coming.append(again)
        return min(*coming, settles_at) if coming else settles_at
