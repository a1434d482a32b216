"""Times and texts that callers send."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from api.inputs import Identifier, Moment, Text, moment
from api.masking import without_pins


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T09:07:00+01:00",
        "2026-11-21T08:07:00Z",
        "2026-11-21t08:07:00z",
        "2026-11-21 08:07:00Z",
        "2026-11-21T09:07:00 01:00",
        "2026-11-21T08:07:00.000000000Z",
    ],
)
def test_a_time_with_its_offset_is_that_moment_in_utc(text: str) -> None:
    """Every spelling of RFC 3339 is the same moment; a plus that a query turned into a space is a plus."""
    found = moment(text)
    assert found == datetime(2026, 11, 21, 8, 7, tzinfo=UTC)
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-21T08:07:00",
        "2026-11-21",
        "08:07",
        "",
        "now",
        1763712000,
        1763712000.5,
        None,
        True,
        "2026-02-30T00:00:00Z",
        "2026-11-21T24:30:00Z",
        "0001-01-01T00:00:00+14:00",
        "2026-11-21T08:07:00+25:00",
    ],
)
def test_what_is_no_moment_is_refused_in_words(value: object) -> None:
    """A time without an offset, a number and a date that does not exist are refused, never guessed."""
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Moment).validate_python(value)
    assert "Value error" in str(refused.value)


@given(st.datetimes(timezones=st.just(timezone(timedelta(hours=5, minutes=45)))))
def test_every_moment_that_utc_can_write_comes_back(value: datetime) -> None:
    """What is written with an offset is read as the same moment."""
    try:
        expected = value.astimezone(UTC)
    except OverflowError:
        return
    assert moment(value.isoformat(timespec="microseconds")) == expected


@pytest.mark.parametrize("text", ["", "   ", "a\0b", "\ud800", "x" * 2001])
def test_a_text_that_cannot_be_kept_is_refused(text: str) -> None:
    """No words, too many, or characters that the database has no place for."""
    with pytest.raises(ValidationError):
        TypeAdapter(Text).validate_python(text)


def test_a_text_loses_its_margins_and_an_id_nothing() -> None:
    """Notes are trimmed; an id is compared as it came."""
    assert TypeAdapter(Text).validate_python("  rang twice ") == "rang twice"
    assert TypeAdapter(Identifier).validate_python(" hub ") == " hub "


@pytest.mark.parametrize(
    ("credential", "shown"),
    [("pin:4711", "pin:…"), ("fob:04A1B2", "fob:04A1B2"), ("4711", "…"), ("code:1", "code:…"), ("", "…")],
)
def test_a_pin_is_shown_to_nobody(credential: str, shown: str) -> None:
    """Only what one must hold is shown; what one may know by heart is cut down to its kind."""
    data = {"credential": credential, "method": "x"}
    assert without_pins(data) == {"credential": shown, "method": "x"}
    assert data["credential"] == credential  # the event itself stays as it is


def test_data_without_a_credential_is_shown_whole() -> None:
    """Nothing else is touched."""
    assert without_pins({"queued": 0}) == {"queued": 0}
    assert without_pins({"credential": 5}) == {"credential": 5}
