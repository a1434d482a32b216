"""Judging homes that are held: the rules' history against what stands, and the difference written."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import structlog
from msgspec import Struct
from msgspec.structs import replace

import alerts.service
from alerts.model import VisitAlert
from care import metrics
from care.claim import Moments, Wanted
from care.estate_store import Q
from care.evidence import Evidence, weigh
from care.gathering import Home, gather, listen_closely
from care.history import judged
from care.liveness import Ears
from care.model import AlertSpan, State, VisitHistory
from care.policy import Policy
from care.reconcile import Correction, correct, is_late
from care.store import link_evidence, standing_of, write_conclusions
from care.turns import in_turns
from care.walltime import DAY
from care.windows import Window
from db.pool import Connection, execute

log = structlog.get_logger(__name__)


class _Judged(Struct, frozen=True):
    """One visit's history, with the home and the moment it was judged by."""

    home: Home
    window: Window
    history: VisitHistory
    until: datetime


async def judge_homes(
    conn: Connection, wanted: Mapping[str, Wanted], at: Moments, policy: Policy
) -> list[str]:
    """Judges what is wanted and writes what follows from it. Answers with residents whom no rule could judge:
    nothing of theirs was written, and what was taken of them is still to be given back."""
    homes = await gather(conn, wanted, policy, at.now)
    failed: list[str] = []
    done = await _judge_all(homes, at, _open_ears, failed)
    unmade = {each.home.household.resident.id: each.home for each in done if _rests_on_silence(each)}
    if unmade:
        closely = await listen_closely(conn, list(unmade.values()), at.now)
        close = {home.household.resident.id: home for home in closely}
        done = [each for each in done if each.home.household.resident.id not in close]
        done += await _judge_all(close.values(), at, _close_ears, failed)
    await _write(conn, done, at.now)
    return failed


def _open_ears(home: Home) -> list[Ears]:
    """Ears that never found a hub silent: enough as long as nothing rests on silence."""
    return [Ears(hearing.hub, (), (), ()) for hearing in home.household.hearing]


def _close_ears(home: Home) -> list[Ears]:
    household = home.household
    return [Ears.of(hearing, household.policy, household.outages) for hearing in household.hearing]


async def _judge_all(
    homes: Iterable[Home], at: Moments, ears_of: Callable[[Home], Sequence[Ears]], failed: list[str]
) -> list[_Judged]:
    done: list[_Judged] = []
    async for home in in_turns(homes):
        try:
            done += _judge(home, at, ears_of(home))
        except Exception:
            # One home that no rule can judge must not stop the line for all others.
            failed.append(home.household.resident.id)
            metrics.POISONED.inc()
            log.exception("a home could not be judged", visits=sorted(home.judged))
    return done


def _rests_on_silence(each: _Judged) -> bool:
    """Whether a verdict was drawn from absence, so that what was heard of the hubs decides."""
    return any(version.verdict.state in _ABSENT for version in each.history.versions)


_ABSENT = frozenset({State.MISSED, State.UNVERIFIED})


def _judge(home: Home, at: Moments, ears: Sequence[Ears]) -> list[_Judged]:
    # What was learned of a home concerns all that is due there too: one moment for both.
    timed = at.learned if home.touched else at.due
    done: list[_Judged] = []
    for refs, until in ((home.spoken, at.now), ((home.due | home.touched) - home.spoken, timed)):
        if refs:
            household = home.household if refs == home.judged else replace(home.household, judged=refs)
            done += [
                _Judged(home, home.windows[history.visit.ref], history, until)
                for history in judged(home.windows, household, ears, until)
            ]
    return done


async def _write(conn: Connection, done: Sequence[_Judged], now: datetime) -> None:
    if not done:
        return
    standing = await standing_of(conn, [each.history.visit.ref for each in done])
    corrections: list[tuple[_Judged, Correction]] = []
    told: dict[str, list[str]] = {}
    async for each in in_turns(done):
        ref = each.history.visit.ref
        corrections.append((each, correct(standing[ref], each.history, each.until)))
        told[ref] = _told(each)
    await write_conclusions(conn, [correction for _, correction in corrections], told, now)
    await link_evidence(conn, _links(done))
    raised = [
        _alert(each, span, now)
        for each, correction in corrections
        for span in sorted(correction.raised, key=lambda span: span.raised_at)
    ]
    await alerts.service.raise_visit_alerts(conn, raised, now)
    ended = [
        alerts.service.StandDown(each.history.visit.ref, down.kind, down.raised_at, down.at, down.cause)
        for each, correction in corrections
        for down in correction.stood_down
    ]
    await alerts.service.stand_down_visit_alerts(conn, ended, now)
    _count(corrections, raised, now)


