"""`threshold backtest`: history over again, from files alone (contract §1, §5, §6)."""

import gc
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from app.backtest_alarms import home_alerts
from app.backtest_events import read_events
from app.backtest_report import report
from app.beside import beside
from app.errors import Fault
from care.errors import FileErrors
from care.estate import read_estate
from care.model import Estate, RosterRow
from care.notation import parse_instant
from care.planning import last_rows, plan
from care.policy import DEFAULT_POLICY, Policy
from care.policy_file import read_policy
from care.replay import Past, replay
from care.roster import Known, read_roster
from care.walltime import local_date

_DAY = timedelta(days=1)
_MARGIN = 3 * _DAY
"""Occurrences are made for so long after the last day reported: each visit must see the one after it."""
_LONGEST_MARGIN = 400 * _DAY
"""No next visit is looked for beyond this, whatever a policy says of waiting: a yearly one comes sooner."""


def backtest(
    estate: Annotated[Path, typer.Option(help="The estate file.")],
    events: Annotated[Path, typer.Option(help="What homes sent, as JSON lines.")],
    out: Annotated[Path, typer.Option(help="Where the report is written, as JSON.")],
    roster: Annotated[list[Path] | None, typer.Option(help="A roster file; may be given again.")] = None,
    policy: Annotated[Path | None, typer.Option(help="The policy file; without one, the defaults.")] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="The end of the replay; else the last receipt.")
    ] = None,
) -> None:
    """Replays history without a database, and writes the verdicts and alerts that the service would give."""
    # Millions of small objects and no cycles among them: looking for some takes a third of the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        _backtest(estate, events, out, roster or [], policy, _end(until))
    finally:
        if collecting:
            gc.enable()


def _backtest(
    estate: Path, events: Path, out: Path, rosters: list[Path], policy: Path | None, end: datetime | None
) -> None:
    try:
        known = read_estate(_bytes(estate), str(estate), beside(estate))
        rules = DEFAULT_POLICY if policy is None else read_policy(_bytes(policy), str(policy))
        rows = _rows(rosters, known)
    except FileErrors as errors:
        raise Fault(str(errors)) from None
    try:
        received = read_events(events, known, rules, end)
    except OSError as error:
        raise Fault(f"{events}: {error.strerror}") from None
    if received.rejected:
        lines = "line" if received.rejected == 1 else "lines"
        typer.echo(f"{events}: {received.rejected} {lines} rejected: they could not be read", err=True)
    end = end or received.last
    if end is None:
        raise Fault(f"{events}: holds no message, so the end of the replay must be given with --until")
    visits = plan(known, rows, _horizon(known, rules, end))
    wanted = frozenset(
        visit.ref
        for visit in visits
        if visit.ref in rows
        or visit.service_date <= local_date(end, known.dwellings[visit.dwelling_id].time_zone)
    )
    past = Past(known, visits, received.events, received.hearing)
    alerts = home_alerts(received, known, rules, end)
    found = report(replay(past, rules, end, wanted), alerts, known, end)
    try:
        with out.open("wb") as file:
            file.writelines(found)
    except OSError as error:
        raise Fault(f"{out}: {error.strerror}") from None


def _end(until: str | None) -> datetime | None:
    if until is None:
        return None
    try:
        return parse_instant(until)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--until") from None


def _rows(rosters: list[Path], estate: Estate) -> dict[str, RosterRow]:
    sees = Known.of(estate)
    return last_rows(row for path in rosters for row in read_roster(_bytes(path), str(path), sees).rows)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Fault(f"{path}: {error.strerror}") from None


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
