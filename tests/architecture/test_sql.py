"""Every statement has a name, a sentence, a caller, and fits the schema."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from db.copy import HEADER, TRAILER
from db.sql import Statement, parse
from tests.architecture.sources import PACKAGES, PROJECT, modules, tracked_files
from tests.support.postgres import Cluster

FILES = [
    path
    for path in tracked_files()
    if path.suffix == ".sql"
    and path.relative_to(PROJECT).parts[0] in PACKAGES
    and "migrations" not in path.parts
]
STATEMENTS = [
    pytest.param(statement, id=f"{path.relative_to(PROJECT)}:{statement.name}")
    for path in FILES
    for statement in parse(path.read_text(encoding="utf-8"), str(path)).values()
]
PARAMETER = re.compile(r"%\((\w+)\)[sbt]")
VERBS = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b")


def test_every_package_keeps_its_sql_in_named_files() -> None:
    """There are statements, and each .sql file outside the migrations parses as named ones."""
    assert {path.parts[len(PROJECT.parts)] for path in FILES} >= {"db", "ingest", "care", "alerts", "api"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_statement_has_a_sentence_and_a_caller(path: Path) -> None:
    """Each statement's comment is a sentence, and some module asks for it by name."""
    code = "".join(module.path.read_text(encoding="utf-8") for module in modules(*PACKAGES))
    for statement in parse(path.read_text(encoding="utf-8"), str(path)).values():
        assert re.fullmatch(r"[A-Z(].*[.:;)]", statement.sentence), (
            f"{statement.name}: {statement.sentence!r}"
        )
        assert f'"{statement.name}"' in code, f"nobody asks for {statement.name}"


@pytest.mark.parametrize("statement", STATEMENTS)
def test_every_statement_fits_the_schema(statement: Statement, schema: psycopg.Connection) -> None:
    """PostgreSQL accepts each statement against the migrated schema, and knows each argument's type."""
    names = list(dict.fromkeys(PARAMETER.findall(statement.sql)))
    numbered = PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", statement.sql).replace("%%", "%")
    with schema.transaction(force_rollback=True):
        if statement.sql.startswith("COPY"):  # it cannot be prepared, but be given no rows
            with schema.cursor().copy(statement.sql.encode()) as copy:
                copy.write(HEADER + TRAILER)
            return
        schema.execute(f"PREPARE statement AS {numbered}".encode())
        schema.execute("DEALLOCATE statement")


@pytest.fixture(scope="module")
def schema(request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    """A connection to one migrated database for all statements: PREPARE changes nothing."""

    cluster: Cluster = request.getfixturevalue("postgres")
    with cluster.migrated() as url, psycopg.connect(url, autocommit=True) as connection:
        yield connection


def test_sql_lives_in_sql_files() -> None:
    """No statement is written out in Python, but for the few that are the connection's own business."""
    allowed = {"db/migrate.py", "db/caller.py", "db/wake.py", "app/embedded/postgres.py"}
    written = [
        f"{module.place}:{node.lineno}"
        for module in modules(*PACKAGES)
        if module.place not in allowed
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("execute", "executemany", "copy")
        for argument in node.args[:1]
        if isinstance(argument, ast.Constant | ast.JoinedStr) and VERBS.search(ast.unparse(argument))
    ]
    assert written == []
