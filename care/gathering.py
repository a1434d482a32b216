"""Everything that the rules need to know of residents' homes, read for many at once.

A batch costs a fixed number of statements, however many homes are in it, and each reads by index a stretch of
days around the visits in question: what it costs does not grow with history.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from care.claim import Wanted
from care.doors import NO_DOORS
from care.estate_store import Q, device_of, grouped
from care.hearing_store import hearings_of
from care.household import Household
from care.lent_doors import lent_door
from care.liveness import hubs_that_matter
from care.model import (
    Carer,
    Hearing,
    HomeEvent,
    Hub,
    Interval,
    ManualWord,
    Scope,
)
from care.neighbours import Place, doors_of
from care.policy import Policy
from care.sketch import Sketch, reach, sketch_homes
from care.turns import in_turns
from care.walltime import DAY
from care.windows import Window, evidence_reach
from db.pool import Connection, fetch_all, fetch_tuples

_QUIET = timedelta(days=7)
"""How long before a window our own outages are looked at: a hub that seldom speaks may have been quiet since,
and its silence counts from our return."""


class Home(Struct, frozen=True):
    """One resident's household, and which of its visits are to be judged.

    `windows` are those that can have a bearing on the judged ones. `due` and `touched` are judged by what
    fell due and by what was learned, `spoken` by a person's word.
    """

    household: Household
    windows: Mapping[str, Window]
    due: frozenset[str]
    touched: frozenset[str]
    spoken: frozenset[str]

    @property
    def judged(self) -> frozenset[str]:
        """Every visit that is to be judged."""
        return self.due | self.touched | self.spoken


async def gather(
    conn: Connection, wanted: Mapping[str, Wanted], policy: Policy, until: datetime
) -> list[Home]:
    """The homes of these residents with what was received by `until`."""
    return await _furnish(conn, await sketch_homes(conn, wanted, policy), policy, until)


async def listen_closely(conn: Connection, homes: Sequence[Home], until: datetime) -> list[Home]:
    """The same homes with all that was heard of their hubs, and not only when each was first and last heard.

    Needed where nobody seems to have come; most visits are made, and then silence says nothing.
    """
    froms: dict[str, datetime] = {}
    for home in homes:
        since = min(window.counts_from for window in home.windows.values()) - DAY
        for hearing in home.household.hearing:
            froms[hearing.hub.id] = min(since, froms.get(hearing.hub.id, since))
    known = {hearing.hub.id: hearing for home in homes for hearing in home.household.hearing}
    heard = await hearings_of(conn, froms, known, until)
    return [
        replace(
            home,
            household=replace(
                home.household, hearing=tuple(heard[hearing.hub.id] for hearing in home.household.hearing)
            ),
        )
        for home in homes
    ]


async def _furnish(
    conn: Connection, sketches: Sequence[Sketch], policy: Policy, until: datetime
) -> list[Home]:
    if not sketches:
        return []
    lending = await _lending(conn, sketches, policy, until)
    hearings = await _hubs(conn, sketches, lending)
    own, shared = _hubs_of(hearings)
    doors_at = {scheme: [hub for name in names for hub in own[name]] for scheme, names in lending.items()}
    places, within_hearing = {}, {}
    for sketch in sketches:
        scheme = sketch.dwelling.scheme or ""
        near = places[sketch.resident.id] = [*own[sketch.dwelling.id], *shared[scheme]]
        within_hearing[sketch.resident.id] = [*near, *doors_at.get(scheme, ())]
    events = await _events(conn, sketches, within_hearing, policy, until)
    lent = {
        scheme: [door for hub in lenders if (door := lent_door(hub, scheme, events.get(hub.id, ())))]
        for scheme, lenders in doors_at.items()
    }
    carers = await _carers(conn, events)
    homes = {
        sketch.dwelling.id: Place(sketch.dwelling, within_hearing[sketch.resident.id]) for sketch in sketches
    }
    doors = await doors_of(conn, homes.values(), events, policy, reach(policy))
    hearing = {each.hub.id: each for each in hearings}
    words = await _words(conn, sketches)
    far = evidence_reach(policy)
    since = min(sketch.counts_from for sketch in sketches) - _QUIET
    outages = tuple(
        Interval(row["began_at"], row["ended_at"])
        for row in await fetch_all(conn, Q["intake_gaps"], since=since)
    )
    furnished = []
    async for sketch in in_turns(sketches):
        near = places[sketch.resident.id]
        begins = sketch.counts_from - far
        said = [event for hub in near for event in events.get(hub.id, ())]
        hubs = list(near)
        for door in lent.get(sketch.dwelling.scheme or "", ()):
            if all(door.hub.id != hub.id for hub in near):
                hubs.append(door.hub)
                said += door.events
        heard = tuple(event for event in said if event.received_at >= begins)
        household = Household(
            resident=sketch.resident,
            dwelling=sketch.dwelling,
            visits=sketch.visits,
            hubs=tuple(hubs),
            hearing=tuple(hearing[hub.id] for hub in hubs_that_matter(near, sketch.dwelling)),
            carers=_carers_of(heard, carers, begins),
            events=heard,
            suspensions=sketch.suspensions,
            doors=doors.get(sketch.dwelling.id, NO_DOORS),
            outages=outages,
            manual=_words_on(sketch.judged, words) if words else (),
            policy=policy,
            judged=sketch.judged,
        )
        furnished.append(Home(household, sketch.windows, sketch.due, sketch.touched, sketch.spoken))
    return furnished


async def _lending(
    conn: Connection, sketches: Iterable[Sketch], policy: Policy, until: datetime
) -> Mapping[str, list[str]]:
    """Dwellings whose hubs may speak of the door that their scheme shares, by scheme."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    since: dict[str, datetime] = {}
    for sketch in sketches:
        if sketch.dwelling.scheme:
            begins = sketch.counts_from - evidence_reach(policy)
            since[sketch.dwelling.scheme] = min(begins, since.get(sketch.dwelling.scheme, begins))
    if since:
        rows = await fetch_tuples(
            conn, Q["lending_dwellings"], schemes=list(since), froms=list(since.values()), until=until
        )
        for scheme, dwelling in rows:
            found[scheme].append(dwelling)
    return found


