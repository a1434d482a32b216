"""What plans hold in practice: each oddity is a clear error, or has an answer that can be relied upon."""

import pytest

from app.errors import Fault
from tests.acceptance.backtest_case import DAY, Case, run

OUTCOME = tuple[str, str]


def outcome(case: Case, ref: str = f"pkg-ada/morning/{DAY}") -> OUTCOME:
    """How a visit ended."""
    visit = case.visit(ref)
    return visit["state"], visit["attendance"]


def test_everything_impossible_is_told_in_one_run(case: Case) -> None:
    """A backwards suspension, a shared credential, a carer of two providers, endless visits, no such zone."""
    for old, new in (
        ('until: "2026-11-23T00:00:00+00:00"', 'until: "2026-11-21T00:00:00+00:00"'),
        ('credentials: ["fob:sam"]', 'credentials: ["fob:sam", "fob:joy"]'),
        ("{id: kim, provider: otherco", "{id: joy, provider: otherco"),
        ("minutes: 30", "minutes: 1800"),
        ('"Flat 14", time_zone: Europe/London', '"Flat 14", time_zone: Europe/Camelot'),
    ):
        assert old in case.estate
        case.estate = case.estate.replace(old, new)
    paths = case.files()
    done = run(
        *("--estate", paths["estate.yaml"], "--events", paths["events.jsonl"], "--out", paths["out.json"])
    )
    assert done.returncode == 1
    assert not paths["out.json"].exists()
    lines = done.stderr.splitlines()
    for field, words in (
        ("suspensions[ada].until", "must be later than 'from'"),
        ("carers[sam].credentials", "already held by 'joy'"),
        ("carers[joy].id", "'joy' is already in line"),
        ("packages[pkg-ada].visits[morning].minutes", "not between 1 and 1440"),
        ("dwellings[elm-14].time_zone", "Europe/Camelot"),
    ):
        assert [line for line in lines if field in line and words in line], (field, lines)
    assert "fob:joy" not in done.stderr


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (("07:00", "07:30"), ("07:30", "09:00"), "suspended"),
        (("07:00", "10:00"), ("07:30", "07:45"), "suspended"),
        (("07:00", "08:00"), ("08:00:01", "09:00"), "missed"),
        (("07:00", "08:00"), ("08:00", "08:00:01"), "suspended"),
    ],
)
def test_suspensions_that_overlap_are_all_in_force(
    case: Case, first: tuple[str, str], second: tuple[str, str], expected: str
) -> None:
    """A visit is suspended when any of them covers its start; an end does not cover its own moment."""
    case.beats()
    for begin, end in (first, second):
        times = [f"{DAY}T{clock if clock.count(':') == 2 else clock + ':00'}+00:00" for clock in (begin, end)]
        case.estate += f'  - {{resident: ada, from: "{times[0]}", until: "{times[1]}", reason: away}}\n'
    assert outcome(case)[0] == expected


def test_one_arrival_serves_one_of_two_packages(case: Case) -> None:
    """Two packages of one provider at one time are two visits: whoever comes alone has made one of them."""
    case.beats()
    case.estate = case.estate.replace(
        "suspensions:",
        "  - {id: pkg-more, resident: ada, provider: brightcare, tier: essential}\nsuspensions:",
    )
    case.rows = [f"more,pkg-more,{DAY},08:00,08:30,,,,,,"]
    case.taps("joy", "08:01", "08:31")
    assert sorted([outcome(case), outcome(case, "more")]) == [
        ("completed", "attended"),
        ("missed", "not_attended"),
    ]
    case.taps("sam", "08:02", "08:32")
    assert {outcome(case), outcome(case, "more")} == {("completed", "attended")}


def test_who_works_for_two_providers_is_two_carers(case: Case) -> None:
    """Each credential speaks for its own provider's visits alone."""
    case.beats()
    case.estate = case.estate.replace(
        "packages:\n",
        '  - {id: joy-otherco, provider: otherco, credentials: ["fob:joy2"]}\npackages:\n'
        "  - {id: pkg-kim, resident: ada, provider: otherco, tier: essential}\n",
    )
    case.rows = [f"other,pkg-kim,{DAY},08:00,08:30,,,,,,"]
    case.taps("joy2", "08:01", "08:31")
    assert outcome(case) == ("missed", "not_attended")
    assert outcome(case, "other") == ("completed", "attended")


def test_a_visit_from_eight_to_eight_is_a_whole_day(case: Case) -> None:
    """Equal times are a day and not nothing; longer than a day cannot be written in a roster."""
    case.beats()
    case.rows = [f"pkg-ada/morning/{DAY},pkg-ada,{DAY},08:00,08:00,,,,,,"]
    visit = case.visit()
    assert (visit["start"], visit["end"]) == (f"{DAY}T08:00:00+00:00", "2026-11-21T08:00:00+00:00")


@pytest.mark.parametrize(("end", "words"), [("08:60", "'08:60'"), ("32:00", "'32:00'"), ("", "is missing")])
def test_a_time_that_is_none_is_refused(case: Case, end: str, words: str) -> None:
    """Nothing is guessed of a time that no clock shows."""
    case.rows = [f"x,pkg-ada,{DAY},08:00,{end},,,,,,"]
    with pytest.raises(Fault, match=r"roster.csv:2: end: ") as refused:
        case.report()
    assert words in str(refused.value)


def test_a_roster_for_nobody_names_every_row(case: Case) -> None:
    """Rows of a package that is not there are told by line, and nothing is judged."""
    case.rows = [f"x{number},pkg-nobody,{DAY},08:00,08:30,,,,,," for number in range(3)]
    with pytest.raises(Fault) as refused:
        case.report()
    said = str(refused.value).splitlines()
    assert [line.partition("roster.csv:")[2].partition(":")[0] for line in said] == ["2", "3", "4"]
