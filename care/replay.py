"""History over again: every visit of an estate, judged from stored plan and events (domain/visits.md §9).

The rules are those of the live service (`care.history`); here is only the gathering of what each household
needs, for a whole estate at once.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from care.doors import Doors, expected_at_doors
from care.history import judged
from care.household import Household
from care.lent_doors import LentDoor, lent_door
from care.liveness import Ears, hubs_that_matter
from care.model import (
    Carer,
    Dwelling,
    Estate,
    Hearing,
    HomeEvent,
    Hub,
    Suspension,
    Visit,
    VisitHistory,
)
from care.policy import Policy
from care.windows import Window, components, frame


@dataclass(frozen=True, slots=True)
class Past:
    """What was planned and what was received. `visits` reach beyond those wanted, so that each one's next
    planned visit is among them; `hearing` has an entry for every hub of the estate, also the never heard."""

    estate: Estate
    visits: Sequence[Visit]
    events: Mapping[str, Sequence[HomeEvent]]
    hearing: Mapping[str, Hearing]


@dataclass(frozen=True, slots=True)
class Replayed:
    """One visit's window and history."""

    window: Window
    history: VisitHistory


def replay(
    past: Past, policy: Policy, until: datetime, wanted: frozenset[str] | None = None
) -> Iterator[Replayed]:
    """The history up to `until` of every wanted visit (None: of all), resident by resident."""
    estate = past.estate
    visits: dict[str, list[Visit]] = {}
    for visit in past.visits:
        visits.setdefault(visit.resident_id, []).append(visit)
    away: dict[str, list[Suspension]] = {}
    for suspension in estate.suspensions:
        away.setdefault(suspension.resident_id, []).append(suspension)
    windows = {
        resident_id: frame(planned, away.get(resident_id, ()), policy, _home(estate, resident_id).time_zone)
        for resident_id, planned in visits.items()
    }
    places = _Places(estate)
    doors = _doors(estate, places, windows)
    lent = _lent_doors(estate, past.events)
    carers = estate.carers_by_credential()
    shared: dict[tuple[str, str], list[_SharedTap]] = {}
    for resident_id, framed in windows.items():
        dwelling = _home(estate, resident_id)
        hubs = places.hubs(dwelling)
        neighbourhood = _neighbourhood(dwelling)
        if neighbourhood not in shared:
            taps = [event for hub in places.shared(dwelling) for event in past.events.get(hub.id, ())]
            taps += [event for door in lent.get(dwelling.scheme, ()) for event in door.events]
            shared[neighbourhood] = _taps(taps, carers, doors[neighbourhood])
        own = [event for hub in places.own(dwelling) for event in past.events.get(hub.id, ())]
        at_home = {hub.id for hub in places.own(dwelling)}
        meant = _meant(shared[neighbourhood], dwelling, framed)
        lending = [door.hub for door in lent.get(dwelling.scheme, ()) if door.hub.id not in at_home]
        household = Household(
            resident=estate.residents[resident_id],
            dwelling=dwelling,
            visits=tuple(visits[resident_id]),
            hubs=(*hubs, *lending),
            hearing=tuple(past.hearing[hub.id] for hub in hubs_that_matter(hubs, dwelling)),
            carers=carers,
            events=(*own, *(event for event in meant if event.hub_id not in at_home)),
            suspensions=tuple(away.get(resident_id, ())),
            doors=doors[neighbourhood],
            policy=policy,
            judged=wanted,
        )
        ears = [Ears.of(hearing, policy) for hearing in household.hearing]
        for history in judged(framed, household, ears, until, only_last=True):
            yield Replayed(framed[history.visit.ref], history)


def _home(estate: Estate, resident_id: str) -> Dwelling:
    return estate.dwellings[estate.residents[resident_id].dwelling_id]


