"""A scenario: a short readable file that says what happens in which home, and what must come out."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import yaml

from device_sim.home import Home
from device_sim.spec import HomeSpec

VERBS = frozenset(
    {
        "answers",
        "arrives",
        "cancels",
        "closes_door",
        "comes_back",
        "departs",
        "goes_away",
        "goes_offline",
        "has_mains_again",
        "heartbeats",
        "is_denied",
        "is_home_again",
        "loses_mains",
        "opens_door",
        "presses",
        "reboots",
        "reports",
        "rings",
        "shows",
        "stops_heartbeats",
        "taps",
        "test_presses",
    }
)
"""What a home may be told to do by a file: a list, so that a file cannot call anything else."""

_WHEN = re.compile(r"\s*(begin|visit|visit_end)\s*(?:([+-])\s*(P\S+))?\s*")


class Anchor(StrEnum):
    """What a step's time is told from."""

    BEGIN = "begin"
    VISIT = "visit"
    VISIT_END = "visit_end"


@dataclass(frozen=True, slots=True)
class When:
    """A moment of a scenario, such as `visit + PT3M`."""

    anchor: Anchor
    offset: timedelta

    def at(self, begin: datetime, spec: HomeSpec, speed: float) -> datetime:
        """The moment itself. `speed` shortens the offset, never the anchor.

        Raises ValueError when it is told from a visit and the home has none.
        """
        if self.anchor is Anchor.BEGIN:
            return begin + self.offset / speed
        if spec.visit is None:
            raise ValueError(f"{spec.hub} plays a home with a visit, and no visit was given for it")
        anchor = spec.visit.start if self.anchor is Anchor.VISIT else spec.visit.end
        return anchor + self.offset / speed


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens. `arguments` name roles (`carer`), kinds or ids of devices, or plain values."""

    when: When
    home: str
    does: str
    arguments: dict[str, Any]
    happened: When | None = None
    """When the home says it happened, where that is not when it is said."""


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One thing that must come out: an alert (with who owes an answer), or the state of a visit."""

    home: str = "home"
    alert: str | None = None
    duties: tuple[str, ...] = ()
    stood_down: bool = False
    visit: str | None = None
    attendance: str | None = None


class RoleNeeds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a home must have to play a role: kinds of devices, carer roles, a planned visit.

    `suspended`: of a resident who is away then. `planned`: for this wall time, such as `2026-03-29 01:30`.
    """

    devices: tuple[str, ...] = ()
    carers: tuple[str, ...] = ()
    visit: bool = False
    suspended: bool = False
    planned: str | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story for one home or more. `title` is a line, `shows` says more; steps in the file's order."""

    name: str
    title: str
    shows: str
    roles: dict[str, RoleNeeds]
    steps: tuple[Step, ...]
    must_come_out: tuple[Outcome, ...]

    def unfit(self, role: str, spec: HomeSpec) -> str | None:
        """Why a home cannot play a role, or None when it can."""
        needs = self.roles[role]
        kinds = {device.kind for device in spec.devices} | {device.id for device in spec.devices}
        for kind in needs.devices:
            if kind not in kinds:
                return f"{spec.hub} cannot play {role!r} in {self.name}: it has no {kind}"
        for carer in needs.carers:
            if carer not in spec.carers:
                return f"{spec.hub} cannot play {role!r} in {self.name}: it knows no credential for {carer!r}"
        if needs.visit and (why := _unfit_visit(needs, spec)) is not None:
            return f"{spec.hub} cannot play {role!r} in {self.name}: {why}"
        return None


def _unfit_visit(needs: RoleNeeds, spec: HomeSpec) -> str | None:
    if spec.visit is None:
        return "it has no visit planned"
    if needs.planned is not None and spec.visit.wall != needs.planned:
        return f"it has no visit planned for {needs.planned}"
    if needs.suspended and not spec.visit.suspended:
        return "its next visit is not suspended"
    if spec.visit.suspended and not needs.suspended:
        return "its next visit is suspended"
    return None


class _StepFile(msgspec.Struct, frozen=True):
    when: str
    does: str
    home: str = "home"
    happened: str | None = None


class _ScenarioFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    shows: str
    roles: dict[str, RoleNeeds]
    steps: list[dict[str, Any]]
    must_come_out: tuple[Outcome, ...] = ()


