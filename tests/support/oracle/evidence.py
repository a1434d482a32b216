"""What an event says about a visit, and the sessions it makes (domain/visits.md §3, §4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.support.oracle.model import Line, World
from tests.support.oracle.plan import Visit

CARER = ("carer.arrived", "carer.departed")
DOOR_WEAK = ("door.opened", "door.closed", "door.call", "door.released")


@dataclass
class Session:
    """One carer's stay at one dwelling; `carer` None is the unnamed one."""

    carer: str | None
    start: datetime | None
    end: datetime | None
    latest_arrival: datetime | None
    strong: bool
    made: int = field(default=0)

    @property
    def placed(self) -> datetime:
        """By its start, else by its end."""
        moment = self.start if self.start is not None else self.end
        assert moment is not None
        return moment

    @property
    def length(self) -> timedelta | None:
        """How long it was, where both ends are known."""
        if self.start is None or self.end is None:
            return None
        return self.end - self.start


def own_hubs(world: World, dwelling: str) -> list[str]:
    """The hubs in a dwelling."""
    return [hub.id for hub in world.hubs.values() if hub.dwelling == dwelling]


def scope_of(world: World, line: Line) -> str:
    """`dwelling` or `communal`: the event's own word, else the estate's, else where the hub stands."""
    assert line.event is not None
    hub = world.hubs[line.hub]
    data = line.event.get("data", {})
    if data.get("scope"):
        return str(data["scope"])
    for name in (data.get("panel"), line.event.get("device")):
        if name in hub.scopes:
            return hub.scopes[name]
    return "dwelling" if hub.dwelling else "communal"


def behind(world: World, line: Line) -> set[str]:
    """The dwellings behind a shared door: those of its scheme, or in none the one whose hub it is."""
    hub = world.hubs[line.hub]
    scheme = hub.scheme if hub.dwelling is None else world.dwellings[hub.dwelling].scheme
    if scheme is None:
        return {hub.dwelling} if hub.dwelling is not None else set()
    return {home.id for home in world.dwellings.values() if home.scheme == scheme}


def expecting(world: World, visits: list[Visit], line: Line, provider: str) -> set[str]:
    """The dwellings behind a shared door where the provider has a visit around an event."""
    assert line.effective is not None
    homes, found = behind(world, line), set()
    for visit in visits:
        if visit.provider != provider or not visit.planned or visit.dwelling not in homes:
            continue
        if own_hubs(world, visit.dwelling):
            around = visit.counts_from <= line.effective <= visit.missed_at
        else:
            around = visit.counts_from <= line.effective < visit.latest
        if around:
            found.add(visit.dwelling)
    return found


def strength(world: World, visits: list[Visit], line: Line, dwelling: str, provider: str) -> str:
    """How strongly an event speaks for visits of a provider at a dwelling: the table read from the top."""
    if line.event is None or line.hub not in world.hubs:
        return "none"
    kind = line.event["type"]
    data = line.event.get("data", {})
    credential = data.get("credential")
    carer = world.credentials.get(credential) if credential else None
    ours = carer is not None and world.carers[carer] == provider
    at_home = world.hubs[line.hub].dwelling == dwelling

    if carer is not None and not ours:
        return "none"
    if kind in CARER:
        if not at_home:
            return "none"
        if ours:
            return "strong"
        if not credential and data.get("method") == "button":
            return "medium"
        return "weak"
    if kind != "door.granted" and kind not in DOOR_WEAK:
        return "none"
    if scope_of(world, line) == "communal":
        if not ours or dwelling not in behind(world, line):
            return "none"
        if kind == "door.granted" and expecting(world, visits, line, provider) == {dwelling}:
            return "medium"
        return "weak"
    if not at_home:
        return "none"
    return "strong" if kind == "door.granted" and ours else "weak"


def in_order(lines: list[Line]) -> list[Line]:
    """By effective time, then the device's time, then arrival."""
    return sorted(lines, key=lambda line: (line.effective, line.at, line.order))


def sessions_of_one(world: World, carer: str | None, told: list[tuple[Line, str]]) -> list[Session]:
    """The sessions of one carer from that carer's evidence in order."""
    made: list[Session] = []
    last_word = ""
    for line, weight in told:
        assert line.event is not None
        assert line.effective is not None
        now = line.effective
        current = made[-1] if made else None
        if line.event["type"] != "carer.departed":
            same = (
                current is not None
                and last_word == "arrival"
                and current.latest_arrival is not None
                and now - current.latest_arrival <= world.policy.same_session
            )
            if same and current is not None:
                current.latest_arrival = now
                current.strong = current.strong or weight == "strong"
            else:
                made.append(Session(carer, now, None, now, weight == "strong", len(made)))
            last_word = "arrival"
            continue
        ends = (
            current is not None
            and current.start is not None
            and current.end is None
            and now - current.start <= world.policy.longest_session
        )
        repeats = (
            current is not None
            and current.end is not None
            and last_word == "departure"
            and now - current.end <= world.policy.same_session
        )
        if ends and current is not None:
            current.end = now
            current.strong = current.strong or weight == "strong"
        elif repeats and current is not None:
            current.strong = current.strong or weight == "strong"
        else:
            made.append(Session(carer, None, now, None, weight == "strong", len(made)))
        last_word = "departure"
    return made


def sessions_at(world: World, visits: list[Visit], dwelling: str, by: datetime) -> list[Session]:
    """Every session at a dwelling, from what was received by a moment."""
    known = in_order([line for line in world.told if line.received_at <= by])
    made: list[Session] = []
    for carer, provider in world.carers.items():
        told = []
        for line in known:
            assert line.event is not None
            if world.credentials.get(line.event.get("data", {}).get("credential")) == carer:
                weight = strength(world, visits, line, dwelling, provider)
                if weight in ("strong", "medium"):
                    told.append((line, weight))
        made += sessions_of_one(world, carer, told)
    buttons = [
        (line, "medium")
        for line in known
        if line.event is not None
        and line.event["type"] in CARER
        and not line.event.get("data", {}).get("credential")
        and strength(world, visits, line, dwelling, "") == "medium"
    ]
    return made + sessions_of_one(world, None, buttons)


def has_weak(world: World, visits: list[Visit], visit: Visit, by: datetime) -> bool:
    """Whether weak evidence for a visit lies in its window, received by a moment."""
    return any(
        line.received_at <= by
        and line.effective is not None
        and visit.counts_from <= line.effective < visit.latest
        and strength(world, visits, line, visit.dwelling, visit.provider) == "weak"
        for line in world.told
    )
