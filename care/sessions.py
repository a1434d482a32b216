"""From arrivals and departures to presences in a dwelling (domain/visits.md §4)."""

from bisect import bisect_left, insort
from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct, structs

from care.evidence import Evidence, Strength
from care.model import Session
from care.policy import Policy


class _Open(Struct, frozen=True, gc=False):
    """The last session of a carer and what decides whether the next piece of evidence belongs to it.

    `last_arrival` None: it has no start. `departed`: a departure lies after its arrivals, though perhaps one
    too late to end it.
    """

    session: Session
    last_arrival: datetime | None
    departed: bool


def place(session: Session) -> datetime:
    """Where a session stands in time: its start, or its end when no start was seen."""
    moment = session.start or session.end
    assert moment is not None  # every session has at least one end
    return moment


def rank(session: Session) -> tuple[datetime, bool, str]:
    """The order of sessions when all else is equal: by start, else end, then carer id, the unnamed last."""
    return place(session), session.carer_id is None, session.carer_id or ""


def _follow(last: _Open | None, piece: Evidence, policy: Policy) -> tuple[_Open, bool]:
    """The session that this piece belongs to, and whether it is a new one."""
    if piece.arrival:
        if (
            last is not None
            and not last.departed
            and last.last_arrival is not None
            and piece.moment - last.last_arrival <= policy.same_session
        ):
            return _Open(_with(last.session, piece), piece.moment, False), False
        return _Open(_begun(piece, piece.moment, None), piece.moment, False), True
    if last is not None:
        session = last.session
        if not last.departed and session.start is not None:
            if piece.moment - session.start <= policy.longest_session:
                return _Open(_ended(session, piece), last.last_arrival, True), False
        elif session.end is not None and piece.moment - session.end <= policy.same_session:
            return _Open(_with(session, piece), last.last_arrival, True), False
    return _Open(_begun(piece, None, piece.moment), None, True), True


def _begun(piece: Evidence, start: datetime | None, end: datetime | None) -> Session:
    carer_id = None if piece.carer is None else piece.carer.id
    return Session(carer_id, piece.provider_id, start, end, piece.strength is Strength.STRONG)


def _ended(session: Session, piece: Evidence) -> Session:
    strong = session.strong or piece.strength is Strength.STRONG
    return Session(session.carer_id, session.provider_id, session.start, piece.moment, strong)


def _with(session: Session, piece: Evidence) -> Session:
    if session.strong or piece.strength is not Strength.STRONG:
        return session
    return structs.replace(session, strong=True)


class Presence:
    """One carer's evidence at one dwelling, in order of happening, and the sessions it makes.

    Evidence may be added in any order; what arrives in the order in which it happened, as nearly all does,
    costs one step, and only a straggler makes the sessions be told from the beginning.
    """

    __slots__ = ("_last", "_pieces", "_policy", "sessions")

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._pieces: list[Evidence] = []
        self._last: _Open | None = None
        self.sessions: list[Session] = []

    def add(self, piece: Evidence) -> list[Session]:
        """Takes one piece in. Returns the sessions that came, went or changed by it, as they were and are."""
        if not self._pieces or self._pieces[-1].order <= piece.order:
            self._pieces.append(piece)
            return self._step(piece)
        insort(self._pieces, piece, key=lambda known: known.order)
        before = self.sessions
        self.sessions, self._last = [], None
        for known in self._pieces:
            self._step(known)
        return _differing(before, self.sessions)

    def _step(self, piece: Evidence) -> list[Session]:
        self._last, new = _follow(self._last, piece, self._policy)
        session = self._last.session
        if new:
            self.sessions.append(session)
            return [session]
        before = self.sessions[-1]
        self.sessions[-1] = session
        return [] if before == session else [before, session]

    def between(self, start: datetime, end: datetime) -> list[Session]:
        """The sessions that stand in [start, end), in order."""
        first = bisect_left(self.sessions, start, key=place)
        return self.sessions[first : bisect_left(self.sessions, end, lo=first, key=place)]


def _differing(before: list[Session], after: list[Session]) -> list[Session]:
    """Where two tellings differ: a straggler changes a stretch, and both ends remain as they were."""
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return before[head : len(before) - tail] + after[head : len(after) - tail]


def sessions_of(evidence: Iterable[Evidence], policy: Policy) -> list[Session]:
    """All sessions that strong and medium evidence at one dwelling makes, in the order of `rank`."""
    presences: dict[str | None, Presence] = {}
    for piece in evidence:
        if piece.strength is not Strength.WEAK:
            carer_id = None if piece.carer is None else piece.carer.id
            presences.setdefault(carer_id, Presence(policy)).add(piece)
    return sorted((session for presence in presences.values() for session in presence.sessions), key=rank)
