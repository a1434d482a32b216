"""Whether the rules explain that a visit which was made looks missed or cannot be confirmed.

Every explanation is a fact of the world, found in the truth and not in what the platform said about itself.
"""

from collections.abc import Sequence
from datetime import datetime

from device_sim.world.truth import OutageFact, SaidFact, VisitFact


def why_missed(visit: VisitFact, said: Sequence[SaidFact]) -> str | None:
    """Why a visit to which somebody came in time may rightly have been called missed; None when nothing
    explains it. `said` is what the home said of this visit."""
    counting = [word for word in said if word.counts]
    if not counting:
        return "the carer left no sign that counts"
    if all(_effective(word) is None for word in counting):
        return "the home never got through"
    in_time = [
        word for word in counting if word.received_at is not None and word.received_at <= visit.missed_at
    ]
    if not in_time:
        return "the sign came through only afterwards"
    # Signs close together are one presence, and it counts from the first of them (domain/visits.md §4).
    if not _fits(visit, min(in_time, key=lambda word: word.at)):
        return "the home's clock was wrong"
    return None


def why_unconfirmed(
    visit: VisitFact, said: Sequence[SaidFact], home: Sequence[SaidFact], outages: Sequence[OutageFact]
) -> str | None:
    """Why a visit to which somebody came may rightly be called unverified: no sign of it had come through,
    and the home could not speak or still had something to tell. `home` is all that the home ever said."""
    if (missing := why_missed(visit, said)) is None:
        return None
    if could_not_speak(visit, home, outages) is None:
        return None
    return missing


def could_not_speak(visit: VisitFact, home: Sequence[SaidFact], outages: Sequence[OutageFact]) -> str | None:
    """Why this home could not speak for the visit; None when the truth knows no reason."""
    for outage in outages:
        if outage.begin <= visit.missed_at and (outage.end is None or outage.end > visit.counts_from):
            return outage.why
    for word in home:
        if word.happened <= visit.missed_at and (
            word.received_at is None or word.received_at > visit.missed_at
        ):
            return "the home had something that had not come through"
    return None


def why_unnoticed(visit: VisitFact, said: Sequence[SaidFact]) -> str | None:
    """Why nothing was raised though nobody came in time: a clock that is behind hides a delay."""
    for word in said:
        if word.counts and _fits(visit, word) and word.at < word.happened and _before(visit, word):
            return "the home's clock was wrong"
    return None


def _effective(word: SaidFact) -> datetime | None:
    """The time that counts: what the home's clock said, but never later than its receipt."""
    return None if word.received_at is None else min(word.at, word.received_at)


def _fits(visit: VisitFact, word: SaidFact) -> bool:
    effective = _effective(word)
    begin = visit.start if word.type == "carer.departed" else visit.counts_from
    return effective is not None and begin <= effective < visit.latest


def _before(visit: VisitFact, word: SaidFact) -> bool:
    effective = _effective(word)
    return effective is not None and effective < visit.missed_at
