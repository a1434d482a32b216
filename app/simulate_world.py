"""`threshold sim world` and `threshold sim score`: a made-up county as files, and how it was judged."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer

from app.errors import Fault
from app.simulate_options import FaultShares, Sizes
from device_sim.world.faults import Faults, parse_faults
from device_sim.world.files import write_files
from device_sim.world.magnitudes import changed
from device_sim.world.rendering import render
from device_sim.world.score import Report, Score, score
from device_sim.world.timing import Tuning, retimed, tuning_of
from device_sim.world.truth import Truth, read_truth, write_truth
from device_sim.world.world import FIRST_DAY, World, make_world

T = TypeVar("T")
MOST_FAULTS = 20
"""Lines about what did not hold; the rest is in the JSON."""


def write_world(
    out: Annotated[Path, typer.Option(help="The folder to write into; made when it is not there.")],
    homes: Annotated[int, typer.Option(help="How many homes.")] = 200,
    seed: Annotated[int, typer.Option(help="Which world; the same seed is the same world anywhere.")] = 1,
    days: Annotated[int, typer.Option(help="For how many days.")] = 7,
    begin: Annotated[str, typer.Option(metavar="DATE", help="The first day.")] = FIRST_DAY.isoformat(),
    fault: FaultShares = None,
    sizes: Sizes = None,
) -> None:
    """Writes a simulated county: estate.yaml, roster.csv, events.jsonl and truth.jsonl."""
    wrong = faults_of(fault)
    world = world_of(seed, homes, days, begin, sizes or [])
    rendered = render(world, wrong)
    try:
        write_files(world, out)
        (out / "events.jsonl").write_bytes(b"".join(line + b"\n" for line in rendered.lines))
        write_truth(rendered.truth, out / "truth.jsonl")
    except OSError as error:
        raise Fault(f"{error.filename or out}: {error.strerror}") from None
    typer.echo(f"{world.truth.world}: {len(world.visits)} visits, {len(rendered.lines)} messages")
    typer.echo(
        f"threshold backtest --estate {out / 'estate.yaml'} --roster {out / 'roster.csv'} "
        f"--events {out / 'events.jsonl'} --until {world.truth.world.until.isoformat()} "
        f"--out {out / 'report.json'}"
    )
    typer.echo(f"threshold sim score --truth {out / 'truth.jsonl'} --report {out / 'report.json'}")


def show_score(
    truth: Annotated[Path, typer.Option(help="What really happened, as a simulation wrote it.")],
    report: Annotated[Path, typer.Option(help="What was concluded, as `threshold backtest` wrote it.")],
    json: Annotated[Path | None, typer.Option(help="Write the score here as JSON.")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="The policy file by which the report was made; else the defaults.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the score here as a page with plots.")] = None,
    png: Annotated[Path | None, typer.Option(help="Write the plots here as a picture.")] = None,
) -> None:
    """Compares what was concluded with what really happened; ends with 1 when a promise did not hold."""
    known = _read(truth, read_truth)
    if policy is not None:
        known = retimed(known, _read(policy, _tuning))
    found = score(known, _read(report, _report))
    _write(json, lambda: msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    if html is not None or png is not None:
        # matplotlib takes half a second to come up: only who wants a picture waits for it.
        from device_sim.world import page, plots

        _write(html, lambda: page.page(known.world, found).encode())
        _write(png, lambda: plots.png(found))
    show(known, found)


def show(truth: Truth, found: Score) -> None:
    """Prints the score; one that does not hold ends the command with what did not."""
    for line in table(truth, found):
        typer.echo(line)
    if not found.held:
        raise Fault("\n".join(_faults(found)))


def world_of(seed: int, homes: int, days: int, begin: str, sizes: list[str]) -> World:
    """The world that options ask for; wrong ones end the command."""
    try:
        made = make_world(seed, homes, days, date.fromisoformat(begin), changed(sizes))
        fact = msgspec.structs.replace(made.truth.world, sizes=sizes)
        return replace(made, truth=msgspec.structs.replace(made.truth, world=fact))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def faults_of(pairs: list[str] | None) -> Faults:
    """The faults that options ask for; wrong ones end the command."""
    try:
        return parse_faults(pairs or [])
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--fault") from None


def table(truth: Truth, found: Score) -> list[str]:
    """The score for a terminal."""
    called = list(next(iter(found.table.values())))
    lines = [str(truth.world)]
    lines.append(f"{'visits':>34}" + "".join(f"{each:>17}" for each in called))
    for what, row in found.table.items():
        lines.append(f"{what:>34}" + "".join(f"{count:>17}" for count in row.values()))
    for why, count in sorted(found.explained.items(), key=lambda pair: -pair[1]):
        lines.append(f"{count:>8}  {why}")
    through = [call for call in found.calls if call.received_at is not None]
    lines.append(
        f"calls for help: {len(found.calls)}, came through {len(through)}, "
        f"raised an alert {sum(call.covered for call in through)}; alerts raised twice {len(found.doubled)}"
    )
    waits = sorted(call.answered_after_s for call in through if call.answered_after_s is not None)
    if waits:
        lines.append(
            f"answered by operators: {len(waits)} of {len(through)}, after {waits[len(waits) // 2]:.0f} s "
            f"(median), within 60 s {_share(waits, 60)}, within 180 s {_share(waits, 180)}"
        )
    if (books := found.books) is not None:
        lines.append(
            f"events: said {books.said}, receipts that lied {len(books.lost)}, stored twice "
            f"{len(books.doubled)}, from nowhere {len(books.phantom)}, without a receipt {len(books.owed)}"
        )
    if found.found_after_s:
        soon = sorted(found.found_after_s)
        lines.append(
            f"real misses: raised after {soon[len(soon) // 2]:.1f} s (median), {soon[-1]:.1f} s (worst)"
        )
    lines.append("everything held" if found.held else f"{len(found.faults)} promises did not hold")
    return lines


def _share(waits: list[float], within: float) -> str:
    """How many of some waits were no longer than that."""
    return f"{sum(wait <= within for wait in waits) / len(waits):.1%}"


def _faults(found: Score) -> list[str]:
    more = len(found.faults) - MOST_FAULTS
    return found.faults[:MOST_FAULTS] + ([f"and {more} more"] if more > 0 else [])


def _tuning(path: Path) -> Tuning:
    try:
        return tuning_of(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _report(path: Path) -> Report:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from None


def _read(path: Path, read: Callable[[Path], T]) -> T:
    try:
        return read(path)
    except OSError as error:
        raise Fault(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise Fault(str(error)) from None


def _write(path: Path | None, body: Callable[[], bytes]) -> None:
    if path is None:
        return
    try:
        path.write_bytes(body())
    except OSError as error:
        raise Fault(f"{path}: {error.strerror}") from None