def parse_when(text: str) -> When:
    """`begin`, `visit` or `visit_end`, and perhaps a duration added or taken off. Raises ValueError."""
    found = _WHEN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a moment such as 'begin', 'visit + PT3M' or 'visit_end - PT1M'")
    anchor, sign, duration = found.groups()
    if duration is None:
        return When(Anchor(anchor), timedelta(0))
    offset = _duration(duration)
    return When(Anchor(anchor), -offset if sign == "-" else offset)


def parse_scenario(name: str, text: str) -> Scenario:
    """The scenario that a file's text describes. Raises ValueError: one sentence with the place."""
    try:
        raw = yaml.safe_load(text)
        file = msgspec.convert(raw, _ScenarioFile)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" line {mark.line + 1}:" if mark is not None else ""
        raise ValueError(f"scenario {name}:{place} {getattr(error, 'problem', None) or error}") from None
    except msgspec.ValidationError as error:
        raise ValueError(f"scenario {name}: {error}") from None
    steps = []
    for number, step in enumerate(file.steps, start=1):
        try:
            steps.append(_step(step, file.roles))
        except (ValueError, msgspec.ValidationError) as error:
            raise ValueError(f"scenario {name}: step {number}: {error}") from None
    for outcome in file.must_come_out:
        if outcome.home not in file.roles:
            raise ValueError(f"scenario {name}: must_come_out speaks of no known role: {outcome.home!r}")
    shows = " ".join(file.shows.split())
    return Scenario(name, file.title, shows, file.roles, tuple(steps), file.must_come_out)


def load_scenario(name_or_path: str) -> Scenario:
    """A scenario that comes with the program, by name, or any other by the path of its `.yaml` file.

    Raises ValueError when there is none or it is not well-formed.
    """
    if name_or_path.endswith((".yaml", ".yml")):
        path = Path(name_or_path)
        try:
            return parse_scenario(path.stem, path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(
                f"scenario {name_or_path}: {getattr(error, 'strerror', None) or error}"
            ) from None
    if name_or_path not in names():
        raise ValueError(f"there is no scenario {name_or_path!r}; there are: {', '.join(names())}")
    file = resources.files("device_sim") / "scenarios" / f"{name_or_path}.yaml"
    return parse_scenario(name_or_path, file.read_text(encoding="utf-8"))


def names() -> tuple[str, ...]:
    """The scenarios that come with the program, by name, in order of the alphabet."""
    files = (resources.files("device_sim") / "scenarios").iterdir()
    return tuple(sorted(file.name[: -len(".yaml")] for file in files if file.name.endswith(".yaml")))


def arguments_for(step: Step, spec: HomeSpec, begin: datetime, speed: float) -> dict[str, Any]:
    """A step's arguments as the verb of `Home` takes them. Raises ValueError when a role has nobody."""
    arguments = dict(step.arguments)
    if isinstance(arguments.get("credential"), str):
        arguments["credential"] = spec.credential(arguments["credential"])
    for place in ("device", "panel"):
        if isinstance(arguments.get(place), str):
            arguments[place] = spec.device(arguments[place]).id
    if "every" in arguments:
        arguments["every"] = _duration(arguments["every"]) / speed
    if step.happened is not None:
        arguments["happened"] = step.happened.at(begin, spec, speed)
    return arguments


def _step(raw: Mapping[str, Any], roles: Mapping[str, RoleNeeds]) -> Step:
    head = msgspec.convert(raw, _StepFile)
    arguments = {key: value for key, value in raw.items() if key not in _StepFile.__struct_fields__}
    if head.home not in roles:
        raise ValueError(f"no role is called {head.home!r}; there are: {', '.join(roles)}")
    if head.does not in VERBS:
        raise ValueError(f"a home cannot do {head.does!r}; it can: {', '.join(sorted(VERBS))}")
    if "every" in arguments:
        _duration(arguments["every"])
    told = arguments | ({"happened": None} if head.happened is not None else {})
    try:
        inspect.signature(getattr(Home, head.does)).bind(None, **told)
    except TypeError as error:
        raise ValueError(f"{head.does}: {error}") from None
    happened = None if head.happened is None else parse_when(head.happened)
    return Step(parse_when(head.when), head.home, head.does, arguments, happened)


def _duration(text: object) -> timedelta:
    try:
        return msgspec.convert(text, timedelta)
    except msgspec.ValidationError:
        raise ValueError(f"{text!r} is not a duration such as PT30M") from None
