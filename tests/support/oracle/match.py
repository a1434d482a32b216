"""Which session fills which slot, by trying everything (domain/visits.md §5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction

from tests.support.oracle.evidence import Session
from tests.support.oracle.model import World
from tests.support.oracle.plan import Visit

Filled = dict[str, list[Session]]
MINUTE = timedelta(minutes=1)


def minutes(length: timedelta) -> Fraction:
    """A length in exact minutes."""
    return Fraction(length // timedelta(microseconds=1), MINUTE // timedelta(microseconds=1))


def may_fill(world: World, visit: Visit, session: Session) -> bool:
    """Whether a session lies in a visit's window, and its carer is of the visit's provider."""
    if session.carer is not None and world.carers[session.carer] != visit.provider:
        return False
    if session.start is not None:
        return visit.counts_from <= session.start < visit.latest
    assert session.end is not None
    return visit.start <= session.end < visit.latest


def cost(world: World, visits: list[Visit], visit: Visit, session: Session) -> Fraction:
    """What it costs, in minutes, to let a session fill a slot of a visit."""
    policy = world.policy
    away = session.placed - (visit.start if session.start is not None else visit.end)
    total = minutes(away) if away >= timedelta(0) else -minutes(away) * policy.early_weight
    if visit.named and session.carer not in visit.named:
        elsewhere = session.carer is not None and any(
            other.resident == visit.resident
            and other.date == visit.date
            and other.planned
            and other.ref != visit.ref
            and session.carer in other.named
            for other in visits
        )
        total += policy.named_elsewhere_minutes if elsewhere else policy.swap_minutes
    if session.length is not None and session.length < visit.length:
        total += minutes(visit.length - session.length) / 4
    return total


def rank(session: Session) -> tuple[object, ...]:
    """The earlier first, then by carer, the unnamed last."""
    return (session.placed, session.carer is None, session.carer or "", session.made)


def together(
    visits: list[Visit], sessions: list[Session], fits: Callable[[Visit, Session], bool]
) -> list[tuple[list[Visit], list[Session]]]:
    """Split into groups between which no session fits, so that trying everything ends this year."""
    groups: list[tuple[list[Visit], list[Session]]] = [([visit], []) for visit in visits]
    for session in sessions:
        touched = [group for group in groups if any(fits(visit, session) for visit in group[0])]
        if not touched:
            continue
        groups = [group for group in groups if group not in touched]
        groups.append(
            ([v for group in touched for v in group[0]], [s for g in touched for s in g[1]] + [session])
        )
    return groups


def best_of(
    world: World, all_visits: list[Visit], visits: list[Visit], sessions: list[Session], before: Filled
) -> Filled:
    """The best of all ways to put these sessions into what is left of these visits' slots."""
    visits = sorted(visits, key=lambda visit: (visit.start, visit.ref))
    sessions = sorted(sessions, key=rank)
    costs = {
        (index, visit.ref): cost(world, all_visits, visit, session)
        for index, session in enumerate(sessions)
        for visit in visits
        if may_fill(world, visit, session)
    }
    holds: dict[str, list[int]] = {visit.ref: [] for visit in visits}
    best: tuple[tuple[object, ...], dict[str, list[int]]] | None = None

    def carers_in(visit: Visit) -> list[str | None]:
        return [s.carer for s in before[visit.ref]] + [sessions[i].carer for i in holds[visit.ref]]

    def attempt(index: int, filled: int, total: Fraction) -> None:
        nonlocal best
        if index == len(sessions):
            if best is not None and (-filled, total) > best[0][:2]:
                return
            order = tuple(
                tuple(holds[visit.ref])
                + (len(sessions),) * (visit.slots - len(before[visit.ref]) - len(holds[visit.ref]))
                for visit in visits
            )
            score = (-filled, total, order)
            if best is None or score < best[0]:
                best = (score, {ref: list(held) for ref, held in holds.items()})
            return
        for visit in visits:
            if (index, visit.ref) not in costs or sessions[index].carer in carers_in(visit):
                continue
            if len(before[visit.ref]) + len(holds[visit.ref]) >= visit.slots:
                continue
            holds[visit.ref].append(index)
            attempt(index + 1, filled + 1, total + costs[index, visit.ref])
            holds[visit.ref].pop()
        attempt(index + 1, filled, total)

    attempt(0, 0, Fraction(0))
    assert best is not None
    return {ref: before[ref] + [sessions[index] for index in held] for ref, held in best[1].items()}


def match(world: World, visits: list[Visit], resident: str, sessions: list[Session]) -> Filled:
    """What fills each visit of one resident: planned ones first, sessions with a start first."""
    mine = [visit for visit in visits if visit.resident == resident]
    filled: Filled = {visit.ref: [] for visit in mine}
    for planned in (True, False):
        candidates = [visit for visit in mine if visit.planned is planned]
        for with_start in (True, False):
            used = [id(session) for held in filled.values() for session in held]
            free = [s for s in sessions if (s.start is not None) is with_start and id(s) not in used]
            for some, several in together(candidates, free, lambda v, s: may_fill(world, v, s)):
                filled.update(best_of(world, visits, some, several, filled))
    return filled
