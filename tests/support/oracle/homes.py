"""The alerts that homes raise themselves: alarms, doors, faults, silent hubs (domain/alarms.md §1).

Not judged: what many units do at the same time, batteries, and windows that people open. Nobody answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.support.oracle.alerts import Alert, Duty
from tests.support.oracle.model import MICROSECOND, Line, World, times

WELFARE = (
    "inactivity", "exit", "flood", "temperature_low", "temperature_high", "bed", "chair", "medication",
)  # fmt: skip
EMPTY_HOME = ("alarm.inactivity", "alarm.exit", "alarm.bed", "alarm.chair")
FAILING = ("battery_low", "mains_failed", "sensor_missing", "tamper", "link_failed", "fault")
RESTORING = {
    "technical.battery_ok": "technical.battery_low",
    "technical.mains_restored": "technical.mains_failed",
    "technical.sensor_restored": "technical.sensor_missing",
    "technical.link_restored": "technical.link_failed",
}
LASTING = timedelta(minutes=15)
AWAY_AT_MOST = timedelta(hours=24)
LONG_SILENCE = timedelta(hours=24)
LADDERS = {
    1: ([timedelta(seconds=60), timedelta(seconds=180)], timedelta(seconds=60)),
    2: ([timedelta(minutes=3), timedelta(minutes=10)], timedelta(minutes=3)),
    3: ([timedelta(minutes=3), timedelta(minutes=10)], timedelta(minutes=3)),
    4: ([timedelta(hours=24)], timedelta(hours=24)),
}
"""Of a priority: when the steps after the first fall due, and how far apart the last one is repeated."""


def home_alerts(world: World) -> list[Alert]:
    """Every alert that is no visit's."""
    return [*called(world), *unreadable(world), *lasting(world), *silent(world)]


def priority_of(world: World, line: Line) -> int | None:
    """At once somebody's to answer: how urgent; None when it is not."""
    assert line.event is not None
    kind = line.event["type"]
    if kind.startswith("alarm."):
        if kind == "alarm.cancelled":
            return None
        return 2 if kind.removeprefix("alarm.") in WELFARE else 1
    if line.hub not in world.hubs:
        return None
    credential = line.event.get("data", {}).get("credential")
    if kind in ("door.forced", "door.held"):
        return 3
    return 3 if kind == "door.call" and credential and credential not in world.credentials else None


def called(world: World) -> Iterable[Alert]:
    """The same kind from the same device is one alert, for nobody closes it."""
    seen: set[tuple[str, str | None, str]] = set()
    for line in world.stored:
        assert line.event is not None
        priority = priority_of(world, line)
        key = (
            line.hub,
            line.event.get("device") or line.event.get("data", {}).get("panel"),
            line.event["type"],
        )
        if priority is None or key in seen:
            continue
        if line.event["type"] in EMPTY_HOME and away(world, line):
            continue
        seen.add(key)
        yield raised(world, line.event["type"], line.hub, priority, line.received_at, None)


def unreadable(world: World) -> Iterable[Alert]:
    """A message that cannot be read and looks like an alarm: one alert of the hub."""
    seen: set[str] = set()
    for line in world.lines:
        if line.like_an_alarm and line.received_at <= world.until and line.hub not in seen:
            seen.add(line.hub)
            yield raised(world, "alarm.unreadable", line.hub, 1, line.received_at, None)


def away(world: World, line: Line) -> bool:
    """Had the one who lives there alone gone, and not come back, as far as was known?"""
    hub = world.hubs.get(line.hub)
    if hub is None or hub.dwelling is None or len(people(world, line.hub)) != 1:
        return False
    said = [
        (other.effective, other.event["type"])
        for other in world.stored
        if other.order < line.order
        and other.event is not None
        and other.effective is not None
        and other.hub in world.hubs
        and world.hubs[other.hub].dwelling == hub.dwelling
    ]
    assert line.effective is not None
    for left in [at for at, kind in said if kind == "resident.away"]:
        back = [at for at, kind in said if kind == "resident.home" and left <= at < left + AWAY_AT_MOST]
        if left <= line.effective < min([*back, left + AWAY_AT_MOST]):
            return True
    return False


