"""What is expected behind a scheme's shared doors (domain/visits.md §3), read when a carer used one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import DictRow

from care.doors import Doors, Expected, expected_at_doors
from care.estate_store import Q, grouped, suspension_of
from care.evidence import GRANTED, scope_of
from care.model import Dwelling, HomeEvent, Hub, Scope
from care.policy import Policy
from care.visit_rows import visit_of, visits_around
from care.windows import frame
from db.pool import Connection, fetch_all


@dataclass(frozen=True, slots=True)
class Place:
    """A dwelling and the hubs that can say anything of it."""

    dwelling: Dwelling
    hubs: Sequence[Hub]

    @property
    def neighbourhood(self) -> tuple[str | None, str]:
        """Homes behind the same shared doors: a scheme's, or the dwelling alone."""
        scheme = self.dwelling.scheme
        return (None, self.dwelling.id) if scheme is None else (scheme, "")


async def doors_of(
    conn: Connection,
    places: Iterable[Place],
    events: Mapping[str, Sequence[HomeEvent]],
    policy: Policy,
    around: timedelta,
) -> dict[str, Doors]:
    """By dwelling, what was expected at its shared doors when carers opened them; missing where none did.

    `around` is how far from such a moment a visit may start that is expected then.
    """
    asked: list[tuple[Place, list[datetime]]] = []
    for place in places:
        moments = [moment for hub in place.hubs for moment in _opened(hub, events.get(hub.id, ()))]
        if moments:
            asked.append((place, moments))
    if not asked:
        return {}
    moments = [moment for _, found in asked for moment in found]
    rows = await fetch_all(
        conn,
        Q["neighbours_of"],
        dwellings=[place.dwelling.id for place, _ in asked],
        schemes=[place.dwelling.scheme for place, _ in asked if place.dwelling.scheme],
    )
    expected = await _expected(conn, rows, min(moments) - around, max(moments) + around, policy)
    return {place.dwelling.id: Doors.of(expected[place.neighbourhood]) for place, _ in asked}


def _opened(hub: Hub, events: Iterable[HomeEvent]) -> Iterable[datetime]:
    return (
        event.effective_at
        for event in events
        if event.type == GRANTED and event.credential is not None and scope_of(event, hub) is Scope.COMMUNAL
    )


async def _expected(
    conn: Connection, rows: Sequence[DictRow], first: datetime, last: datetime, policy: Policy
) -> Mapping[tuple[str | None, str], list[Expected]]:
    residents = [row["id"] for row in rows]
    many = len(residents)
    visits = await visits_around(conn, residents, [first] * many, [last] * many)
    away = grouped(await fetch_all(conn, Q["suspensions_of"], residents=residents), "resident_id")
    expected: defaultdict[tuple[str | None, str], list[Expected]] = defaultdict(list)
    for row in rows:
        suspensions = [suspension_of(each) for each in away[row["id"]]]
        planned = [visit_of(each) for each in visits.get(row["id"], ())]
        windows = frame(planned, suspensions, policy, row["time_zone"]).values()
        where = (None, row["dwelling_id"]) if row["scheme"] is None else (row["scheme"], "")
        expected[where] += expected_at_doors(windows, row["has_own_hub"])
    return expected
