"""The place in the live stream that a browser hands back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.feed import Cursor


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_cursor_survives_its_text_form(xid: int, row: int) -> None:
    """What was sent as an event id is understood when it comes back."""
    assert Cursor.parse(str(Cursor(xid, row))) == Cursor(xid, row)


@pytest.mark.parametrize(
    "text", ["", "7", "7-", "-7", "a-b", "1-2-3", "１-２", "1-" + "9" * 19, "1-" + "9" * 60]
)
def test_foreign_text_is_no_cursor(text: str) -> None:
    """Any other text is none of ours, and no error."""
    assert Cursor.parse(text) is None
