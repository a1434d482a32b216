"""Named SQL."""

import pytest

from db.sql import NamedSqlError, Queries, parse


def test_statement_carries_its_name_and_sentence() -> None:
    """A statement is found by its name, with its sentence apart from its SQL."""
    found = parse(
        "-- name: a_b\n-- Says\n-- so.\nSELECT 1\n  AS one;\n\n-- name: c\n-- Next.\nSELECT 2;\n", "x"
    )
    assert (found["a_b"].sentence, found["a_b"].sql) == ("Says so.", "SELECT 1\n  AS one")
    assert found["c"].sql == "SELECT 2"


@pytest.mark.parametrize(
    "text",
    [
        "-- name: a\nSELECT 1;\n",
        "-- name: a\n-- Only a sentence.\n",
        "-- name: a\n-- One.\nSELECT 1;\n-- name: a\n-- Two.\nSELECT 2;\n",
    ],
    ids=["no sentence", "no statement", "name twice"],
)
def test_malformed_file_is_refused(text: str) -> None:
    """A statement without sentence, body or a name of its own is refused, naming the file."""
    with pytest.raises(NamedSqlError, match=r"care/queries\.sql: statement 'a'"):
        parse(text, "care/queries.sql")


def test_own_statements_load() -> None:
    """The package's own file follows the form."""
    assert "append_feed" in Queries("db").statements
