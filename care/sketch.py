"""Which visits are to be judged, and which others have a bearing on them: homes before evidence is read."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from psycopg.rows import DictRow, TupleRow

from care.claim import Wanted
from care.estate_store import Q, grouped, suspension_of
from care.model import Dwelling, Resident, Suspension, Visit
from care.policy import Overrides, Policy, TierRules
from care.turns import in_turns
from care.visit_rows import is_settled, visit_of, visits_around
from care.walltime import DAY, first_after, last_at_or_before
from care.windows import Window, components, frame
from db.pool import Connection, fetch_all

_MOST_READINGS = 5
"""Each doubles the time that is read: a month on either side of a chain of visits that never breaks."""


_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Sketch:
    """A home with its visits. `windows`: those judged, and those that have a bearing on them.

    `counts_from`: when the first of the windows begins; nothing is judged where there are none.
    `due`: judged by what fell due; `touched`: by what was learned; `spoken`: by a person's word.
    """

    resident: Resident
    dwelling: Dwelling
    visits: tuple[Visit, ...]
    suspensions: tuple[Suspension, ...]
    windows: dict[str, Window]
    counts_from: datetime
    due: frozenset[str]
    touched: frozenset[str]
    spoken: frozenset[str]

    @property
    def judged(self) -> frozenset[str]:
        """Every visit that is to be judged."""
        return self.due | self.touched | self.spoken


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far windows go at most: from so long before their start until they are missed so long after it.

    A flexible visit keeps to days instead, for which the reading itself allows.
    """

    counts: timedelta
    missed: timedelta
    day_begins: time

    @classmethod
    def of(cls, policy: Policy) -> "_Reach":
        rules: list[TierRules | Overrides] = [*policy.tiers.values(), *policy.packages.values()]
        return cls(
            max((each.counts_from or timedelta() for each in rules), default=timedelta()),
            max((each.missed_after or timedelta() for each in rules), default=timedelta()),
            policy.day_begins,
        )

    def before(self, moment: datetime, zone: str) -> datetime:
        """Visits that end before this count for nothing from `moment` on: their day is over by then."""
        return last_at_or_before(moment, self.day_begins, zone) - self.missed

    def after(self, moment: datetime, zone: str) -> datetime:
        """Visits that start after this do not count until the day is over in which one that ends or is missed
        at `moment` still counts."""
        return first_after(moment, self.day_begins, zone) + self.counts


def reach(policy: Policy) -> timedelta:
    """How far from a moment a visit may start or end that is expected then."""
    far = _Reach.of(policy)
    return 2 * DAY + far.counts + far.missed


async def sketch_homes(conn: Connection, wanted: Mapping[str, Wanted], policy: Policy) -> list[Sketch]:
    """The homes of these residents in which anything is to be judged."""
    residents = sorted(wanted)
    homes = {row["id"]: row for row in await fetch_all(conn, Q["homes_of"], residents=residents)}
    suspensions = grouped(await fetch_all(conn, Q["suspensions_of"], residents=residents), "resident_id")
    far = _Reach.of(policy)
    spans: dict[str, tuple[datetime, datetime]] = {}
    async for name in in_turns(residents):
        spans[name] = _span(wanted[name], policy, far, homes[name]["time_zone"])
    found: dict[str, Sketch] = {}
    for reading in range(_MOST_READINGS):
        begins, ends = zip(*spans.values(), strict=True)
        rows = await visits_around(conn, list(spans), begins, ends)
        wider: dict[str, tuple[datetime, datetime]] = {}
        async for name, span in in_turns(spans.items()):
            sketch = _sketch(homes[name], rows.get(name, ()), suspensions[name], wanted[name], policy)
            found[name] = sketch
            if sketch.windows and _is_cut(sketch, span, far):
                more = DAY * 2**reading
                wider[name] = span[0] - more, span[1] + more
        if not wider:
            break
        spans = wider
    return [sketch for sketch in found.values() if sketch.judged]


def _span(wanted: Wanted, policy: Policy, far: _Reach, zone: str) -> tuple[datetime, datetime]:
    """What of a resident's visits is read at first: enough for one visit and its neighbours."""
    firsts = [far.before(start - far.counts, zone) for start, _ in wanted.due.values()]
    lasts = [far.after(max(end, start + far.missed), zone) for start, end in wanted.due.values()]
    around = policy.longest_session + policy.same_session
    for first, last in wanted.learned:
        firsts.append(far.before(far.before(first - around, zone), zone))
        lasts.append(far.after(last + around + far.counts + far.missed, zone))
    return min(firsts), max(lasts)


def _is_cut(sketch: Sketch, span: tuple[datetime, datetime], far: _Reach) -> bool:
    """Whether a visit that was not read may compete with those that are judged."""
    zone = sketch.dwelling.time_zone
    latest = max(window.latest for window in sketch.windows.values())
    return far.before(sketch.counts_from, zone) < span[0] or latest + far.counts > span[1]


def _sketch(
    home: DictRow, rows: Sequence[TupleRow], suspensions: Iterable[DictRow], wanted: Wanted, policy: Policy
) -> Sketch:
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
    away = tuple(suspension_of(row) for row in suspensions)
    windows = frame(visits, away, policy, dwelling.time_zone)
    groups = components(windows.values())
    touched: frozenset[str] = frozenset()
    if wanted.learned:
        unsettled = {visit.ref for visit, row in zip(visits, rows, strict=True) if not is_settled(row)}
        touched = frozenset(
            window.visit.ref
            for group in groups
            if any(_touches(window, span, policy) for window in group for span in wanted.learned)
            for window in group
            if window.visit.ref in unsettled
        )
    due = windows.keys() & wanted.due.keys()
    spoken = windows.keys() & wanted.spoken
    bearing = _bearing(windows, groups, due | touched | spoken)
    return Sketch(
        resident,
        dwelling,
        visits,
        away,
        bearing,
        min((window.counts_from for window in bearing.values()), default=_NEVER),
        frozenset(due),
        touched,
        frozenset(spoken),
    )


def _touches(window: Window, span: tuple[datetime, datetime], policy: Policy) -> bool:
    """Whether evidence of that time can bear on a visit.

    A departure ends a session that began up to the longest before; an arrival or a departure that turns up
    between two others gives a later departure another session, or none, up to as long after.
    """
    around = policy.longest_session + policy.same_session
    return window.counts_from <= span[1] + around and span[0] - around < window.latest


def _bearing(
    windows: Mapping[str, Window], groups: Iterable[Sequence[Window]], judged: Set[str]
) -> dict[str, Window]:
    """The windows that compete with the judged ones, and those of the same service dates, whose naming of
    carers weighs in the costs (domain/visits.md §5)."""
    competing = {
        window.visit.ref
        for group in groups
        if any(window.visit.ref in judged for window in group)
        for window in group
    }
    dates = {windows[ref].visit.service_date for ref in competing}
    return {
        ref: window
        for ref, window in windows.items()
        if ref in competing or window.visit.service_date in dates
    }
