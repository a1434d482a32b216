"""`threshold load`: an estate file and rosters into the database, shown before it is done."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.beside import beside
from app.clock import clock_of
from app.errors import Fault
from app.settings import Settings, load_settings
from care.errors import EmptiedDay, FileErrors
from care.estate import read_estate
from care.loading import Loading, apply, prepare, standing_estate
from care.model import Estate
from care.notation import shown as quoted
from care.replanning import last_date
from care.revision import Outcome
from care.roster import Known, Roster, read_roster
from db.migrate import pending
from db.pool import Connection, connection_arguments

SHOWN = 50
"""Lines of one sort that a person reads; a roster of 200,000 bad rows would bury the first."""

_MAX_BYTES = 256 * 1024 * 1024


def load(
    context: typer.Context,
    estate: Annotated[
        Path, typer.Argument(help="The estate file (YAML); left out, rosters are for the estate that stands.")
    ],
    rosters: Annotated[
        list[Path] | None, typer.Argument(help="Rosters (CSV) and calendars (.ics), in this order.")
    ] = None,
    package: Annotated[
        str | None, typer.Option("--package", help="The care package whose visits the calendars hold.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
    full: Annotated[
        bool,
        typer.Option("--full", help="The rosters are the whole of each service date that they mention."),
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Even if more than a fifth of a day's visits, or a calendar's, vanish."),
    ] = False,
) -> None:
    """Validates an estate file and rosters, shows what would change, then applies it: all or nothing."""
    whole = None if _is_roster(estate) else estate
    read = [*([estate] if whole is None else []), *(rosters or [])]
    calendars = [path for path in read if _is_calendar(path)]
    if full and len(calendars) == len(read):
        raise typer.BadParameter("--full says something of rosters, and there is none")
    if (package is None) is bool(calendars):
        raise typer.BadParameter("--package names the care package whose visits a calendar (.ics) holds")
    settings = load_settings(context.obj)
    console = Console(soft_wrap=True, highlight=False)
    loading = asyncio.run(
        apply_files(
            settings,
            whole,
            read,
            clock_of(settings.clock)(),
            package=package,
            dry_run=dry_run,
            full=full,
            force=force,
            say=lambda found: show(found, console),
        )
    )
    typer.echo(_outcome(loading, dry_run))


async def apply_files(
    settings: Settings,
    estate: Path | None,
    rosters: Sequence[Path],
    now: datetime,
    *,
    package: str | None = None,
    dry_run: bool = False,
    full: bool = False,
    force: bool = False,
    say: Callable[[Loading], None] | None = None,
) -> Loading:
    """Loads files in one transaction, calling `say` with the difference before anything is written.

    Without an estate file the rosters are for the estate that stands. `package`: whose visits calendars hold.
    Raises app.errors.Fault with every fault of the files, or when the database is not at its head.
    """
    calendars = None if package is None else Calendars(package, now)
    files = None if estate is None else read_files(estate, rosters, calendars)
    async with await Connection.connect(settings.database, **connection_arguments("load")) as conn:
        if await pending(conn):
            raise Fault("the database is not at its head: run threshold migrate first")
        async with conn.transaction(force_rollback=dry_run):
            if files is None:
                standing = await standing_estate(conn)
                files = standing, read_rosters(rosters, standing, calendars)
            found, read = files
            try:
                loading = await prepare(conn, found, read, now, full=full, force=force)
            except EmptiedDay as errors:
                lines = [str(fault) for fault in errors.faults]
                raise Fault(_lines([*lines, "refused: that is more than a fifth; --force does it"])) from None
            if say is not None:
                say(loading)
            if not dry_run:
                await apply(conn, loading, now)
    return loading


@dataclass(frozen=True, slots=True)
class Calendars:
    """What the calendars among the rosters are: a package's visits, as from a moment on."""

    package: str
    now: datetime


def read_files(
    estate: Path, rosters: Iterable[Path], calendars: Calendars | None = None
) -> tuple[Estate, list[Roster]]:
    """The files' contents. Raises app.errors.Fault with every fault of the estate, or of all rosters."""
    try:
        found = read_estate(_bytes(estate), str(estate), beside(estate))
    except FileErrors as errors:
        raise Fault(_lines(str(fault) for fault in errors.faults)) from None
    return found, read_rosters(rosters, found, calendars)