def _schemes(sketches: Iterable[Sketch]) -> list[str]:
    return sorted({sketch.dwelling.scheme for sketch in sketches if sketch.dwelling.scheme})


async def _hubs(
    conn: Connection, sketches: Iterable[Sketch], lending: Mapping[str, Iterable[str]]
) -> list[Hearing]:
    """The hubs of homes and of their schemes, and when each was first and last heard."""
    homes = {sketch.dwelling.id for sketch in sketches}
    dwellings = sorted(homes.union(*lending.values()))
    schemes = _schemes(sketches)
    rows = await fetch_tuples(conn, Q["hubs_of"], dwellings=dwellings, schemes=schemes)
    found = await fetch_all(conn, Q["scoped_devices"], hubs=[row[0] for row in rows])
    devices = grouped(found, "hub_id")
    return [
        Hearing(
            Hub(name, dwelling_id, scheme, every, tuple(device_of(each) for each in devices.get(name, ()))),
            first_heard_at,
            last_heard_at,
        )
        for name, dwelling_id, scheme, every, first_heard_at, last_heard_at in rows
    ]


def _hubs_of(heard: Iterable[Hearing]) -> tuple[Mapping[str, list[Hub]], Mapping[str, list[Hub]]]:
    """Hubs by dwelling, and by scheme."""
    own: defaultdict[str, list[Hub]] = defaultdict(list)
    shared: defaultdict[str, list[Hub]] = defaultdict(list)
    for hearing in heard:
        hub = hearing.hub
        if hub.dwelling_id is not None:
            own[hub.dwelling_id].append(hub)
        elif hub.scheme is not None:
            shared[hub.scheme].append(hub)
    return own, shared


async def _events(
    conn: Connection,
    sketches: Iterable[Sketch],
    places: Mapping[str, Sequence[Hub]],
    policy: Policy,
    until: datetime,
) -> Mapping[str, list[HomeEvent]]:
    since: dict[str, datetime] = {}
    for sketch in sketches:
        for hub in places[sketch.resident.id]:
            since[hub.id] = min(sketch.counts_from, since.get(hub.id, until))
    if not since:
        return {}
    # Sessions begin long before the windows that they fill; a door that only moved matters within a window.
    far = evidence_reach(policy)
    rows = await fetch_tuples(
        conn,
        Q["evidence_of"],
        hubs=list(since),
        froms=list(since.values()),
        reach=far,
        since=min(since.values()) - far,
        until=until,
    )
    events: defaultdict[str, list[HomeEvent]] = defaultdict(list)
    arrival = 0
    async for row in in_turns(rows):
        hub, name, kind, at, effective_at, received_at, device, panel, credential, method, scope = row
        where = Scope(scope) if scope in _SCOPES else None
        events[hub].append(
            HomeEvent(
                *(hub, name, kind, at, effective_at, received_at, arrival),
                *(device, panel, credential, method, where),
            )
        )
        arrival += 1
    return events


_SCOPES = frozenset(Scope.__members__.values())


async def _carers(
    conn: Connection, events: Mapping[str, Sequence[HomeEvent]]
) -> Mapping[str, list[tuple[datetime | None, Carer]]]:
    """Who holds or held each credential that was shown, and until when."""
    shown = sorted({event.credential for found in events.values() for event in found if event.credential})
    holders: defaultdict[str, list[tuple[datetime | None, Carer]]] = defaultdict(list)
    if shown:
        for row in await fetch_all(conn, Q["holders_of"], credentials=shown):
            carer = Carer(row["id"], row["provider_id"], row["name"], (row["credential"],))
            holders[row["credential"]].append((row["withdrawn_at"], carer))
    return holders


def _carers_of(
    events: Iterable[HomeEvent],
    holders: Mapping[str, Sequence[tuple[datetime | None, Carer]]],
    since: datetime,
) -> dict[str, Carer]:
    """Whose the credentials were that these events show."""
    found: dict[str, Carer] = {}
    for event in events:
        name = event.credential
        if name is not None and name not in found:
            held = _holder(holders.get(name, ()), since)
            if held is not None:
                found[name] = held
    return found


def _holder(holders: Iterable[tuple[datetime | None, Carer]], since: datetime) -> Carer | None:
    """Whose a credential was when the time in question began: of those who gave it up since, the first."""
    given_up = [(until, carer) for until, carer in holders if until is not None and until > since]
    if given_up:
        return min(given_up, key=lambda each: each[0])[1]
    return next((carer for until, carer in holders if until is None), None)


def _words_on(judged: frozenset[str], words: Mapping[str, Sequence[ManualWord]]) -> tuple[ManualWord, ...]:
    return tuple(word for ref in sorted(judged) for word in words.get(ref, ()))


async def _words(conn: Connection, sketches: Iterable[Sketch]) -> Mapping[str, list[ManualWord]]:
    refs = sorted({ref for sketch in sketches for ref in sketch.judged})
    words: defaultdict[str, list[ManualWord]] = defaultdict(list)
    for row in await fetch_all(conn, Q["words_on"], refs=refs):
        words[row["visit_ref"]].append(
            ManualWord(
                row["visit_ref"],
                row["at"],
                bool(row["attended"]),
                row["by_name"],
                row["reason"],
                row["arrived_at"],
                row["departed_at"],
                row["note"],
            )
        )
    return words