def _told(each: _Judged) -> list[str]:
    centre = each.home.household.resident.monitoring_centre_id
    provider = each.history.visit.provider_id
    return [provider] if centre is None else [provider, centre]


def _alert(each: _Judged, span: AlertSpan, now: datetime) -> VisitAlert:
    visit, resident = each.history.visit, each.home.household.resident
    return VisitAlert(
        kind=span.kind,
        visit_ref=visit.ref,
        resident_id=visit.resident_id,
        dwelling_id=visit.dwelling_id,
        provider_id=visit.provider_id,
        landlord_id=each.home.household.dwelling.landlord_id,
        monitoring_centre_id=resident.monitoring_centre_id,
        raised_at=span.raised_at,
        step=each.window.rules.ladder_step,
        reason=span.reason,
        visit_start=visit.start_at,
        tier=visit.tier.value,
        raised_late=is_late(span.raised_at, now),
    )


def _links(done: Iterable[_Judged]) -> Iterator[tuple[str, Evidence]]:
    """Which evidence speaks of which visit, for homes of which something was learned."""
    weighed: dict[str, list[Evidence]] = {}
    for each in done:
        household = each.home.household
        if not each.home.touched and not each.home.spoken:
            continue
        pieces = weighed.get(household.resident.id)
        if pieces is None:
            pieces = weighed[household.resident.id] = list(_evidence(each.home, each.until))
        provider = each.history.visit.provider_id
        for piece in pieces:
            if piece.provider_id in (None, provider) and _speaks_of(piece, each):
                yield each.history.visit.ref, piece


def _evidence(home: Home, until: datetime) -> Iterator[Evidence]:
    household = home.household
    hubs = {hub.id: hub for hub in household.hubs}
    for event in household.events:
        if event.received_at <= until:
            piece = weigh(event, hubs[event.hub_id], household.dwelling, household.carers, household.doors)
            if piece is not None:
                yield piece


def _speaks_of(piece: Evidence, each: _Judged) -> bool:
    """Within the visit's window; or the departure of one who came, however late."""
    if each.window.counts_from <= piece.moment < each.window.latest:
        return True
    verdict = each.history.verdict
    came = piece.carer.id in verdict.carers if piece.carer else verdict.arrived_at is not None
    return came and not piece.arrival and piece.moment == verdict.departed_at


def _count(
    corrections: Sequence[tuple[_Judged, Correction]], raised: Iterable[VisitAlert], now: datetime
) -> None:
    states = Counter(version.verdict.state for _, each in corrections for version in each.versions)
    for state, many in states.items():
        metrics.VERDICTS.labels(state).inc(many)
    metrics.JUDGED.inc(len(corrections))
    metrics.CORRECTED.inc(sum(len(each.stood_down) for _, each in corrections if each.first > 1))
    for alert in raised:
        metrics.NOTICED_SECONDS.observe(max((now - alert.raised_at).total_seconds(), 0.0))
        if alert.raised_late:
            metrics.RAISED_LATE.inc()


async def postpone(
    conn: Connection, wanted: Mapping[str, Wanted], failed: Sequence[str], at: Moments, later: datetime
) -> None:
    """Puts aside what could not be judged until `later`."""
    back = [(name, *span) for name in failed for span in wanted[name].learned]
    spoken = [(name, ref) for name in failed for ref in wanted[name].spoken]
    await execute(conn, Q["postpone_due"], residents=list(failed), until=at.due, later=later)
    await execute(
        conn,
        Q["return_rechecks"],
        residents=[*(each[0] for each in back), *(each[0] for each in spoken)],
        froms=[*(each[1] for each in back), *(later - DAY for _ in spoken)],
        untils=[*(each[2] for each in back), *(later for _ in spoken)],
        refs=[*(None for _ in back), *(each[1] for each in spoken)],
        later=later,
    )
