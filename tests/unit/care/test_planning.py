"""From recurrences and roster rows to visits, also on nights when the clocks change."""

from datetime import UTC, date, datetime, time

import pytest

from care.model import Dwelling, Estate, Package, Plan, Recurrence, Resident, RosterRow, Source, Tier
from care.planning import last_rows, occurrences, plan, visit_of_row

LONDON = Dwelling("elm-12", "Flat 12", "Europe/London")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


def package(start: str = "08:00", minutes: int = 30, rule: str | None = "FREQ=DAILY") -> Package:
    """A package with one recurring visit."""
    recurrence = Recurrence("morning", time.fromisoformat(start), minutes, rule, 1, date(2026, 1, 1))
    return Package("pkg-ada", "ada", "brightcare", Tier.ESSENTIAL, (recurrence,))


def row(start: str, end: str, day: date = date(2026, 11, 20), ref: str = "v1", **more: object) -> RosterRow:
    """A roster row of the package."""
    return RosterRow(
        ref,
        "pkg-ada",
        day,
        time.fromisoformat(start),
        time.fromisoformat(end),
        **more,  # type: ignore[arg-type]
    )


def utc(text: str) -> datetime:
    """An instant, written without its offset."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "day", "expected"),
    [
        ("08:00", "08:30", date(2026, 11, 20), ("2026-11-20T08:00", "2026-11-20T08:30", False)),
        ("22:00", "06:00", date(2026, 11, 20), ("2026-11-20T22:00", "2026-11-21T06:00", False)),
        ("08:00", "08:00", date(2026, 11, 20), ("2026-11-20T08:00", "2026-11-21T08:00", False)),
        # Spring: the start does not exist. Moved start, and the end is that plus the planned wall length.
        ("01:30", "02:15", SPRING, ("2026-03-29T01:30", "2026-03-29T02:15", True)),
        # Spring: only the end does not exist; it moves alone.
        ("00:30", "01:15", SPRING, ("2026-03-29T00:30", "2026-03-29T01:15", True)),
        # Spring: both exist, and the night in between is an hour short.
        ("00:30", "02:30", SPRING, ("2026-03-29T00:30", "2026-03-29T01:30", False)),
        ("22:00", "06:00", date(2026, 3, 28), ("2026-03-28T22:00", "2026-03-29T05:00", False)),
        # Autumn: the first of the two, for start and end alike; the night is an hour long.
        ("01:15", "01:45", AUTUMN, ("2026-10-25T00:15", "2026-10-25T00:45", False)),
        ("01:30", "02:15", AUTUMN, ("2026-10-25T00:30", "2026-10-25T02:15", False)),
        ("22:00", "06:00", date(2026, 10, 24), ("2026-10-24T21:00", "2026-10-25T06:00", False)),
    ],
)
def test_a_roster_row_becomes_a_visit(
    start: str, end: str, day: date, expected: tuple[str, str, bool]
) -> None:
    """Start and end are resolved each alone; a moved start takes the planned length with it."""
    made = visit_of_row(row(start, end, day), package(), LONDON)
    begins, ends, shifted = expected
    assert (made.start_at, made.end_at, made.shifted) == (utc(begins), utc(ends), shifted)


@pytest.mark.parametrize(
    ("start", "minutes", "day", "expected"),
    [
        ("01:30", 45, SPRING, ("2026-03-29T01:30", "2026-03-29T02:15", True)),
        ("00:30", 120, SPRING, ("2026-03-29T00:30", "2026-03-29T02:30", False)),
        ("00:30", 120, AUTUMN, ("2026-10-24T23:30", "2026-10-25T01:30", False)),
        ("01:30", 30, AUTUMN, ("2026-10-25T00:30", "2026-10-25T01:00", False)),
    ],
)
def test_the_minutes_of_an_occurrence_are_elapsed(
    start: str, minutes: int, day: date, expected: tuple[str, str, bool]
) -> None:
    """A recurrence's minutes pass whatever the wall shows meanwhile."""
    (made,) = occurrences(package(start, minutes), LONDON, day, day)
    begins, ends, shifted = expected
    assert (made.start_at, made.end_at, made.shifted) == (utc(begins), utc(ends), shifted)


def test_no_night_drops_or_doubles_an_occurrence() -> None:
    """A year of visits at half past one is 365 visits, each on its own date."""
    made = occurrences(package("01:30"), LONDON, date(2026, 1, 1), date(2026, 12, 31))
    assert len({visit.start_at for visit in made}) == len(made) == 365
    assert [visit.service_date for visit in made if visit.shifted] == [SPRING]


def test_a_package_without_rules_makes_no_occurrence() -> None:
    """A visit without an rrule is a definition; roster rows make its visits."""
    assert occurrences(package(rule=None), LONDON, date(2026, 1, 1), date(2026, 12, 31)) == []


def estate() -> Estate:
    """One resident with one package."""
    return Estate(
        dwellings={"elm-12": LONDON},
        residents={"ada": Resident("ada", "elm-12", "Ada")},
        packages={"pkg-ada": package()},
    )


def test_a_row_replaces_the_occurrence_of_its_ref() -> None:
    """A row with an occurrence's ref stands in its place, wherever that is; any other is one visit more."""
    january = {"elm-12": date(2026, 1, 3)}
    rows = last_rows(
        [
            row("09:00", "09:40", date(2026, 1, 2), "pkg-ada/morning/2026-01-02", tier=Tier.CRITICAL),
            row("18:00", "18:30", date(2026, 1, 2), "extra", plan=Plan.CANCELLED),
            row("07:00", "07:30", date(2026, 1, 9), "pkg-ada/morning/2026-01-03"),
        ]
    )
    made = [(visit.ref, visit.start_at, visit.tier, visit.source) for visit in plan(estate(), rows, january)]
    assert made == [
        ("pkg-ada/morning/2026-01-01", utc("2026-01-01T08:00"), Tier.ESSENTIAL, Source.RECURRENCE),
        ("pkg-ada/morning/2026-01-02", utc("2026-01-02T09:00"), Tier.CRITICAL, Source.ROSTER),
        ("extra", utc("2026-01-02T18:00"), Tier.ESSENTIAL, Source.ROSTER),
        ("pkg-ada/morning/2026-01-03", utc("2026-01-09T07:00"), Tier.ESSENTIAL, Source.ROSTER),
    ]


def test_the_last_row_of_a_ref_counts() -> None:
    """Of two rows with one ref the later in the file stands."""
    rows = last_rows([row("08:00", "08:30"), row("09:00", "09:30")])
    assert rows["v1"].start == time(9)
