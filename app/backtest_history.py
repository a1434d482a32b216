"""What a backtest is told by its files, and what of it a policy makes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import typer
from rich.progress import Progress

from app.backtest_events import Received, read_events
from app.errors import Fault
from care.errors import FileErrors
from care.estate import read_estate
from care.model import Estate, RosterRow
from care.planning import last_rows, plan
from care.policy import Policy
from care.replay import Past
from care.roster import Known, read_roster
from care.walltime import local_date

_DAY = timedelta(days=1)
_MARGIN = 3 * _DAY
"""Occurrences are made for so long after the last day reported: each visit must see the one after it."""
_LONGEST_MARGIN = 400 * _DAY
"""No next visit is looked for beyond this, whatever a policy says of waiting: a yearly one comes sooner."""


@dataclass(frozen=True, slots=True)
class History:
    """An estate, its roster and everything that its homes sent by `end`."""

    estate: Estate
    rows: dict[str, RosterRow]
    received: Received
    end: datetime


def gather(
    estate: Path,
    rosters: Iterable[Path],
    events: Path,
    policies: Sequence[Policy],
    end: datetime | None,
    progress: Progress,
) -> History:
    """Reads the files, for replays under these policies. Raises Fault with a line for each thing wrong."""
    try:
        known = read_estate(bytes_of(estate), str(estate))
        rows = _rows(rosters, known)
    except FileErrors as errors:
        raise Fault(str(errors)) from None
    # Whoever hears silence soonest keeps most of what was heard.
    sharpest = min(policies, key=lambda policy: policy.silence_factor)
    try:
        with progress.open(events, "rb", description="reading what homes sent") as file:
            received = read_events(file, known, sharpest, end)
    except OSError as error:
        raise Fault(f"{events}: {error.strerror}") from None
    if received.rejected:
        lines = "line" if received.rejected == 1 else "lines"
        typer.echo(f"{events}: {received.rejected} {lines} rejected: they could not be read", err=True)
    end = end or received.last
    if end is None:
        raise Fault(f"{events}: holds no message, so the end of the replay must be given with --until")
    return History(known, rows, received, end)


def past_of(history: History, policy: Policy) -> tuple[Past, frozenset[str]]:
    """What a replay under a policy needs, and the refs of the visits to report."""
    estate, end = history.estate, history.end
    visits = plan(estate, history.rows, _horizon(estate, policy, end))
    wanted = frozenset(
        visit.ref
        for visit in visits
        if visit.ref in history.rows
        or visit.service_date <= local_date(end, estate.dwellings[visit.dwelling_id].time_zone)
    )
    return Past(estate, visits, history.received.events, history.received.hearing), wanted


def bytes_of(path: Path) -> bytes:
    """A file's contents. Raises Fault."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Fault(f"{path}: {error.strerror}") from None


def _rows(rosters: Iterable[Path], estate: Estate) -> dict[str, RosterRow]:
    sees = Known.of(estate)
    return last_rows(row for path in rosters for row in read_roster(bytes_of(path), str(path), sees).rows)


def _horizon(estate: Estate, policy: Policy, end: datetime) -> dict[str, date]:
    """Up to which service date occurrences are made, by dwelling: well past the last one reported."""
    reach = _MARGIN + min(_LONGEST_MARGIN, max(_longest_visit(estate), _longest_wait(policy)))
    return {
        dwelling.id: local_date(end, dwelling.time_zone) + reach for dwelling in estate.dwellings.values()
    }


def _longest_visit(estate: Estate) -> timedelta:
    return timedelta(
        minutes=max(
            (visit.minutes for package in estate.packages.values() for visit in package.recurrences),
            default=0,
        )
    )


def _longest_wait(policy: Policy) -> timedelta:
    """The longest time after its start at which a visit may still be waited for."""
    waits = [rules.missed_after for rules in policy.tiers.values()]
    waits += [overrides.missed_after for overrides in policy.packages.values()]
    return max((wait for wait in waits if wait is not None), default=timedelta())
