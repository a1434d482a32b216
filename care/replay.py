"""History over again: every visit of an estate, judged from stored plan and events (domain/visits.md §9).

The rules are those of the live service (`care.history`); here is only the gathering of what each household
needs, for a whole estate at once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from care.doors import Doors, expected_at_doors
from care.history import judged
from care.household import Household
from care.liveness import Ears, hubs_that_matter
from care.model import Dwelling, Estate, Hearing, HomeEvent, Hub, Visit, VisitHistory
from care.policy import Policy
from care.windows import Window, frame


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
    windows = {
        resident_id: frame(planned, estate.suspensions, policy, _home(estate, resident_id).time_zone)
        for resident_id, planned in visits.items()
    }
    places = _Places(estate)
    doors = _doors(estate, places, windows)
    carers = estate.carers_by_credential()
    for resident_id, framed in windows.items():
        dwelling = _home(estate, resident_id)
        hubs = places.hubs(dwelling)
        household = Household(
            resident=estate.residents[resident_id],
            dwelling=dwelling,
            visits=tuple(visits[resident_id]),
            hubs=tuple(hubs),
            hearing=tuple(past.hearing[hub.id] for hub in hubs_that_matter(hubs, dwelling)),
            carers=carers,
            events=tuple(event for hub in hubs for event in past.events.get(hub.id, ())),
            suspensions=estate.suspensions,
            doors=doors[_neighbourhood(dwelling)],
            policy=policy,
            judged=wanted,
        )
        ears = [Ears.of(hearing, policy) for hearing in household.hearing]
        for history in judged(framed, household, ears, until):
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

    def hubs(self, dwelling: Dwelling) -> list[Hub]:
        shared = [] if dwelling.scheme is None else self._of_scheme.get(dwelling.scheme, [])
        return [*self.own(dwelling), *shared]


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