def _neighbourhood(dwelling: Dwelling) -> tuple[str, str]:
    """Homes behind the same shared doors: a scheme's, or the dwelling alone."""
    return ("dwelling", dwelling.id) if dwelling.scheme is None else ("scheme", dwelling.scheme)


class _Places:
    """Which hubs can say anything of a dwelling."""

    def __init__(self, estate: Estate) -> None:
        self._of_dwelling: dict[str, list[Hub]] = {}
        self._of_scheme: dict[str, list[Hub]] = {}
        for hub in estate.hubs.values():
            if hub.dwelling_id is not None:
                self._of_dwelling.setdefault(hub.dwelling_id, []).append(hub)
            elif hub.scheme is not None:
                self._of_scheme.setdefault(hub.scheme, []).append(hub)

    def own(self, dwelling: Dwelling) -> list[Hub]:
        return self._of_dwelling.get(dwelling.id, [])

    def shared(self, dwelling: Dwelling) -> list[Hub]:
        return [] if dwelling.scheme is None else self._of_scheme.get(dwelling.scheme, [])

    def hubs(self, dwelling: Dwelling) -> list[Hub]:
        return [*self.own(dwelling), *self.shared(dwelling)]


def _lent_doors(
    estate: Estate, events: Mapping[str, Sequence[HomeEvent]]
) -> dict[str | None, list[LentDoor]]:
    """Where a dwelling's hub speaks of its scheme's door, by scheme."""
    found: dict[str | None, list[LentDoor]] = {}
    for hub in estate.hubs.values():
        scheme = None if hub.dwelling_id is None else estate.dwellings[hub.dwelling_id].scheme
        door = None if scheme is None else lent_door(hub, scheme, events.get(hub.id, ()))
        if door is not None:
            found.setdefault(scheme, []).append(door)
    return found


@dataclass(frozen=True, slots=True)
class _SharedTap:
    """An event of a scheme's hub by a carer we know, and the one dwelling it may prove a visit at."""

    event: HomeEvent
    provider_id: str
    only: str | None


def _taps(events: Iterable[HomeEvent], carers: Mapping[str, Carer], doors: Doors) -> list[_SharedTap]:
    """The events of a scheme's hubs that can be evidence anywhere in it: those with a carer's credential."""
    taps = []
    for event in events:
        carer = None if event.credential is None else carers.get(event.credential)
        if carer is not None:
            only = doors.only_dwelling(carer.provider_id, event.effective_at)
            taps.append(_SharedTap(event, carer.provider_id, only))
    return taps


def _meant(
    taps: Sequence[_SharedTap], dwelling: Dwelling, windows: Mapping[str, Window]
) -> Iterator[HomeEvent]:
    """Of a scheme's taps, those that can matter to one resident: a large scheme has many thousands.

    What proves a visit here makes sessions, wherever it lies; all else is weak, and counts in a window only.
    """
    if not taps:
        return
    providers = {window.visit.provider_id for window in windows.values()}
    spans = [
        (min(window.counts_from for window in group), max(window.latest for window in group))
        for group in components(windows.values())
    ]
    starts = [start for start, _ in spans]
    for tap in taps:
        if tap.provider_id not in providers:
            continue
        number = bisect_right(starts, tap.event.effective_at) - 1
        if tap.only == dwelling.id or (number >= 0 and tap.event.effective_at < spans[number][1]):
            yield tap.event


def _doors(
    estate: Estate, places: _Places, windows: Mapping[str, Mapping[str, Window]]
) -> dict[tuple[str, str], Doors]:
    expected: dict[tuple[str, str], list[Iterable[Window]]] = {}
    found = {}
    for resident_id, framed in windows.items():
        expected.setdefault(_neighbourhood(_home(estate, resident_id)), []).append(framed.values())
    for neighbourhood, groups in expected.items():
        found[neighbourhood] = Doors.of(
            visit
            for group in groups
            for window in group
            for visit in expected_at_doors(
                [window], bool(places.own(estate.dwellings[window.visit.dwelling_id]))
            )
        )
    return found