def read_rosters(paths: Iterable[Path], estate: Estate, calendars: Calendars | None = None) -> list[Roster]:
    """Rosters for an estate. Raises app.errors.Fault with every fault of all of them."""
    known = Known.of(estate)
    if calendars is not None and calendars.package not in known.packages:
        raise Fault(f"--package: there is no package '{quoted(calendars.package)}' in the estate")
    read: list[Roster] = []
    faults: list[str] = []
    for path in paths:
        try:
            if calendars is not None and _is_calendar(path):
                read.append(_calendar(path, estate, calendars))
            else:
                read.append(read_roster(_bytes(path), str(path), known))
        except FileErrors as errors:
            faults += [str(fault) for fault in errors.faults]
    if faults:
        raise Fault(_lines(faults))
    return read


def _is_calendar(path: Path) -> bool:
    return path.suffix.lower() in (".ics", ".ical")


def _is_roster(path: Path) -> bool:
    return path.suffix.lower() == ".csv" or _is_calendar(path)


def _calendar(path: Path, estate: Estate, calendars: Calendars) -> Roster:
    # Here and not above: the calendar libraries take longer to load than most estates.
    from care.ical import read_calendar

    last = last_date(calendars.now)
    return read_calendar(_bytes(path), str(path), estate, calendars.package, calendars.now, last)


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise Fault(f"{path}: larger than {_MAX_BYTES // 1024 // 1024} MiB")
        return path.read_bytes()
    except OSError as error:
        raise Fault(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None


def _outcome(loading: Loading, dry_run: bool) -> str:
    if not loading.changes_anything:
        return "nothing to change"
    return "dry run: nothing was written" if dry_run else "loaded"


def show(loading: Loading, console: Console) -> None:
    """What would change: a table on a terminal, plain lines elsewhere."""
    _print_some(console, "warning", loading.warnings)
    rows = list(_by_kind(loading))
    days = list(_by_date(loading))
    if console.is_terminal:
        _tables(console, rows, days)
    else:
        for kind, *counts in rows:
            console.print(f"{kind}: {_words(counts, ('added', 'changed', 'ended'))}", markup=False)
        for day, *counts in days[:SHOWN]:
            console.print(
                f"visits of {day}: {_words(counts, ('added', 'changed', 'cancelled'))}", markup=False
            )
        if len(days) > SHOWN:
            console.print(f"visits of other days: {len(days) - SHOWN} more lines", markup=False)
    _print_some(console, "notice", loading.notices)


def _by_kind(loading: Loading) -> Iterator[tuple[str, ...]]:
    for change in loading.changes.values():
        if change.touched or change.ended:
            yield change.kind, str(len(change.added)), str(len(change.changed)), str(len(change.ended))
    suspended = loading.suspensions
    if suspended.added or suspended.changed or suspended.ended:
        yield (
            "suspensions",
            *(str(len(each)) for each in (suspended.added, suspended.changed, suspended.ended)),
        )


def _by_date(loading: Loading) -> Iterator[tuple[str, ...]]:
    """Visits added, changed and cancelled for each day; days in a row with equal counts are one line."""
    outcomes = (Outcome.ADDED, Outcome.CHANGED, Outcome.CANCELLED)
    days = loading.by_date()
    numbered = enumerate(days)
    # Of days in a row, the date less its place in the list is the same.
    alike = groupby(numbered, key=lambda each: (each[1].toordinal() - each[0], *days[each[1]].items()))
    for _, group in alike:
        dates = [day for _, day in group]
        when = f"{dates[0]} to {dates[-1]}, each day" if len(dates) > 1 else str(dates[0])
        yield when, *(str(days[dates[0]][each]) for each in outcomes)


Rows = Sequence[tuple[str, ...]]


def _tables(console: Console, rows: Rows, days: Rows) -> None:
    for title, last, lines in (("", "ended", rows), ("service date", "cancelled", days)):
        if not lines:
            continue
        table = Table(title or "kind", *("added", "changed", last))
        for column in table.columns[1:]:
            column.justify = "right"
        for line in lines[:SHOWN]:
            table.add_row(*line)
        console.print(table)
        if len(lines) > SHOWN:
            console.print(f"and {len(lines) - SHOWN} more lines")


def _words(counts: list[str], names: tuple[str, ...]) -> str:
    return ", ".join(f"{count} {name}" for count, name in zip(counts, names, strict=True) if count != "0")


def _print_some(console: Console, sort: str, lines: tuple[str, ...]) -> None:
    for line in lines[:SHOWN]:
        console.print(f"{sort}: {line}", markup=False)
    if len(lines) > SHOWN:
        console.print(f"{sort}: and {len(lines) - SHOWN} more", markup=False)


def _lines(faults: Iterable[str]) -> str:
    found = list(faults)
    more = [f"and {len(found) - SHOWN} more faults"] if len(found) > SHOWN else []
    return "\n".join([*found[:SHOWN], *more])
