"""Who may a communal door have opened for (domain/visits.md §3, the row of medium evidence)?"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct

from care.windows import Window


class Expected(Struct, frozen=True, gc=False):
    """A planned visit at a dwelling of a scheme, as its shared doors see it.

    It is expected there in [start, end], or in [start, end) when `end_open`.
    """

    dwelling_id: str
    provider_id: str
    start: datetime
    end: datetime
    end_open: bool = False

    def around(self, moment: datetime) -> bool:
        """Whether the visit is expected at that moment."""
        return self.start <= moment and (moment < self.end or (moment == self.end and not self.end_open))


def expected_at_doors(windows: Iterable[Window], has_own_hub: bool) -> list[Expected]:
    """What one dwelling's visits look like from its scheme's doors.

    Where the dwelling has a hub of its own, a shared door counts only until the visit is missed; where it has
    none, the shared door is all there is, and it counts as long as any arrival does.
    """
    return [
        Expected(
            dwelling_id=window.visit.dwelling_id,
            provider_id=window.visit.provider_id,
            start=window.counts_from,
            end=window.missed_at if has_own_hub else window.latest,
            end_open=not has_own_hub,
        )
        for window in windows
        if window.expected
    ]


@dataclass(frozen=True, slots=True)
class _Calendar:
    """One provider's visits in a scheme, by start; the latest end up to each tells a search where to stop."""

    visits: tuple[Expected, ...]
    starts: tuple[datetime, ...]
    latest_end: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Doors:
    """The visits expected in one scheme, this dwelling's and its neighbours', searchable by moment."""

    calendars: Mapping[str, _Calendar] = field(default_factory=dict)

    @classmethod
    def of(cls, expected: Iterable[Expected]) -> "Doors":
        """Doors behind which these visits are expected."""
        by_provider: dict[str, list[Expected]] = {}
        for visit in expected:
            by_provider.setdefault(visit.provider_id, []).append(visit)
        calendars = {}
        for provider_id, visits in by_provider.items():
            visits.sort(key=lambda visit: visit.start)
            ends: list[datetime] = []
            for visit in visits:
                ends.append(max(ends[-1], visit.end) if ends else visit.end)
            calendars[provider_id] = _Calendar(
                tuple(visits), tuple(visit.start for visit in visits), tuple(ends)
            )
        return cls(calendars)

    def only_dwelling(self, provider_id: str, moment: datetime) -> str | None:
        """The one dwelling at which this provider is expected then; None for none or for several."""
        calendar = self.calendars.get(provider_id)
        if calendar is None:
            return None
        found: str | None = None
        position = bisect_right(calendar.starts, moment) - 1
        while position >= 0 and calendar.latest_end[position] >= moment:
            visit = calendar.visits[position]
            if visit.around(moment) and visit.dwelling_id != found:
                if found is not None:
                    return None
                found = visit.dwelling_id
            position -= 1
        return found


NO_DOORS = Doors()
