"""The roster: as people and spreadsheets write it, and what is refused (contract §4)."""

from contextlib import suppress
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.errors import RosterErrors
from care.model import Plan, RosterRow, Tier
from care.roster import Known, Roster, read_roster

KNOWN = Known(
    packages={"pkg-ada": frozenset({"morning"}), "pkg-bob": frozenset({"morning"})},
    providers={"pkg-ada": "bright", "pkg-bob": "bright"},
    carers={"joy": "bright", "sam": "bright", "kit": "kindred"},
)
HEADER = "visit_ref,package,service_date,start,end,carers_required,carer_1,carer_2,tier,status,changed_at\n"
ROW = "v1,pkg-ada,2026-11-21,08:00,08:30,2,joy,sam,critical,planned,2026-11-20T10:00:00+01:00\n"


def read(text: str | bytes) -> Roster:
    """The roster in `text`."""
    return read_roster(text, "roster.csv", KNOWN)


def rows(text: str | bytes) -> tuple[RosterRow, ...]:
    """Its rows."""
    return read(text).rows


def faults(text: str | bytes) -> list[str]:
    """What is wrong with it, as people read it."""
    with pytest.raises(RosterErrors) as raised:
        read(text)
    return [str(fault) for fault in raised.value.faults]


def test_every_column_is_read() -> None:
    """A full row comes out as it was written, its moment of change in UTC."""
    assert rows(HEADER + ROW) == (
        RosterRow(
            "v1",
            "pkg-ada",
            date(2026, 11, 21),
            time(8),
            time(8, 30),
            2,
            ("joy", "sam"),
            Tier.CRITICAL,
            Plan.PLANNED,
            datetime(2026, 11, 20, 9, tzinfo=UTC),
        ),
    )


def test_what_is_empty_has_its_default() -> None:
    """One carer, nobody named, the package's tier, planned, never late."""
    (row,) = rows(HEADER + "v1,pkg-ada,2026-11-21,23:30,00:15,,,,,,\n")
    assert (row.carers_required, row.carers, row.tier, row.plan, row.changed_at) == (
        1,
        (),
        None,
        Plan.PLANNED,
        None,
    )
    assert (row.start, row.end) == (time(23, 30), time(0, 15))


def test_columns_that_may_be_left_out_and_come_in_any_order() -> None:
    """Only five columns are needed; others that we do not know are ignored; names may be in capitals."""
    (row,) = rows("End,START,service_date,mileage,package,visit_ref\n8:30,8:00,2026-11-21,12,pkg-ada,v1\n")
    assert (row.start, row.end) == (time(8), time(8, 30))


EXCEL = [
    HEADER + ROW,
    "\ufeff" + HEADER + ROW,
    (HEADER + ROW).replace(",", ";"),
    "sep=;\r\n" + (HEADER + ROW).replace(",", ";").replace("\n", "\r\n"),
    HEADER + ROW.replace("08:00", '"=""08:00"""').replace("v1", '"v1"'),
    HEADER + ROW.replace("08:00,08:30", "8:00,08:30:00"),
    HEADER + ROW + ",,,,,,,,,,\n\n",
    HEADER.replace(",", " , ") + ROW.replace(",", " , "),
    (HEADER + ROW).rstrip("\n"),
]


@pytest.mark.parametrize("text", EXCEL)
def test_what_spreadsheets_make_of_it_is_the_same_roster(text: str) -> None:
    """Byte order mark, semicolons, `sep=;`, formula quotes, seconds, blank rows: all the same row."""
    assert rows(text) == rows(HEADER + ROW)
    assert rows(text.encode()) == rows(HEADER + ROW)


