"""Who is on call when, in local time, on nights when clocks change, on holidays and after swaps."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rota import Gap, Holiday, Hours, Rota, Shift, Swap, gaps, on_call
from alerts.rota_record import rota_from_json, rota_to_json
from tests.unit.alerts.patience import patient

LONDON = "Europe/London"
WEEKDAYS = frozenset(range(5))
DAY = Shift("Ann", Hours(time(8), time(18)))
NIGHT = Shift("Bob", Hours(time(18), time(8)))
ROUND_THE_CLOCK = Rota((DAY, NIGHT))
SMALL_HOURS = Rota((Shift("Cai", Hours(time(1, 30), time(2, 30))),))

CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//a//b//EN
BEGIN:VEVENT
UID:1
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/London:20261019T180000
DTEND;TZID=Europe/London:20261020T080000
RRULE:FREQ=DAILY
SUMMARY:Bob
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTAMP:20260101T000000Z
DTSTART;VALUE=DATE:20261024
DTEND;VALUE=DATE:20261025
SUMMARY:Ann
END:VEVENT
BEGIN:VEVENT
UID:3
DTSTAMP:20260101T000000Z
DTSTART:20261026T090000
DTEND:20261026T100000
SUMMARY:Cai
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


def utc(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def who(rota: Rota, at: str, zone: str = LONDON) -> tuple[str, ...]:
    """Who is on call at a moment in UTC."""
    return on_call(rota, utc(at), zone).contacts


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-07-01 06:59", "Bob"),
        ("2026-07-01 07:00", "Ann"),
        ("2026-07-01 16:59", "Ann"),
        ("2026-07-01 17:00", "Bob"),
        ("2026-12-01 07:59", "Bob"),
        ("2026-12-01 08:00", "Ann"),
    ],
)
def test_a_weekly_rota_goes_by_the_local_clock(at: str, expected: str) -> None:
    """Eight in the morning in July is seven in UTC; a shift's end is not its own."""
    assert who(ROUND_THE_CLOCK, at) == (expected,)


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    """Friday's night goes on into Saturday, which has no shift of its own."""
    rota = Rota((Shift("Bob", Hours(time(18), time(8), WEEKDAYS)),))
    assert who(rota, "2026-11-21 07:59") == ("Bob",)
    assert who(rota, "2026-11-21 18:30") == ()
    assert on_call(rota, utc("2026-11-21 18:30"), LONDON).reason == (
        "nobody is on call at 18:30 on Sat 21 Nov: the rota has a gap"
    )


def test_a_shift_of_the_small_hours_lasts_two_hours_when_the_clocks_go_back() -> None:
    """From the first half past one to the only half past two, without a hole in between."""
    span = [utc("2026-10-25 00:00") + timedelta(minutes=10 * n) for n in range(20)]
    there = [at for at in span if on_call(SMALL_HOURS, at, LONDON).contacts]
    assert (there[0], there[-1]) == (utc("2026-10-25 00:30"), utc("2026-10-25 02:20"))
    assert len(there) == 12


def test_a_shift_of_the_small_hours_is_short_but_there_when_the_clocks_go_forward() -> None:
    """Half past one does not exist: it begins as the clocks jump, and half past two is its end."""
    span = [utc("2027-03-28 00:00") + timedelta(minutes=10 * n) for n in range(20)]
    there = [at for at in span if on_call(SMALL_HOURS, at, LONDON).contacts]
    assert there == [utc("2027-03-28 01:00"), utc("2027-03-28 01:10"), utc("2027-03-28 01:20")]


@pytest.mark.parametrize("night", ["2026-10-25", "2027-03-28"])
@pytest.mark.parametrize("handover", [time(0, 30), time(1), time(1, 30), time(2), time(2, 30)])
def test_shifts_that_touch_leave_no_gap_and_no_two_on_call_when_clocks_change(
    night: str, handover: time
) -> None:
    """Whenever that night they hand over."""
    rota = Rota((Shift("Ann", Hours(handover, time(12))), Shift("Bob", Hours(time(12), handover))))
    begin = utc(f"{night} 00:00") - timedelta(hours=6)
    assert gaps(rota, begin, begin + timedelta(days=1), LONDON) == []
    for minute in range(0, 720, 10):
        assert len(on_call(rota, begin + timedelta(minutes=minute), LONDON).contacts) == 1


def test_a_holiday_has_its_own_shifts_and_no_others() -> None:
    """The night before goes on into it; its own night goes on into the day after."""
    holiday = Holiday(date(2026, 12, 25), (Shift("Cai", Hours(time(9), time(9))),))
    rota = Rota((DAY, NIGHT), holidays=(holiday,))
    assert who(rota, "2026-12-25 07:00") == ("Bob",)
    assert who(rota, "2026-12-25 08:30") == ()
    assert who(rota, "2026-12-25 20:00") == ("Cai",)
    assert who(rota, "2026-12-26 08:30") == ("Cai", "Ann")