def lasting(world: World) -> Iterable[Alert]:
    """A fault that has been known for a quarter of an hour, until it is known to be over."""
    told: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in world.stored:
        assert line.event is not None
        kind = RESTORING.get(line.event["type"], line.event["type"])
        if line.hub in world.hubs and kind.removeprefix("technical.") in FAILING:
            told[line.hub, line.event.get("device", ""), kind].append(line)
    for (hub, _, kind), lines in told.items():
        for since, over in failing(lines, kind):
            due = since + LASTING
            if due <= world.until and (over is None or due < over):
                yield raised(world, kind, hub, 4, due, over)


def failing(lines: list[Line], kind: str) -> list[tuple[datetime, datetime | None]]:
    """From which receipt until which one the newest word of a device was that it fails."""
    spans: list[tuple[datetime, datetime | None]] = []
    standing = False
    for count, line in enumerate(lines, 1):
        failed, restored = datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
        for known in lines[:count]:
            assert known.event is not None
            assert known.effective is not None
            if known.event["type"] == kind:
                failed = max(failed, known.effective)
            else:
                restored = max(restored, known.effective)
        fails = failed > restored
        if fails and not standing:
            spans.append((line.received_at, None))
        elif standing and not fails:
            spans[-1] = (spans[-1][0], line.received_at)
        standing = fails
    return spans


def silent(world: World) -> Iterable[Alert]:
    """A hub that was heard once and is overdue, until it is heard again; a last will is no word."""
    for hub in world.hubs.values():
        patience = times(world.policy.silence_factor, hub.heartbeat_every)
        overdue = int(patience) * MICROSECOND
        heard = [
            line.received_at
            for line in world.lines
            if line.hub == hub.id and not line.will and line.received_at <= world.until
        ]
        later: list[datetime | None] = [*heard[1:], None]
        for last, again in zip(heard, later, strict=False):
            end = world.until if again is None else again
            if end - last > overdue:
                found = raised(world, "hub.silent", hub.id, 4, last + overdue, again)
                welfare = max(last + overdue, last + LONG_SILENCE)
                anew = tuple(ladder(2, welfare, again, world.until))
                if anew:  # a matter of welfare: the duty begins again, on that ladder
                    early = [[step for step in duty.step_at if step < welfare] for duty in found.duties]
                    both = zip(found.duties, early, strict=True)
                    duties = tuple(replace(duty, step_at=(*steps, *anew)) for duty, steps in both)
                    found = replace(found, duties=duties)
                yield found


def people(world: World, hub: str) -> list[str]:
    """Who lives where a hub is; of a scheme's hub all who live in the scheme."""
    place = world.hubs.get(hub)
    if place is None:
        return []
    return [
        resident.id
        for resident in world.residents.values()
        if (place.dwelling is not None and resident.dwelling == place.dwelling)
        or (place.dwelling is None and world.dwellings[resident.dwelling].scheme == place.scheme)
    ]


def raised(world: World, kind: str, hub: str, priority: int, at: datetime, over: datetime | None) -> Alert:
    """An alert with the duties of those people's centres, or of every centre where there is none."""
    there = people(world, hub)
    centres = {world.residents[name].centre for name in there} - {None} or set(world.centres)
    known = world.hubs.get(hub)
    alone = there[0] if known is not None and known.dwelling is not None and len(there) == 1 else None
    steps = tuple(ladder(priority, at, over, world.until))
    owed = tuple(Duty(name, "monitoring_centre", steps) for name in sorted(map(str, centres)))
    return Alert(kind, None, alone, at, over, owed, hub)


def ladder(priority: int, at: datetime, over: datetime | None, until: datetime) -> Iterable[datetime]:
    """Each step that falls due while nobody answers."""
    later, every = LADDERS[priority]
    due, after = at, iter(later)
    last = at
    while due <= until and (over is None or due < over):
        yield due
        last = due
        step = next(after, None)
        due = at + step if step is not None else last + every
