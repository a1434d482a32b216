"""Recurrence rules: on which dates a visit falls."""

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.recurrence import check, dates

LONDON = "Europe/London"
FROM = date(2026, 11, 1)


def falls(rule: str, first: date = FROM, last: date = date(2026, 11, 30), start: time = time(8)) -> list[int]:
    """Days of November on which the rule falls."""
    return [day.day for day in dates(rule, FROM, start, LONDON, first, last)]


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("FREQ=DAILY", list(range(1, 31))),
        ("RRULE:FREQ=DAILY;INTERVAL=10", [1, 11, 21]),
        ("FREQ=WEEKLY", [1, 8, 15, 22, 29]),
        ("FREQ=WEEKLY;BYDAY=MO,FR", [2, 6, 9, 13, 16, 20, 23, 27, 30]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", [9, 23]),
        ("FREQ=MONTHLY;BYDAY=-1FR", [27]),
        ("FREQ=DAILY;COUNT=3", [1, 2, 3]),
        ("FREQ=DAILY;UNTIL=20261103", [1, 2, 3]),
        ("FREQ=DAILY;UNTIL=20261103T080000", [1, 2, 3]),
        ("FREQ=DAILY;UNTIL=20261103T075900", [1, 2]),
        ("FREQ=DAILY;UNTIL=20261103T080000Z", [1, 2, 3]),
        ("FREQ=DAILY;UNTIL=20261103T075959Z", [1, 2]),
        ("freq=daily;until=20261102", [1, 2]),
        ("FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=5,6", [5, 6]),
    ],
)
def test_a_rule_falls_on_dates(rule: str, days: list[int]) -> None:
    """Rules mean what RFC 5545 says; an UNTIL without a time includes its whole day."""
    assert falls(rule) == days


def test_an_until_in_utc_is_read_on_the_wall() -> None:
    """In summer 07:00Z is eight on a London wall: the visit at eight still falls on that date."""
    found = list(
        dates(
            "FREQ=DAILY;UNTIL=20260702T070000Z",
            date(2026, 7, 1),
            time(8),
            LONDON,
            date(2026, 7, 1),
            date(2026, 7, 9),
        )
    )
    assert [day.day for day in found] == [1, 2]


@pytest.mark.parametrize(
    "rule", ["FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SA", "FREQ=WEEKLY"]
)
@given(first=st.integers(0, 200), length=st.integers(0, 60))
def test_a_window_of_dates_is_a_slice_of_all(rule: str, first: int, length: int) -> None:
    """A later stretch is exactly those dates of the whole: no phase is lost by skipping ahead."""
    begin = date.fromordinal(FROM.toordinal() + first)
    end = date.fromordinal(begin.toordinal() + length)
    whole = list(dates(rule, FROM, time(8), LONDON, FROM, date(2028, 1, 1)))
    assert list(dates(rule, FROM, time(8), LONDON, begin, end)) == [
        day for day in whole if begin <= day <= end
    ]


def test_a_rule_falls_not_before_its_from() -> None:
    """What is asked of the time before `from` is empty."""
    assert falls("FREQ=DAILY", date(2026, 10, 1), date(2026, 10, 31)) == []


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "DAILY",
        "FREQ=HOURLY",
        "FREQ=DAILY;BYHOUR=9",
        "FREQ=DAILY;BYDAY=XX",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=2;UNTIL=20261103",
        "FREQ=DAILY;UNTIL=soon",
        "FREQ=DAILY;UNTIL=20261332",
        "FREQ=DAILY;BYMONTH=13",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;DTSTART=20260101",
        "FREQ=DAILY\nEXDATE:20261102",
        "FREQ=DAILY;NONSENSE=1",
    ],
)
def test_a_rule_that_says_nothing_is_refused(rule: str) -> None:
    """A rule that cannot be read, or has no meaning for a visit, is one ValueError with a sentence."""
    with pytest.raises(ValueError, match=r"\w"):
        check(rule, FROM, time(8), LONDON)


@given(st.text(alphabet="FREQDAILYWKMONTHBUVCS=;,0123456789-+ \n", max_size=40))
def test_no_rule_crashes_the_reader(rule: str) -> None:
    """Whatever is written there is either a rule or a ValueError."""
    try:
        check(rule, FROM, time(8), LONDON)
    except ValueError:
        return
    list(dates(rule, FROM, time(8), LONDON, FROM, date(2026, 12, 1)))
