"""`threshold sim SCENARIO …`: simulated homes of an estate play scenarios against any broker."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from app.beside import beside
from app.clock import system_clock
from app.errors import Fault
from app.homes import cast, upcoming_visits
from app.logs import configure_logs
from app.settings import LogSettings, load_settings
from app.simulate_options import BrokerUrl, CaFile, LedgerFile, Passwords, Rosters
from care.errors import FileErrors
from care.estate import read_estate
from care.model import Estate, RosterRow
from care.roster import Known, read_roster
from device_sim.clock import RealClock
from device_sim.ledger import Ledger
from device_sim.play import Done, run_scenario, schedule
from device_sim.scenario import Outcome, Scenario, load_scenario, names
from device_sim.spec import HomeSpec
from device_sim.wire import Broker, broker_from_url

CONNECT_WITHIN = 10.0
"""Seconds in which a home must reach the broker, or the command says that it cannot."""

RECEIPTS_WITHIN = 60.0
"""Seconds after the last step in which every event must have its receipt."""


@dataclass(frozen=True, slots=True)
class Performance:
    """One scenario and the homes that play it, by role."""

    scenario: Scenario
    homes: Mapping[str, HomeSpec]


def simulate(
    context: typer.Context,
    scenarios: Annotated[
        list[str] | None, typer.Argument(help="Names of scenarios, or paths of .yaml files with one.")
    ] = None,
    listing: Annotated[
        bool, typer.Option("--list", help="Print the scenarios, a line each, and end.")
    ] = False,
    broker: BrokerUrl = None,
    estate: Annotated[Path | None, typer.Option(help="The estate file whose homes are played.")] = None,
    roster: Rosters = None,
    home: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HUB=ROLE", help="Which home plays a role; with several scenarios SCENARIO.ROLE."
        ),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.001, help="How many times shorter the times between steps are.")
    ] = 1.0,
    passwords: Passwords = None,
    ca_file: CaFile = None,
    ledger: LedgerFile = None,
) -> None:
    """Plays scenarios in simulated homes, and says for each what must come out of it."""
    if listing:
        for name in names():
            typer.echo(f"{name:20} {load_scenario(name).title}")
        return
    if not scenarios:
        raise typer.BadParameter("name a scenario; --list prints them", param_hint="SCENARIO")
    plays = [_scenario(name) for name in dict.fromkeys(scenarios)]
    if estate is None:
        raise typer.BadParameter("name the estate file whose homes are played", param_hint="--estate")
    chosen = _chosen(home or [], plays)
    settings = load_settings(context.obj)
    configure_logs(LogSettings(level="warning", format=settings.log.format))
    where = broker_named(broker or settings.broker, settings.mqtt.root, ca_file)
    known, rows = estate_in(estate, roster or [])
    performances = _cast(plays, known, rows, chosen, passwords_in(passwords))
    try:
        book = None if ledger is None else Ledger(ledger)
    except OSError as error:
        raise Fault(f"{ledger}: {error.strerror}") from None
    try:
        asyncio.run(_perform(performances, where, speed, book))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    finally:
        if book is not None:
            book.close()


async def _perform(
    performances: list[Performance], broker: Broker, speed: float, ledger: Ledger | None
) -> None:
    clock = RealClock(system_clock)
    begin = clock.now()
    for performance in performances:
        try:
            timed = schedule(performance.scenario, performance.homes, begin=begin, speed=speed)
        except ValueError as error:
            raise Fault(str(error)) from None
        cast_list = ", ".join(f"{spec.hub} as {role}" for role, spec in performance.homes.items())
        last = timed[-1][0] if timed else begin
        typer.echo(f"{performance.scenario.name}: {cast_list}; from now until {last:%Y-%m-%d %H:%M:%S} UTC")
    results = await asyncio.gather(
        *(_play(performance, broker, clock, speed, ledger) for performance in performances),
        return_exceptions=True,
    )
    faults = [
        f"{each.scenario.name}: {broker}: {result}"
        for each, result in zip(performances, results, strict=True)
        if isinstance(result, (TimeoutError, ValueError))
    ]
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, (TimeoutError, ValueError)):
            raise result
    if faults:
        raise Fault("\n".join(faults))


async def _play(
    performance: Performance, broker: Broker, clock: RealClock, speed: float, ledger: Ledger | None
) -> None:
    scenario = performance.scenario
    done = await run_scenario(
        scenario,
        performance.homes,
        broker,
        clock,
        speed=speed,
        ledger=ledger,
        connect_within=CONNECT_WITHIN,
        receipts_within=RECEIPTS_WITHIN,
        on_step=lambda step: typer.echo(_line(scenario.name, step)),
    )
    events = sum(len(step.events) for step in done)
    typer.echo(f"{scenario.name}: played, {events} events, all with a receipt; what must come out:")
    for outcome in scenario.must_come_out:
        typer.echo(f"  {_expected(outcome, performance.homes[outcome.home].hub)}")


def _scenario(name: str) -> Scenario:
    try:
        return load_scenario(name)
    except ValueError as error:
        if name.endswith((".yaml", ".yml")):
            raise Fault(str(error)) from None
        raise typer.BadParameter(str(error), param_hint="SCENARIO") from None


def _chosen(pairs: list[str], plays: list[Scenario]) -> dict[str, dict[str, str]]:
    """HUB=ROLE or HUB=SCENARIO.ROLE, by scenario and role."""
    chosen: dict[str, dict[str, str]] = {scenario.name: {} for scenario in plays}
    for pair in pairs:
        hub, equals, told = pair.partition("=")
        scenario, dot, role = told.rpartition(".")
        if not dot and len(plays) == 1:
            scenario = plays[0].name
        if not hub or not equals or not role:
            raise typer.BadParameter(f"{pair!r} is not HUB=ROLE", param_hint="--home")
        if scenario not in chosen:
            raise typer.BadParameter(f"{pair!r}: say which scenario, HUB=SCENARIO.ROLE", param_hint="--home")
        if any(hub in roles.values() for roles in chosen.values()):
            raise typer.BadParameter(f"{hub} cannot play two roles at once", param_hint="--home")
        chosen[scenario][role] = hub
    return chosen


def broker_named(
    url: str,
    root: str,
    ca_file: Path | None,
    cert_file: Path | None = None,
    key_file: Path | None = None,
) -> Broker:
    """The broker of an option or a setting; one that is none ends the command."""
    try:
        return broker_from_url(url, root=root, ca_file=ca_file, cert_file=cert_file, key_file=key_file)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--broker") from None
    except OSError as error:
        files = " or ".join(str(file) for file in (ca_file, cert_file, key_file) if file is not None)
        raise Fault(f"{files}: {error.strerror or error}") from None


def estate_in(path: Path, rosters: list[Path]) -> tuple[Estate, dict[str, RosterRow]]:
    """An estate and the rows of its rosters; a fault in either ends the command."""
    try:
        estate = read_estate(_read(path), str(path), beside(path))
        rows: dict[str, RosterRow] = {}
        for roster in rosters:
            read = read_roster(_read(roster), str(roster), Known.of(estate))
            rows |= {row.visit_ref: row for row in read.rows}
    except FileErrors as error:
        raise Fault(str(error)) from None
    return estate, rows


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Fault(f"{path}: {error.strerror}") from None


def passwords_in(path: Path | None) -> dict[str, str]:
    """Passwords of a file with lines HUB:PASSWORD; empty ones and those beginning with # do not count."""
    found: dict[str, str] = {}
    if path is None:
        return found
    for number, line in enumerate(_read(path).decode("utf-8", "replace").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        hub, colon, password = line.strip().partition(":")
        if not colon or not hub or not password:
            raise Fault(f"{path}:{number}: not HUB:PASSWORD")
        found[hub] = password
    return found


def _cast(
    plays: list[Scenario],
    estate: Estate,
    rows: Mapping[str, RosterRow],
    chosen: Mapping[str, Mapping[str, str]],
    passwords: Mapping[str, str],
) -> list[Performance]:
    visits = list(upcoming_visits(estate, rows, system_clock()))
    taken = frozenset(hub for roles in chosen.values() for hub in roles.values())
    performances = []
    for scenario in plays:
        own = chosen[scenario.name]
        try:
            homes = cast(scenario, estate, visits, chosen=own, taken=taken, passwords=passwords)
        except ValueError as error:
            raise Fault(str(error)) from None
        taken |= {spec.hub for spec in homes.values()}
        performances.append(Performance(scenario, homes))
    return performances


def _line(name: str, done: Done) -> str:
    told = " ".join(f"{key}={_masked(value)}" for key, value in done.step.arguments.items())
    return f"{done.at:%H:%M:%S} {name}: {done.hub} {done.step.does} {told}".rstrip()


def _masked(value: object) -> object:
    """A PIN opens doors: it is not printed."""
    return "pin:…" if isinstance(value, str) and value.startswith("pin:") else value


def _expected(outcome: Outcome, hub: str) -> str:
    if outcome.alert is not None:
        owes = f", owed an answer by {' and '.join(outcome.duties)}" if outcome.duties else ""
        return f"{hub}: alert {outcome.alert}{owes}{', stood down in the end' if outcome.stood_down else ''}"
    attendance = f", {outcome.attendance}" if outcome.attendance else ""
    return f"{hub}: the visit is {outcome.visit}{attendance}"
