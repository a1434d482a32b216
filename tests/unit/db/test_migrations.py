"""Which migration concerns which edition."""

import pytest

from db.migrate import Edition, migration_files, wanted_by


@pytest.mark.parametrize(
    ("name", "editions"),
    [
        ("0001_schema.sql", set(Edition)),
        ("0002_hypertable.timescale.sql", {Edition.APACHE, Edition.COMMUNITY}),
        ("0003_compression.community.sql", {Edition.COMMUNITY}),
    ],
)
def test_infix_names_the_edition(name: str, editions: set[Edition]) -> None:
    """A file without an infix is for all, `.timescale` for both licences, `.community` for one."""
    assert {edition for edition in Edition if wanted_by(name, edition)} == editions


def test_files_are_numbered_without_a_gap() -> None:
    """Numbers count up from 1, each once."""
    assert [int(name[:4]) for name in migration_files()] == list(range(1, len(migration_files()) + 1))
