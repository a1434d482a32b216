"""Could the home speak, and has it said everything (domain/visits.md §6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from tests.support.oracle.evidence import own_hubs
from tests.support.oracle.model import MICROSECOND, Hub, Line, World, times
from tests.support.oracle.plan import Visit


def hubs_that_matter(world: World, dwelling: str) -> list[Hub]:
    """The dwelling's own hubs; only where there is none, the scheme's with a communal panel."""
    own = own_hubs(world, dwelling)
    if own:
        return [world.hubs[name] for name in own]
    scheme = world.dwellings[dwelling].scheme
    return [
        hub
        for hub in world.hubs.values()
        if scheme is not None and hub.scheme == scheme and "communal" in hub.scopes.values()
    ]


def messages(world: World, hub: Hub, by: datetime) -> list[Line]:
    """What came from a hub by a moment, wills too, in order of arrival."""
    return [line for line in world.lines if line.hub == hub.id and line.received_at <= by]


def silent_after(world: World, hub: Hub, came: list[Line], now: Fraction | int) -> bool:
    """Whether a hub is silent at a moment (microseconds) when only these messages have come."""
    heard = [line for line in came if not line.will]
    if not heard:
        return True
    last = heard[-1]
    if any(line.will and line.order > last.order for line in came):
        return True
    return now - micro(last.received_at) > times(world.policy.silence_factor, hub.heartbeat_every)


EPOCH = datetime.fromisoformat("2020-01-01T00:00:00+00:00")


def micro(moment: datetime) -> int:
    """A moment as a whole number of microseconds."""
    return (moment - EPOCH) // MICROSECOND


def silent_at(world: World, hub: Hub, moment: datetime) -> bool:
    """Whether a hub is silent at a moment."""
    return silent_after(world, hub, messages(world, hub, moment), micro(moment))


def silence_within(world: World, hub: Hub, since: datetime, until: datetime) -> Fraction:
    """For how many microseconds of a window a hub was silent."""
    patience = times(world.policy.silence_factor, hub.heartbeat_every)
    came = messages(world, hub, until)
    low, high = micro(since), micro(until)
    marks: set[Fraction] = {Fraction(low), Fraction(high)}
    for line in came:
        marks |= {Fraction(micro(line.received_at)), micro(line.received_at) + patience}
    cuts = sorted(mark for mark in marks if low <= mark <= high)
    total = Fraction(0)
    for left, right in pairwise(cuts):
        middle = (left + right) / 2
        if silent_after(world, hub, [line for line in came if micro(line.received_at) <= middle], middle):
            total += right - left
    return total


def fresh_queues(world: World, hub: Hub, by: datetime) -> list[tuple[datetime, int]]:
    """When each fresh heartbeat that speaks of its queue came, and what it said, in order of arrival."""
    return [
        (line.received_at, line.event["data"]["queued"])
        for line in world.stored
        if line.hub == hub.id
        and line.received_at <= by
        and line.event is not None
        and line.event["type"] == "heartbeat"
        and "queued" in line.event.get("data", {})
        and line.effective is not None
        and line.received_at - line.effective <= hub.heartbeat_every
    ]


def could_not_speak(world: World, visit: Visit) -> bool:
    """Whether the absence of evidence says nothing, as it stood when the visit was missed."""
    hubs = hubs_that_matter(world, visit.dwelling)
    since = visit.counts_from
    if visit.tier == "flexible":
        since = max(since, visit.missed_at - timedelta(hours=4))
    window = visit.missed_at - since
    for hub in hubs:
        if silence_within(world, hub, since, visit.missed_at) > times(world.policy.silent_share, window):
            return True
        if silent_at(world, hub, visit.missed_at):
            return True
        queues = fresh_queues(world, hub, visit.missed_at)
        if queues and queues[-1][1] > 0:
            return True
    return not hubs


def silence_ends(world: World, hub: Hub, by: datetime) -> list[datetime]:
    """Every receipt by a moment that ended a silence of a hub."""
    came = messages(world, hub, by)
    return [
        line.received_at
        for index, line in enumerate(came)
        if not line.will and silent_after(world, hub, came[:index], micro(line.received_at))
    ]


def said_everything(world: World, hub: Hub, moment: datetime) -> bool:
    """Whether a hub that was silent has caught up by a moment."""
    if silent_at(world, hub, moment):
        return False
    queues = fresh_queues(world, hub, moment)
    if queues and queues[-1][1] > 0:
        return False
    ended = silence_ends(world, hub, moment)[-1]
    emptied = any(came >= ended and queued == 0 for came, queued in queues)
    return emptied or moment >= ended + world.policy.heard_again


def when_all_was_said(world: World, visit: Visit) -> datetime | None:
    """The first moment, not before `missed_at`, at which every hub that matters has said everything."""
    hubs = hubs_that_matter(world, visit.dwelling)
    if not hubs:
        return None
    moments = {visit.missed_at}
    for hub in hubs:
        moments |= {line.received_at for line in messages(world, hub, world.until)}
        moments |= {ended + world.policy.heard_again for ended in silence_ends(world, hub, world.until)}
    for moment in sorted(moments):
        if visit.missed_at <= moment <= world.until and all(
            said_everything(world, hub, moment) for hub in hubs
        ):
            return moment
    return None
