"""Everything that the rules need to know of residents' homes, read for many at once.

A batch costs a fixed number of statements, however many homes are in it, and each reads by index a stretch of
days around the visits in question: what it costs does not grow with history.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import DictRow

from care.claim import Wanted
from care.doors import NO_DOORS
from care.estate_store import Q, grouped, hub_of, suspension_of
from care.hearing_store import hearings_of
from care.household import Household
from care.liveness import hubs_that_matter
from care.model import (
    Carer,
    Dwelling,
    HomeEvent,
    Hub,
    Interval,
    ManualWord,
    Resident,
    Scope,
    Suspension,
    Visit,
)
from care.neighbours import Place, doors_of
from care.policy import Overrides, Policy, TierRules
from care.visit_rows import visit_of
from care.walltime import DAY
from care.windows import Window, components, evidence_reach, frame
from db.pool import Connection, fetch_all


@dataclass(frozen=True, slots=True)
class Home:
    """One resident's household with what stands in the database of its visits.

    `windows` are those that can have a bearing on the judged ones. `due` and `touched` are judged by what
    fell due and by what was learned, `spoken` by a person's word.
    """

    household: Household
    windows: Mapping[str, Window]
    rows: Mapping[str, DictRow]
    landlord_id: str | None
    due: frozenset[str]
    touched: frozenset[str]
    spoken: frozenset[str]

    @property
    def judged(self) -> frozenset[str]:
        """Every visit that is to be judged."""
        return self.due | self.touched | self.spoken


def reach(policy: Policy) -> timedelta:
    """How far around a visit others can have a bearing on it: they end within a day of their start, count
    until the next 04:00 after that and after they are missed, and may count from before they begin."""
    rules: list[TierRules | Overrides] = [*policy.tiers.values(), *policy.packages.values()]
    longest = max((each.missed_after or DAY) + (each.counts_from or DAY) for each in rules)
    return 3 * DAY + longest


async def gather(
    conn: Connection, wanted: Mapping[str, Wanted], policy: Policy, until: datetime
) -> list[Home]:
    """The homes of these residents with what was received by `until`."""
    residents = sorted(wanted)
    rows = grouped(await _visits(conn, wanted, policy), "resident_id")
    homes = {row["id"]: row for row in await fetch_all(conn, Q["homes_of"], residents=residents)}
    suspensions = grouped(await fetch_all(conn, Q["suspensions_of"], residents=residents), "resident_id")
    sketches = [
        _sketch(homes[name], rows[name], suspensions[name], wanted[name], policy)
        for name in residents
        if rows[name]
    ]
    return await _furnish(conn, [sketch for sketch in sketches if sketch.judged], policy, until)


async def _visits(conn: Connection, wanted: Mapping[str, Wanted], policy: Policy) -> list[DictRow]:
    around = reach(policy)
    residents, froms, untils = [], [], []
    for name, each in wanted.items():
        starts = [*each.due.values(), *(moment for span in each.learned for moment in span)]
        residents.append(name)
        froms.append(min(starts) - around)
        untils.append(max(starts) + around)
    return await fetch_all(conn, Q["visits_around"], residents=residents, froms=froms, untils=untils)


@dataclass(slots=True)
class _Sketch:
    """A home before its evidence is read."""

    resident: Resident
    dwelling: Dwelling
    visits: tuple[Visit, ...]
    rows: dict[str, DictRow]
    suspensions: tuple[Suspension, ...]
    windows: dict[str, Window]
    due: frozenset[str]
    touched: frozenset[str]
    spoken: frozenset[str]

    @property
    def judged(self) -> frozenset[str]:
        return self.due | self.touched | self.spoken

    def since(self, policy: Policy) -> datetime:
        """From when on evidence is needed."""
        return min(window.counts_from for window in self.windows.values()) - evidence_reach(policy)

    def listens(self, until: datetime) -> bool:
        """Whether it matters by then what was heard: before a visit is missed, silence says nothing."""
        return any(self.windows[ref].missed_at <= until for ref in self.judged)


def _sketch(
    home: DictRow, rows: Sequence[DictRow], suspensions: Iterable[DictRow], wanted: Wanted, policy: Policy
) -> _Sketch:
    dwelling = Dwelling(
        home["dwelling_id"], home["address"], home["time_zone"], home["landlord_id"], home["scheme"]
    )
    resident = Resident(
        home["id"],
        dwelling.id,
        home["name"],
        home["monitoring_centre_id"],
        home["commissioner_id"],
        home["high_risk"],
    )
    visits = tuple(visit_of(row) for row in rows)
    by_ref = {row["ref"]: row for row in rows}
    away = tuple(suspension_of(row) for row in suspensions)
    windows = frame(visits, away, policy, dwelling.time_zone)
    groups = components(windows.values())
    unsettled = {ref for ref, row in by_ref.items() if row["next_check_at"] is not None}
    touched = {
        window.visit.ref
        for group in groups
        if any(_touches(window, span, policy) for window in group for span in wanted.learned)
        for window in group
    } & unsettled
    due = frozenset(ref for ref in wanted.due if ref in windows)
    spoken = frozenset(ref for ref in wanted.spoken if ref in windows)
    judged = due | touched | spoken
    bearing = _bearing(groups, judged)
    return _Sketch(resident, dwelling, visits, by_ref, away, bearing, due, frozenset(touched), spoken)


def _touches(window: Window, span: tuple[datetime, datetime], policy: Policy) -> bool:
    """Whether evidence of that time can bear on a visit: a departure ends a session that began before."""
    return window.counts_from <= span[1] and span[0] - policy.longest_session < window.latest


def _bearing(groups: Iterable[Sequence[Window]], judged: frozenset[str]) -> dict[str, Window]:
    """The windows that compete with the judged ones, and those of the same service dates, whose naming of
    carers weighs in the costs (domain/visits.md §5)."""
    kept = [group for group in groups if any(window.visit.ref in judged for window in group)]
    dates = {window.visit.service_date for group in kept for window in group}
    chosen = [
        window for group in groups for window in group if group in kept or window.visit.service_date in dates
    ]
    chosen.sort(key=lambda window: (window.visit.start_at, window.visit.ref))
    return {window.visit.ref: window for window in chosen}


async def _furnish(
    conn: Connection, sketches: Sequence[_Sketch], policy: Policy, until: datetime
) -> list[Home]:
    if not sketches:
        return []
    hubs = await _hubs(conn, sketches)
    own, shared = _hubs_of(hubs)
    places = {
        sketch.resident.id: [*own[sketch.dwelling.id], *shared[sketch.dwelling.scheme or ""]]
        for sketch in sketches
    }
    events = await _events(conn, sketches, places, policy, until)
    carers = await _carers(conn, events)
    homes = {sketch.dwelling.id: Place(sketch.dwelling, places[sketch.resident.id]) for sketch in sketches}
    doors = await doors_of(conn, homes.values(), events, policy, reach(policy))
    hearing = await hearings_of(conn, _listened(sketches, places, until), hubs, until)
    words = await _words(conn, sketches)
    since = min(sketch.since(policy) for sketch in sketches)
    outages = tuple(
        Interval(row["began_at"], row["ended_at"])
        for row in await fetch_all(conn, Q["intake_gaps"], since=since)
    )
    furnished = []
    for sketch in sketches:
        near = places[sketch.resident.id]
        begins = sketch.since(policy)
        household = Household(
            resident=sketch.resident,
            dwelling=sketch.dwelling,
            visits=sketch.visits,
            hubs=tuple(near),
            hearing=tuple(hearing[hub.id] for hub in hubs_that_matter(near, sketch.dwelling)),
            carers={name: held for name, holders in carers.items() if (held := _holder(holders, begins))},
            events=tuple(
                event for hub in near for event in events.get(hub.id, ()) if event.received_at >= begins
            ),
            suspensions=sketch.suspensions,
            doors=doors.get(sketch.dwelling.id, NO_DOORS),
            outages=outages,
            manual=tuple(word for ref in sorted(sketch.judged) for word in words.get(ref, ())),
            policy=policy,
        )
        furnished.append(
            Home(
                household,
                sketch.windows,
                sketch.rows,
                sketch.dwelling.landlord_id,
                sketch.due,
                sketch.touched,
                sketch.spoken,
            )
        )
    return furnished


async def _hubs(conn: Connection, sketches: Iterable[_Sketch]) -> list[DictRow]:
    dwellings = sorted({sketch.dwelling.id for sketch in sketches})
    schemes = sorted({sketch.dwelling.scheme for sketch in sketches if sketch.dwelling.scheme})
    rows = await fetch_all(conn, Q["hubs_of"], dwellings=dwellings, schemes=schemes)
    found = await fetch_all(conn, Q["scoped_devices"], hubs=[row["id"] for row in rows])
    devices = grouped(found, "hub_id")
    return [{**row, "noun": hub_of(row, devices[row["id"]])} for row in rows]


def _hubs_of(rows: Iterable[DictRow]) -> tuple[Mapping[str, list[Hub]], Mapping[str, list[Hub]]]:
    """Hubs by dwelling, and by scheme."""
    own: defaultdict[str, list[Hub]] = defaultdict(list)
    shared: defaultdict[str, list[Hub]] = defaultdict(list)
    for row in rows:
        if row["dwelling_id"] is not None:
            own[row["dwelling_id"]].append(row["noun"])
        else:
            shared[row["scheme"]].append(row["noun"])
    return own, shared


async def _events(
    conn: Connection,
    sketches: Iterable[_Sketch],
    places: Mapping[str, Sequence[Hub]],
    policy: Policy,
    until: datetime,
) -> Mapping[str, list[HomeEvent]]:
    froms: dict[str, datetime] = {}
    for sketch in sketches:
        for hub in places[sketch.resident.id]:
            froms[hub.id] = min(sketch.since(policy), froms.get(hub.id, until))
    rows = await fetch_all(conn, Q["evidence_of"], hubs=list(froms), froms=list(froms.values()), until=until)
    events: defaultdict[str, list[HomeEvent]] = defaultdict(list)
    for arrival, row in enumerate(rows):
        events[row["hub_id"]].append(_event(row, arrival))
    return events


def _event(row: DictRow, arrival: int) -> HomeEvent:
    scope = row["scope"]
    return HomeEvent(
        hub_id=row["hub_id"],
        event_id=row["id"],
        type=row["type"],
        at=row["at"],
        effective_at=row["effective_at"],
        received_at=row["received_at"],
        arrival=arrival,
        device=row["device"],
        panel=row["panel"],
        credential=row["credential"],
        method=row["method"],
        scope=Scope(scope) if scope in _SCOPES else None,
    )


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


def _holder(holders: Iterable[tuple[datetime | None, Carer]], since: datetime) -> Carer | None:
    """Whose a credential was when the time in question began: of those who gave it up since, the first."""
    given_up = [(until, carer) for until, carer in holders if until is not None and until > since]
    if given_up:
        return min(given_up, key=lambda each: each[0])[1]
    return next((carer for until, carer in holders if until is None), None)


def _listened(
    sketches: Iterable[_Sketch], places: Mapping[str, Sequence[Hub]], until: datetime
) -> dict[str, datetime]:
    """From when on it matters whether hubs were heard: those of homes with a visit that may be missed."""
    froms: dict[str, datetime] = {}
    for sketch in sketches:
        if not sketch.listens(until):
            continue
        since = min(window.counts_from for window in sketch.windows.values()) - DAY
        for hub in hubs_that_matter(places[sketch.resident.id], sketch.dwelling):
            froms[hub.id] = min(since, froms.get(hub.id, since))
    return froms


async def _words(conn: Connection, sketches: Iterable[_Sketch]) -> Mapping[str, list[ManualWord]]:
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