ONE_FAULT = [
    ("2026-11-21", "21/11/2026", "service_date", "not guessed"),
    ("2026-11-21", "11/21/2026", "service_date", "not guessed"),
    ("2026-11-21", "21.11.26", "service_date", "not guessed"),
    ("2026-11-21", "2026-13-01", "service_date", "calendar"),
    ("2026-11-21", "", "service_date", "is missing"),
    ("pkg-ada", "pkg-cat", "package", "no package 'pkg-cat'"),
    ("08:00", "8 o'clock", "start", "wall time"),
    ("08:00", "24:00", "start", "wall time"),
    ("08:30", "", "end", "is missing"),
    (",2,", ",0,", "carers_required", "from 1 to 20"),
    (",2,", ",two,", "carers_required", "from 1 to 20"),
    (",2,", ",²,", "carers_required", "from 1 to 20"),
    ("critical", "urgent", "tier", "urgent"),
    ("planned", "maybe", "status", "maybe"),
    ("+01:00", "", "changed_at", "no offset"),
    ("2026-11-20T10:00:00+01:00", "yesterday", "changed_at", "not a time"),
    ("v1", "", "visit_ref", "is missing"),
    ("v1", "pkg-bob/morning/2026-11-21", "visit_ref", "an occurrence of package 'pkg-bob'"),
    ("v1", "v" * 201, "visit_ref", "longer than 200"),
    ("+01:00\n", "+01:00,more,and more\n", "", "13 fields under 11 columns"),
]


@pytest.mark.parametrize(("old", "new", "field", "words"), ONE_FAULT)
def test_a_fault_names_line_field_and_what_is_wrong(old: str, new: str, field: str, words: str) -> None:
    """Each single fault is told in one sentence that says where it stands."""
    (found,) = faults(HEADER + ROW + ROW.replace(old, new, 1))
    assert found.startswith(f"roster.csv:3: {field}: " if field else "roster.csv:3: ")
    assert words in found


def test_every_fault_is_told_at_once() -> None:
    """A roster is read to its end, so that one run names all that is wrong with it."""
    bad = ROW.replace("2026-11-21", "21/11/2026").replace("critical", "urgent")
    assert len(faults(HEADER + bad + ROW + bad)) == 4


def test_a_missing_column_is_one_fault_and_not_one_for_each_row() -> None:
    """A header without a needed column is told once."""
    assert faults("visit_ref,package,start,end\n" + "v1,pkg-ada,08:00,08:30\n" * 100) == [
        "roster.csv:1: service_date: this column is missing in the header"
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "header row"),
        (b"\n\n", "header row"),
        ((HEADER + ROW).encode("utf-16"), "UTF-16"),
        ((HEADER + ROW.replace("joy", "J\xf6y")).encode("cp1252"), "roster.csv:2: not UTF-8"),
        ((HEADER + '"v1,pkg-ada').encode(), "roster.csv:2: not CSV"),
        ((HEADER + HEADER.strip() + "x" * 200_000).encode(), "not CSV"),
    ],
)
def test_what_is_no_roster_is_one_clear_fault(text: bytes, words: str) -> None:
    """An empty file, another encoding, a quote that never ends: one line each."""
    (found,) = faults(text)
    assert words in found


def test_a_quoted_line_break_does_not_shift_the_lines() -> None:
    """A field may hold a line break; faults after it still name the line of the file."""
    text = (
        "visit_ref,package,service_date,start,end,note\n" + 'v1,pkg-ada,2026-11-21,08:00,08:30,"two\nlines"\n'
    )
    (found,) = faults(text + "v2,pkg-cat,2026-11-21,08:00,08:30,\n")
    assert found.startswith("roster.csv:4: package")


def test_carers_whom_the_estate_does_not_hold_are_a_warning() -> None:
    """Rosters run ahead of estates: an unknown carer, or another provider's, is told and taken."""
    roster = read(HEADER + ROW.replace("joy,sam", "zoe,kit"))
    assert roster.rows[0].carers == ("zoe", "kit")
    assert [str(warning) for warning in roster.warnings] == [
        "roster.csv:2: carer: there is no carer 'zoe' in the estate",
        "roster.csv:2: carer: carer 'kit' works for 'kindred', the package is with 'bright'",
    ]


def test_rows_stay_in_the_order_of_the_file() -> None:
    """The last row of a ref counts, so the order is kept."""
    text = HEADER + ROW + ROW.replace("08:00,08:30", "09:00,09:30")
    assert [row.start for row in rows(text)] == [time(8), time(9)]


def test_two_hundred_thousand_rows_are_taken() -> None:
    """A county's roster is one file."""
    assert len(rows(HEADER + ROW * 200_000)) == 200_000


@given(
    st.one_of(
        st.text(max_size=200), st.binary(max_size=200), st.text(max_size=100).map((HEADER + ROW).__add__)
    )
)
def test_nothing_crashes_the_reader(text: str | bytes) -> None:
    """Any text at all is a roster or a list of faults."""
    with suppress(RosterErrors):
        read(text)
