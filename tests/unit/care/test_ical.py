"""Calendar feeds: what an event becomes, on which wall, and what is refused (docs/roster.md, "Calendars")."""

from contextlib import suppress
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.errors import RosterErrors
from care.ical import read_calendar
from care.model import Carer, Dwelling, Estate, Package, Plan, Resident, RosterRow, Tier
from care.planning import visit_of_row
from care.roster import Roster

HOME = Dwelling("elm-12", "Flat 12", "Europe/London")
PACKAGE = Package("pkg-ada", "ada", "bright", Tier.ESSENTIAL)
ESTATE = Estate(
    dwellings={"elm-12": HOME},
    residents={"ada": Resident("ada", "elm-12", "Ada Byrne")},
    carers={
        "joy": Carer("joy", "bright", "Joy Okafor"),
        "sam": Carer("sam", "bright", "Sam Reid"),
        "kit": Carer("kit", "kindred", "Kit Lane"),
    },
    packages={"pkg-ada": PACKAGE},
)
NOW = datetime(2026, 10, 19, 12, tzinfo=UTC)
LONDON = "TZID=Europe/London"


def calendar(*events: str, head: str = "") -> bytes:
    """A calendar with these events, each given as its lines."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Rota//EN", *head.split()]
    for event in events:
        lines += ["BEGIN:VEVENT", *event.splitlines(), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def read(*events: str, now: datetime = NOW, last: date = date(2026, 12, 14), head: str = "") -> Roster:
    """What they become."""
    return read_calendar(calendar(*events, head=head), "rota.ics", ESTATE, "pkg-ada", now, last)


def rows(*events: str, now: datetime = NOW, last: date = date(2026, 12, 14)) -> list[RosterRow]:
    """Their rows, in order of time."""
    return sorted(read(*events, now=now, last=last).rows, key=lambda row: (row.service_date, row.start))


def walls(*events: str, now: datetime = NOW) -> list[tuple[date, time, time]]:
    """Date, start and end of each."""
    return [(row.service_date, row.start, row.end) for row in rows(*events, now=now)]


def faults(*events: str) -> list[str]:
    """What is wrong with them, as people read it."""
    with pytest.raises(RosterErrors) as raised:
        read(*events)
    return [str(fault) for fault in raised.value.faults]


ONE = f"UID:one@rota\nDTSTART;{LONDON}:20261020T080000\nDTEND;{LONDON}:20261020T083000"
DAILY = f"UID:day@rota\nDTSTART;{LONDON}:20261020T080000\nDURATION:PT30M\nRRULE:FREQ=DAILY;COUNT=4"


def test_an_event_is_a_visit_on_the_dwellings_wall() -> None:
    """One event is one row: planned, for one carer, in the package's tier, changed at no known moment."""
    (row,) = rows(ONE)
    assert (row.package_id, row.service_date, row.start, row.end) == (
        "pkg-ada",
        date(2026, 10, 20),
        time(8),
        time(8, 30),
    )
    assert (row.carers_required, row.carers, row.tier, row.plan, row.changed_at) == (
        1,
        (),
        None,
        Plan.PLANNED,
        None,
    )


@pytest.mark.parametrize(
    "times",
    [
        "DTSTART:20261020T080000\nDTEND:20261020T083000",
        "DTSTART:20261020T070000Z\nDTEND:20261020T073000Z",
        "DTSTART:20261020T070000Z\nDURATION:PT30M",
        "DTSTART;TZID=GMT Standard Time:20261020T080000\nDTEND;TZID=GMT Standard Time:20261020T083000",
        "DTSTART;TZID=Europe/Paris:20261020T090000\nDTEND:20261020T073000Z",
    ],
    ids=["floating", "UTC", "UTC and a duration", "Outlook's zone", "two zones"],
)
def test_every_way_of_saying_a_time_is_read_off_the_dwellings_clock(times: str) -> None:
    """Floating times are the dwelling's own; those of other zones are what its clock shows then."""
    assert walls(f"UID:a\n{times}") == [(date(2026, 10, 20), time(8), time(8, 30))]