def test_a_swap_holds_for_shifts_that_begin_on_its_dates() -> None:
    """Both dates are included, and the reason names who stands in for whom."""
    rota = Rota((DAY, NIGHT), swaps=(Swap(date(2026, 11, 20), date(2026, 11, 21), "Cai", "Bob"),))
    assert who(rota, "2026-11-20 07:00") == ("Bob",)
    assert who(rota, "2026-11-20 20:00") == ("Cai",)
    assert who(rota, "2026-11-22 07:00") == ("Cai",)
    assert who(rota, "2026-11-22 20:00") == ("Bob",)
    said = on_call(rota, utc("2026-11-20 20:00"), LONDON).reason
    assert said == "Cai for Bob from 2026-11-20 to 2026-11-21"


def test_a_swap_is_not_swapped_on() -> None:
    """Two who swap with each other do not come back to where they were."""
    days = (date(2026, 11, 20), date(2026, 11, 21))
    rota = Rota((DAY, NIGHT), swaps=(Swap(*days, "Bob", "Ann"), Swap(*days, "Ann", "Bob")))
    assert who(rota, "2026-11-20 12:00") == ("Bob",)
    assert who(rota, "2026-11-20 20:00") == ("Ann",)


def test_a_calendar_is_read_in_its_own_times() -> None:
    """Times with a zone keep their wall time, whole days and floating times are those of the rota's zone."""
    rota = Rota(calendar=CALENDAR)
    assert who(rota, "2026-10-24 16:59") == ("Ann",)
    assert who(rota, "2026-10-24 17:00") == ("Bob", "Ann")
    assert who(rota, "2026-10-25 07:59") == ("Bob",)
    assert who(rota, "2026-10-25 08:00") == ()
    assert who(rota, "2026-10-25 18:00") == ("Bob",)
    assert who(rota, "2026-10-26 09:30") == ("Cai",)


def test_holidays_and_swaps_lie_over_a_calendar_too() -> None:
    """By the local date on which an entry begins."""
    holiday = Holiday(date(2026, 10, 21), (Shift("Ann", Hours(time(18), time(20))),))
    swap = Swap(date(2026, 10, 22), date(2026, 10, 22), "Cai", "Bob")
    rota = Rota(calendar=CALENDAR, holidays=(holiday,), swaps=(swap,))
    assert who(rota, "2026-10-20 18:00") == ("Bob",)
    assert who(rota, "2026-10-21 18:00") == ("Ann",)
    assert who(rota, "2026-10-21 22:00") == ()
    assert who(rota, "2026-10-22 22:00") == ("Cai",)


def test_gaps_are_named_with_their_times() -> None:
    """What two shifts leave between them, cut to the span that was asked for."""
    rota = Rota((Shift("Ann", Hours(time(8), time(12))), Shift("Bob", Hours(time(13), time(8)))))
    found = gaps(rota, utc("2026-11-20 00:00"), utc("2026-11-21 12:30"), LONDON)
    assert found == [
        Gap(utc("2026-11-20 12:00"), utc("2026-11-20 13:00")),
        Gap(utc("2026-11-21 12:00"), utc("2026-11-21 12:30")),
    ]
    assert gaps(Rota(), utc("2026-11-20 00:00"), utc("2026-11-21 00:00"), LONDON) == [
        Gap(utc("2026-11-20 00:00"), utc("2026-11-21 00:00"))
    ]


walls = st.times().map(lambda wall: wall.replace(second=0, microsecond=0))
shifts = st.builds(
    Shift,
    st.sampled_from(["Ann", "Bob", "Cai"]),
    st.builds(Hours, walls, walls, st.frozensets(st.integers(0, 6), min_size=1)),
)


@patient
@given(
    st.lists(shifts, max_size=4), st.integers(0, 14 * 24 * 60), st.sampled_from([LONDON, "America/Bogota"])
)
def test_a_gap_is_exactly_when_nobody_is_on_call(plan: list[Shift], minute: int, zone: str) -> None:
    """Whatever the pattern, over both changes of the clocks."""
    begin = utc("2026-10-18 00:00")
    rota = rota_from_json(rota_to_json(Rota(tuple(plan))))
    at = begin + timedelta(minutes=minute)
    found = gaps(rota, begin, begin + timedelta(days=14, minutes=1), zone)
    assert any(gap.starts <= at < gap.ends for gap in found) is (on_call(rota, at, zone).contacts == ())


def test_a_rota_comes_back_from_its_row_as_it_was() -> None:
    """Every part of it."""
    rota = Rota(
        (DAY, NIGHT),
        CALENDAR,
        (Holiday(date(2026, 12, 25), (DAY,)),),
        (Swap(date(2026, 11, 20), date(2026, 11, 21), "Cai", "Bob"),),
    )
    assert rota_from_json(rota_to_json(rota)) == rota
