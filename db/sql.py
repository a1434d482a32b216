"""Named SQL: every statement lives in a `queries.sql` beside its `store.py`, with a name and a sentence.

-- name: due_visits
-- Visits whose next look is due, oldest first, skipping rows that another sweep holds.
SELECT …;
"""

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import LiteralString

_NAME = re.compile(r"^-- name: ([a-z][a-z0-9_]*)\s*$", re.MULTILINE)


class NamedSqlError(ValueError):
    """A queries.sql that does not follow the form: a name twice, no sentence, no statement."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One named statement and the sentence that says what it does."""

    name: str
    sentence: str
    sql: LiteralString


def parse(text: str, source: str) -> dict[str, Statement]:
    """The statements of one queries.sql by name. Raises NamedSqlError naming `source`."""
    statements: dict[str, Statement] = {}
    marks = list(_NAME.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    for mark, end in zip(marks, ends, strict=False):
        name = mark.group(1)
        lines = text[mark.end() : end].strip().splitlines()
        sentence: list[str] = []
        while lines and lines[0].startswith("--"):
            sentence.append(lines.pop(0).removeprefix("--").strip())
        body = "\n".join(lines).strip().rstrip(";")
        if name in statements or not sentence or not body:
            raise NamedSqlError(f"{source}: statement '{name}' needs a name of its own, a sentence and SQL")
        statements[name] = Statement(name, " ".join(sentence), body)
    return statements


class Queries:
    """The statements of one package: `Q = Queries("care")`, then `Q["due_visits"]` is its SQL."""

    def __init__(self, package: str, file: str = "queries.sql") -> None:
        text = files(package).joinpath(file).read_text(encoding="utf-8")
        self.statements = parse(text, f"{package}/{file}")

    def __getitem__(self, name: str) -> LiteralString:
        return self.statements[name].sql