def test_a_series_keeps_its_wall_time_when_clocks_change() -> None:
    """Eight o'clock stays eight o'clock in winter, whatever the zone data of the file."""
    found = rows(f"UID:a\nDTSTART;{LONDON}:20261023T080000\nDURATION:PT30M\nRRULE:FREQ=DAILY;COUNT=4")
    assert [(row.service_date.day, row.start) for row in found] == [(day, time(8)) for day in range(23, 27)]
    starts = [visit_of_row(row, PACKAGE, HOME).start_at.hour for row in found]
    assert starts == [7, 7, 8, 8]


def test_an_hour_that_is_not_there_moves_forward_with_its_length() -> None:
    """Clocks go forward at one: half past one becomes half past two, and the half hour stays one."""
    event = (
        f"UID:n\nDTSTART;{LONDON}:20260328T013000\nDTEND;{LONDON}:20260328T020000\nRRULE:FREQ=DAILY;COUNT=3"
    )
    visits = [visit_of_row(row, PACKAGE, HOME) for row in rows(event, now=datetime(2026, 3, 27, tzinfo=UTC))]
    assert [(visit.start_at.hour, visit.start_at.minute, visit.shifted) for visit in visits] == [
        (1, 30, False),
        (1, 30, True),
        (0, 30, False),
    ]
    assert {visit.planned_length.total_seconds() for visit in visits} == {1800}


def test_an_hour_that_comes_twice_never_makes_a_visit_of_a_day() -> None:
    """What UTC puts across the doubled hour keeps its wall length, and does not end before it begins."""
    assert walls("UID:u\nDTSTART:20261025T003000Z\nDTEND:20261025T011500Z") == [
        (date(2026, 10, 25), time(1, 30), time(2, 15))
    ]


def test_exceptions_move_cancel_and_leave_out() -> None:
    """EXDATE leaves a day out; a moved occurrence keeps its ref; a cancelled one says since when."""
    plain = rows(DAILY)
    changed = rows(
        DAILY + f"\nEXDATE;{LONDON}:20261021T080000",
        f"UID:day@rota\nRECURRENCE-ID;{LONDON}:20261022T080000\nDTSTART;{LONDON}:20261023T140000\nDURATION:PT45M",
        "UID:day@rota\nRECURRENCE-ID:20261023T070000Z\nDTSTART:20261023T070000Z\nDURATION:PT30M\n"
        "STATUS:CANCELLED\nLAST-MODIFIED:20261020T101500Z",
    )
    by_ref = {row.visit_ref: row for row in changed}
    assert [row.visit_ref in by_ref for row in plain] == [True, False, True, True]
    moved, cancelled = by_ref[plain[2].visit_ref], by_ref[plain[3].visit_ref]
    assert (moved.service_date.day, moved.start, moved.end) == (23, time(14), time(14, 45))
    assert (cancelled.plan, cancelled.changed_at) == (
        Plan.CANCELLED,
        datetime(2026, 10, 20, 10, 15, tzinfo=UTC),
    )
    assert len(changed) == 3


def test_a_series_that_moves_its_hour_keeps_its_refs() -> None:
    """A ref is of the UID and the date; the hour, the length and the text of the event are not in it."""
    later = DAILY.replace("T080000", "T093000") + "\nSUMMARY:Breakfast\nSEQUENCE:3"
    assert [row.visit_ref for row in rows(DAILY)] == [row.visit_ref for row in rows(later)]


def test_extra_dates_are_told_apart_by_their_hour() -> None:
    """A series with RDATE may come twice a day; then the hour is part of each ref."""
    found = rows(DAILY + f"\nRDATE;{LONDON}:20261021T180000")
    assert len({row.visit_ref for row in found}) == len(found) == 5


def test_a_change_of_a_series_says_nothing_of_one_day() -> None:
    """LAST-MODIFIED of a series is not taken for its occurrences: it would silence this morning's miss."""
    assert {row.changed_at for row in rows(DAILY + "\nLAST-MODIFIED:20261021T100000Z")} == {None}


def test_a_withdrawn_calendar_cancels_everything_in_it() -> None:
    """METHOD:CANCEL is the cancellation of all that the file holds."""
    assert {row.plan for row in read(ONE, DAILY, head="METHOD:CANCEL").rows} == {Plan.CANCELLED}


