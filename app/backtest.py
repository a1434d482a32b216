"""`threshold backtest`: history over again, from files alone (contract §1, §5, §6; domain/visits.md §9)."""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress

from app.backtest_alarms import home_alerts
from app.backtest_compare import Tally, compare
from app.backtest_duties import Duties
from app.backtest_history import History, bytes_of, gather, past_of
from app.backtest_page import page
from app.backtest_report import report
from app.backtest_table import summary, table
from app.errors import Fault
from care.errors import FileErrors
from care.notation import parse_instant
from care.policy import DEFAULT_POLICY, Policy
from care.policy_file import read_policy
from care.replay import Replayed, replay
from device_sim.world.truth import Truth, read_truth

DEFAULTS = "default"
"""In the place of a policy file: the numbers of domain/visits.md."""
_BUFFER = 1 << 18
"""Bytes written at once: a report comes in a million pieces, each write has its price, and more than this
leaves the processor's cache before it is written."""


def backtest(
    estate: Annotated[Path, typer.Option(help="The estate file.")],
    events: Annotated[Path, typer.Option(help="What homes sent, as JSON lines.")],
    out: Annotated[Path | None, typer.Option(help="Where the report is written, as JSON.")] = None,
    roster: Annotated[list[Path] | None, typer.Option(help="A roster file; may be given again.")] = None,
    policy: Annotated[Path | None, typer.Option(help="The policy file; without one, the defaults.")] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="The end of the replay; else the last receipt.")
    ] = None,
    against: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--compare", metavar="POLICY_A POLICY_B", help="Compare two policies; 'default' is one."
        ),
    ] = None,
    page_file: Annotated[
        Path | None, typer.Option("--page", metavar="FILE", help="Write the comparison as a page with plots.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="What really happened, as a simulation wrote it, to compare by.")
    ] = None,
) -> None:
    """Replays history without a database, and writes the verdicts and alerts that the service would give."""
    end = _end(until)
    if against is None:
        if out is None:
            raise typer.BadParameter("a report needs a file", param_hint="--out")
        if page_file is not None or truth is not None:
            raise typer.BadParameter("--page and --truth go with --compare")
    elif policy is not None:
        raise typer.BadParameter("--compare names both policies", param_hint="--policy")
    rosters = roster or []
    with _uncollected(), _progress() as progress:
        if against is None:
            rules = _policy(policy)
            history = _kept(gather(estate, rosters, events, [rules], end, progress))
            _write(out, _reported(history, rules, progress))
            return
        both = _policy(against[0]), _policy(against[1])
        really = None if truth is None else _truth(truth)
        history = _kept(gather(estate, rosters, events, both, end, progress))
        tallies = _tally(history, both[0], "first", progress), _tally(history, both[1], "second", progress)
    found = compare(tallies, (str(against[0]), str(against[1])), history.end, really)
    _write(out, (msgspec.json.format(msgspec.json.encode(found)), b"\n"))
    _write(page_file, (page(found).encode(),))
    typer.echo(summary(found))
    Console().print(table(found))


def _reported(history: History, policy: Policy, progress: Progress) -> Iterator[bytes]:
    alerts = home_alerts(history.received, history.estate, policy, history.end)
    return report(_replayed(history, policy, "judging visits", progress), alerts, history.estate, history.end)


def _tally(history: History, policy: Policy, which: str, progress: Progress) -> Tally:
    tally = Tally(Duties(history.estate, history.end))
    for one in _replayed(history, policy, f"judging by the {which} policy", progress):
        tally.take(one)
    return tally


def _replayed(history: History, policy: Policy, what: str, progress: Progress) -> Iterator[Replayed]:
    past, wanted = past_of(history, policy)
    yield from progress.track(replay(past, policy, history.end, wanted), len(wanted), description=what)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Millions of small objects and no cycles among them: looking for some takes a third of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.freeze()  # nor when it is over
            gc.enable()


def _kept(history: History) -> History:
    """Keeps what was read until the process ends: taking it apart piece by piece costs seconds."""
    ring: list[object] = [history]
    ring.append(ring)  # what holds itself is let go by the collector alone, and that is told to leave it
    return history


def _progress() -> Progress:
    """How far it is, for whoever watches; a file or a pipe is told nothing."""
    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


def _end(until: str | None) -> datetime | None:
    if until is None:
        return None
    try:
        return parse_instant(until)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--until") from None


def _policy(path: Path | None) -> Policy:
    if path is None or str(path) == DEFAULTS:
        return DEFAULT_POLICY
    try:
        return read_policy(bytes_of(path), str(path))
    except FileErrors as errors:
        raise Fault(str(errors)) from None


def _truth(path: Path) -> Truth:
    try:
        return read_truth(path)
    except OSError as error:
        raise Fault(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise Fault(str(error)) from None


def _write(path: Path | None, body: Iterable[bytes]) -> None:
    if path is None:
        return
    try:
        with path.open("wb", buffering=_BUFFER) as file:
            file.writelines(body)
    except OSError as error:
        raise Fault(f"{path}: {error.strerror}") from None
