"""From what happened to what the homes say: events at carers' arrivals, at doors, and calls for help."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from device_sim.behaviour import Action
from device_sim.spec import PRESS_OF_KIND
from device_sim.world.chance import Chance
from device_sim.world.magnitudes import Magnitudes
from device_sim.world.people import DEVICES, Person, wall
from device_sim.world.rounds import Made
from device_sim.world.truth import Attended, CallFact

PANEL = "panel-1"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that a home says when it happens. `visit` and `counts`: see `truth.SaidFact`."""

    at: datetime
    hub: str
    type: str
    device: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    visit: str | None = None
    counts: bool = False

    def action(self) -> Action:
        """The same as a verb for a living home."""
        told = {"type": self.type, "device": self.device, "data": self.data}
        return Action(self.at, self.hub, "reports", told)


def at_visit(made: Made, credentials: dict[str, str], seed: int, sizes: Magnitudes) -> Iterator[Happening]:
    """What carers leave behind at the door and at the unit, by what each has to hand."""
    for place, came in enumerate(made.attended):
        chance = Chance(seed, "traces", made.due.ref, place)
        shows, opens = chance.happens(sizes.shows_at_door), timedelta(seconds=chance.whole((20, 60)))
        yield from _traces(made, came, credentials[came.carer], shows, opens)


def _traces(
    made: Made, came: Attended, credential: str, shows: bool, opens: timedelta
) -> Iterator[Happening]:
    hub, ref, panel = made.due.person.hub, made.due.ref, {"panel": PANEL}
    at_unit, at_door = came.arrived, came.arrived - opens
    if came.logged == "fob" and shows:
        # Shown at the reader, the fob says already at the door that its carer has come.
        at_unit, at_door = came.arrived + opens, came.arrived
        shown = {"credential": credential, "method": "fob", "scope": "dwelling"}
        yield Happening(at_door, hub, "door.granted", PANEL, panel | shown, ref, counts=True)
    elif came.logged != "fob":
        yield Happening(at_door, hub, "door.call", PANEL, panel, ref)
    yield Happening(at_door + timedelta(seconds=5), hub, "door.opened", PANEL, panel, ref)
    if came.logged == "nothing":
        return
    told: dict[str, Any] = {"method": came.logged}
    if came.logged != "button":
        told["credential"] = credential
    yield Happening(at_unit, hub, "carer.arrived", None, told, ref, counts=True)
    if came.departure_logged:
        yield Happening(came.departed, hub, "carer.departed", None, told, ref, counts=True)


def own_day(
    person: Person, day: date, seed: int, sizes: Magnitudes
) -> tuple[list[Happening], list[CallFact]]:
    """What resident and visitors do on a day: doors, and calls for help. Nothing while nobody is at home."""
    chance = Chance(seed, "day", person.number, day.isoformat())
    said: list[Happening] = []
    calls: list[CallFact] = []
    for _ in range(chance.whole(sizes.door_uses)):
        opened, open_for = _waking(day, chance), timedelta(seconds=chance.whole((5, 40)))
        if not person.is_away(opened):
            panel = {"panel": PANEL}
            said.append(Happening(opened, person.hub, "door.opened", PANEL, panel))
            said.append(Happening(opened + open_for, person.hub, "door.closed", PANEL, panel))
    for number in range(2):
        # Two draws of half the chance each: a day with two calls happens, more are too rare to matter.
        call = _call(person, day, Chance(seed, "call", person.number, day.isoformat(), number), sizes)
        if call is not None and not person.is_away(call.at):
            calls.append(call)
            said.extend(_presses(call))
    return said, calls


def _call(person: Person, day: date, chance: Chance, sizes: Magnitudes) -> CallFact | None:
    happens, kind = chance.happens(sizes.calls_a_year / 365 / 2), chance.pick(sizes.call_kinds)
    at = wall(day, time(0)) + timedelta(seconds=chance.whole((0, 86_399)))
    again, times = chance.happens(sizes.pressed_again), chance.whole((2, 10))
    cancelled = chance.happens(sizes.pressed_cancelled)
    need = chance.pick(
        (
            ("visit", sizes.calls_needing_a_visit),
            ("999", sizes.calls_needing_999),
            ("reassurance", 1 - sizes.calls_needing_a_visit - sizes.calls_needing_999),
        )
    )
    device = next(each.id for each in DEVICES if each.kind == kind)
    if not happens:
        return None
    cancelled = cancelled and need == "reassurance"
    return CallFact(person.hub, device, PRESS_OF_KIND[kind], at, times if again else 1, cancelled, need)


def _presses(call: CallFact) -> Iterator[Happening]:
    for number in range(call.presses):
        yield Happening(call.at + timedelta(seconds=3 * number), call.hub, call.type, call.device)
    if call.cancelled:
        yield Happening(call.at + timedelta(seconds=50), call.hub, "alarm.cancelled", call.device)


def _waking(day: date, chance: Chance) -> datetime:
    return wall(day, time(7)) + timedelta(seconds=chance.whole((0, 15 * 3600)))