def test_attendees_are_carers_by_id_address_or_name() -> None:
    """An address, what stands before its @, or a name finds a carer of the provider; two come for two."""
    people = (
        "ATTENDEE;CN=Somebody:mailto:joy@bright.example\n"
        "ATTENDEE;CN=sam reid:mailto:reid.s@bright.example\n"
        "ATTENDEE;CN=Joy Okafor;PARTSTAT=ACCEPTED:mailto:j.o@bright.example"
    )
    (row,) = rows(f"{ONE}\n{people}")
    assert (row.carers, row.carers_required) == (("joy", "sam"), 2)


def test_who_is_no_carer_is_told_and_left_out() -> None:
    """Family, rooms, those who declined and another provider's carers are not rostered."""
    roster = read(
        f"{ONE}\nATTENDEE;CN=Her daughter:mailto:may@home.example\n"
        "ATTENDEE;CN=Kit Lane:mailto:kit@kindred.example\n"
        "ATTENDEE;PARTSTAT=DECLINED:mailto:sam@bright.example\nATTENDEE;CUTYPE=ROOM:mailto:sam@bright.example"
    )
    assert [(row.carers, row.carers_required) for row in roster.rows] == [((), 1)]
    assert [str(warning) for warning in roster.warnings] == [
        "rota.ics:8: ATTENDEE: 'Her daughter' is no carer of this provider",
        "rota.ics:8: ATTENDEE: 'Kit Lane' is no carer of this provider",
    ]


def test_fields_of_our_own_say_what_calendars_cannot() -> None:
    """X-THRESHOLD-CARERS and X-THRESHOLD-TIER are a roster's carers_required and tier."""
    (row,) = rows(f"{ONE}\nX-THRESHOLD-CARERS:2\nX-THRESHOLD-TIER:Critical\nX-COLOUR:red")
    assert (row.carers_required, row.tier) == (2, Tier.CRITICAL)


def test_what_is_over_and_what_lies_too_far_ahead_is_left_out() -> None:
    """A visit under way is still one; the horizon's last date is the last."""
    event = f"UID:a\nDTSTART;{LONDON}:20261001T123000\nDURATION:PT1H\nRRULE:FREQ=DAILY"
    found = rows(event, last=date(2026, 10, 21))
    assert [row.service_date.day for row in found] == [19, 20, 21]
    assert [row.service_date.day for row in rows(event, last=date(2026, 10, 19))] == [19]


REFUSED = {
    "no UID": ("DTSTART:20261020T080000\nDURATION:PT30M", "rota.ics:4: UID: is missing"),
    "no start": ("UID:a\nDURATION:PT30M", "rota.ics:4: DTSTART: is missing"),
    "a whole day": ("UID:a\nDTSTART;VALUE=DATE:20261020", "rota.ics:6: DTSTART: is a whole day"),
    "no end": ("UID:a\nDTSTART:20261020T080000", "rota.ics:4: DTEND: lasts no time"),
    "end first": (
        "UID:a\nDTSTART:20261020T080000\nDTEND:20261020T073000",
        "rota.ics:7: DTEND: lasts no time",
    ),
    "two days": ("UID:a\nDTSTART:20261020T080000\nDTEND:20261022T080000", "lasts longer than a day"),
    "seconds": (
        "UID:a\nDTSTART:20261020T080030\nDURATION:PT30M",
        "rota.ics:6: DTSTART: begins or ends between",
    ),
    "a zone": (
        "UID:a\nDTSTART;TZID=Nowhere/City:20261020T080000\nDURATION:PT30M",
        "rota.ics:6: DTSTART: there is no time zone 'Nowhere/City'",
    ),
    "a date": ("UID:a\nDTSTART:2026-10-20T08:00", "rota.ics:6: DTSTART: Wrong datetime format"),
    "every second": (f"{ONE}\nRRULE:FREQ=SECONDLY", "rota.ics:8: RRULE: FREQ must be one of DAILY"),
    "no rule": (f"{ONE}\nRRULE:FREQ=OFTEN", "rota.ics:8: RRULE: Expected frequency"),
    "two rules": (
        f"{ONE}\nRRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY",
        "rota.ics:8: RRULE: is given more than once",
    ),
    "an old rule": (f"{ONE}\nEXRULE:FREQ=DAILY", "rota.ics:8: EXRULE: is no longer part of iCalendar"),
    "a crowd": (
        f"{ONE}\nX-THRESHOLD-CARERS:21",
        "rota.ics:8: X-THRESHOLD-CARERS: '21' is not a number from 1",
    ),
    "a tier": (f"{ONE}\nX-THRESHOLD-TIER:best", "rota.ics:8: X-THRESHOLD-TIER: 'best' is none of critical"),
    "a folded line": (
        "UID:a\nDESCRIPTION:a long\n  tale\nDTSTART:20261020T080000\nX-THRESHOLD-TIER:b\n est\nDURATION:PT5M",
        "rota.ics:9: X-THRESHOLD-TIER: 'best' is none of",
    ),
}


