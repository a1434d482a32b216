"""Playing a scenario: each step at its moment, in its home, and an account of what was said."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime

from device_sim.clock import Clock
from device_sim.home import Home
from device_sim.ledger import Ledger
from device_sim.scenario import Scenario, Step, arguments_for
from device_sim.spec import HomeSpec
from device_sim.wire import Broker


@dataclass(frozen=True, slots=True)
class Done:
    """One step that was taken: when it was due, when it was taken, and the events it made."""

    step: Step
    hub: str
    due: datetime
    at: datetime
    events: tuple[str, ...]


def schedule(
    scenario: Scenario, specs: Mapping[str, HomeSpec], *, begin: datetime, speed: float = 1.0
) -> list[tuple[datetime, Step]]:
    """Each step with its moment, in order; steps of one moment in the order of the file.

    Raises ValueError when a role has no home, a home cannot play its role, or the speed is not above zero.
    """
    if speed <= 0:
        raise ValueError("the speed of a scenario must be above zero")
    for role in scenario.roles:
        if role not in specs:
            raise ValueError(f"{scenario.name} needs a home for the role {role!r}")
        if (why := scenario.unfit(role, specs[role])) is not None:
            raise ValueError(why)
    for step in scenario.steps:
        arguments_for(step, specs[step.home], begin, speed)
    timed = [(step.when.at(begin, specs[step.home], speed), step) for step in scenario.steps]
    return sorted(timed, key=lambda pair: pair[0])


async def play(
    scenario: Scenario,
    homes: Mapping[str, Home],
    clock: Clock,
    *,
    begin: datetime | None = None,
    speed: float = 1.0,
    on_step: Callable[[Done], None] | None = None,
) -> list[Done]:
    """Play a scenario in homes that are switched on, by role. Returns when the last step is taken.

    `begin` is now when left out. A step whose moment has passed is taken at once: whoever wants a visit
    played from its beginning begins before it. Raises ValueError as `schedule` does, before any step.
    """
    start = clock.now() if begin is None else begin
    specs = {role: home.spec for role, home in homes.items()}
    done: list[Done] = []
    for due, step in schedule(scenario, specs, begin=start, speed=speed):
        await clock.sleep((due - clock.now()).total_seconds())
        home = homes[step.home]
        said = await getattr(home, step.does)(**arguments_for(step, home.spec, start, speed))
        events = said if isinstance(said, tuple) else () if said is None else (said,)
        done.append(Done(step, home.spec.hub, due, clock.now(), events))
        if on_step is not None:
            on_step(done[-1])
    return done


async def run_scenario(
    scenario: Scenario,
    specs: Mapping[str, HomeSpec],
    broker: Broker,
    clock: Clock,
    *,
    begin: datetime | None = None,
    speed: float = 1.0,
    ledger: Ledger | None = None,
    connect_within: float = 15.0,
    receipts_within: float = 60.0,
    on_step: Callable[[Done], None] | None = None,
) -> list[Done]:
    """Switch homes on, play the scenario in them, wait for all receipts, and switch them off.

    `specs` gives each role of the scenario its home. Raises ValueError when the scenario cannot be
    played, TimeoutError when a home cannot connect or receipts are outstanding at the end.
    """
    schedule(scenario, specs, begin=clock.now() if begin is None else begin, speed=speed)
    async with AsyncExitStack() as stack:
        homes = {
            role: await stack.enter_async_context(Home(specs[role], broker, clock, ledger=ledger))
            for role in scenario.roles
        }
        for home in homes.values():
            await home.connected(connect_within)
        done = await play(scenario, homes, clock, begin=begin, speed=speed, on_step=on_step)
        for home in homes.values():
            await home.stops_heartbeats()
            await home.all_receipted(receipts_within)
    return done
