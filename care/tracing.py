"""How evidence fills slots, receipt by receipt (domain/visits.md §3 to §5 put to work in time)."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from msgspec import Struct

from care.evidence import Evidence, Strength
from care.matching import Matcher
from care.model import Session
from care.policy import Policy
from care.sessions import Presence, place
from care.windows import Window, components


@dataclass(slots=True)
class Trace:
    """How one visit's evidence grew: who filled its slots since when, and when something weak was seen."""

    window: Window
    filled: list[tuple[datetime, tuple[Session, ...]]] = field(default_factory=list)
    weak: list[tuple[datetime, datetime]] = field(default_factory=list)  # received, earliest that happened

    @property
    def attended_in_time(self) -> bool:
        """Somebody was in a slot by `missed_at` and ever since: the home's silence is nobody's question."""
        return (
            bool(self.filled)
            and self.filled[0][0] <= self.window.missed_at
            and all(sessions for _, sessions in self.filled)
        )

    @property
    def made_in_time(self) -> bool:
        """Somebody was in a slot before the visit was late, all who should by `missed_at`, and ever since.

        Nothing was ever to be told of such a visit but that it was made: no alert was due at any moment.
        """
        window, filled = self.window, self.filled
        if not filled or filled[0][0] > window.punctual_until:
            return False
        needed = window.visit.carers_required
        if len(filled[-1][1]) < needed:
            return False
        return all(
            sessions and (len(sessions) >= needed or superseded_at <= window.missed_at)
            for (_, sessions), (superseded_at, _) in pairwise(filled)
        )

    def filled_at(self, moment: datetime) -> tuple[Session, ...]:
        """Who filled the slots, by what had been received by then."""
        found: tuple[Session, ...] = ()
        for since, sessions in self.filled:
            if since > moment:
                break
            found = sessions
        return found

    def weak_at(self, moment: datetime) -> datetime | None:
        """When the earliest weak evidence happened, of what was received by then."""
        for received_at, happened in reversed(self.weak):
            if received_at <= moment:
                return happened
        return None


class _Stretch(Struct, frozen=True):
    """Visits that compete for sessions, and the time in which those sessions stand."""

    windows: list[Window]
    start: datetime
    end: datetime


def trace(windows: Mapping[str, Window], evidence: Sequence[Evidence], policy: Policy) -> dict[str, Trace]:
    """Follows the receipts in their order, matching again whatever a receipt touches and nothing else."""
    tracing = _Tracing(windows, policy)
    touched: set[int] = set()
    received_at: datetime | None = None
    for piece in evidence:
        if piece.strength is Strength.WEAK:
            tracing.note_weak(piece)
            continue
        moment = piece.event.received_at
        if received_at is not None and moment != received_at:
            tracing.match(touched, received_at)
            touched.clear()
        received_at = moment
        touched.update(tracing.take(piece))
    if received_at is not None:
        tracing.match(touched, received_at)
    return tracing.traces


class _Tracing:
    """What is known of a resident's visits while the receipts are followed."""

    def __init__(self, windows: Mapping[str, Window], policy: Policy) -> None:
        self.traces = {ref: Trace(window) for ref, window in windows.items()}
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

    def note_weak(self, piece: Evidence) -> None:
        """Takes in a sign that fills no slot."""
        moment = piece.event.effective_at
        number = bisect_right(self._starts, moment) - 1
        if number < 0 or moment >= self._stretches[number].end:
            return
        for window in self._stretches[number].windows:
            if window.counts_from <= moment < window.latest:
                trace = self.traces[window.visit.ref]
                speaks = piece.provider_id is None or piece.provider_id == window.visit.provider_id
                if speaks and (not trace.weak or moment < trace.weak[-1][1]):
                    trace.weak.append((piece.event.received_at, moment))

    def take(self, piece: Evidence) -> Iterable[int]:
        """Takes in what makes sessions, and says which stretches must be matched again."""
        carer_id = None if piece.carer is None else piece.carer.id
        presence = self._presences.get(carer_id)
        if presence is None:
            presence = self._presences[carer_id] = Presence(self._policy)
        touched = {bisect_right(self._starts, place(session)) - 1 for session in presence.add(piece)}
        touched.discard(-1)
        for number in touched:
            self._visitors.setdefault(number, {})[carer_id] = presence
        return touched

    def match(self, numbers: Iterable[int], received_at: datetime) -> None:
        """Matches stretches again, by what has been taken in up to this receipt."""
        for number in numbers:
            self._match(number, received_at)

    def _match(self, number: int, received_at: datetime) -> None:
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
