"""Cursors: opaque, exact, and refused when they are none."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.paging import cut, decode, encode
from api.problem import Problem

MOMENT = datetime(2026, 11, 21, 8, 0, 0, 123456, tzinfo=UTC)


def test_a_cursor_gives_back_the_key_it_was_made_of() -> None:
    """Times keep their microseconds, numbers and texts themselves."""
    assert decode(encode(MOMENT, 2**62, "pkg/é/1"), datetime, int, str) == (MOMENT, 2**62, "pkg/é/1")


def test_no_cursor_is_the_beginning() -> None:
    """Without a cursor every part of the key is None."""
    assert decode(None, datetime, int) == (None, None)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "AAAA",
        "!!",
        "WzFd",
        encode(MOMENT),
        encode("x", 1),
        encode(MOMENT, True),
        encode(MOMENT, 2**63),
        encode("2026-11-21T08:00:00", 1),
        encode(MOMENT, 1, 2),
        "e30",
        "bnVsbA",
        "W1tbW1tbW1tbW10",
    ],
)
def test_what_no_list_gave_is_refused(cursor: str) -> None:
    """A cursor of another list, with another type or a time without an offset is a 422."""
    with pytest.raises(Problem) as refused:
        decode(cursor, datetime, int)
    assert refused.value.status == 422


@given(st.text(max_size=200))
def test_any_text_is_a_key_or_refused(text: str) -> None:
    """No text whatever raises anything but the refusal."""
    with suppress(Problem):
        decode(text, datetime, int)


def test_a_page_ends_where_more_follow() -> None:
    """One row more than the limit says that there is a next page, and is not on this one."""
    assert cut([1, 2, 3], 2) == ([1, 2], 2)
    assert cut([1, 2], 2) == ([1, 2], None)
    assert cut([], 2) == ([], None)