@pytest.mark.parametrize(("event", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_what_no_visit_can_be_made_of_is_refused_with_its_line(event: str, expected: str) -> None:
    """Each fault names the file, the line and the field."""
    (fault,) = faults(event)
    assert expected in fault


def test_every_fault_is_told_at_once() -> None:
    """Two bad events and a good one: two faults, each once however often the event recurs."""
    found = faults("UID:a\nDTSTART:20261020T080000\nRRULE:FREQ=DAILY;COUNT=9", ONE, "UID:b\nDURATION:PT5M")
    assert [fault.split(":")[1] for fault in found] == ["4", "14"]


def test_a_banner_over_whole_days_is_passed_over() -> None:
    """A whole day that takes no time, as bank holidays do, is no visit; it is told."""
    roster = read(ONE, "UID:h\nDTSTART;VALUE=DATE:20261225\nTRANSP:TRANSPARENT\nSUMMARY:Christmas")
    assert len(roster.rows) == 1
    assert [warning.sentence for warning in roster.warnings] == [
        "a whole day that takes no time is passed over"
    ]


@pytest.mark.parametrize(
    "text", [b"", b"hello", b"\xff\xfe", calendar(ONE)[:-20], calendar(ONE).replace(b"END:VEVENT\r\n", b"")]
)
def test_what_is_no_calendar_is_refused_in_one_line(text: bytes) -> None:
    """Whatever is given instead of a calendar, or of one cut short, is told in one line."""
    with pytest.raises(RosterErrors) as raised:
        read_calendar(text, "rota.ics", ESTATE, "pkg-ada", NOW, date(2026, 12, 14))
    (fault,) = raised.value.faults
    assert "iCalendar" in fault.sentence or "UTF-8" in fault.sentence


_LINES = """
BEGIN:VEVENT END:VEVENT BEGIN:VALARM END:VALARM UID:a DTSTART:20261020T080000 DTEND:20261020T083000
DTSTART;VALUE=DATE:20261020 DURATION:PT30M DURATION:-P1D RRULE:FREQ=DAILY RRULE:FREQ=YEARLY;BYMONTHDAY=30
EXDATE:20261021T080000Z EXDATE;VALUE=DATE:20261021 RDATE;VALUE=PERIOD:20261020T180000Z/PT1H STATUS:CANCELLED
RECURRENCE-ID:20261021T080000 RECURRENCE-ID;RANGE=THISANDFUTURE:20261021T080000 RDATE:20261020T180000
DTSTART;TZID=X:20261020T080000 ATTENDEE:mailto:joy@b RECURRENCE-ID;VALUE=DATE:20261021
DTSTART:99991231T235959Z"""


@given(st.lists(st.sampled_from(_LINES.split()), max_size=14))
def test_no_mixture_of_lines_crashes_the_reader(lines: list[str]) -> None:
    """Whatever stands in a calendar, it is read or refused."""
    body = "\r\n".join(
        ["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:z", *lines, "END:VEVENT", "END:VCALENDAR", ""]
    )
    with suppress(RosterErrors):
        read_calendar(body, "rota.ics", ESTATE, "pkg-ada", NOW, date(2026, 12, 14))
