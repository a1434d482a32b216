"""`threshold load` from the outside: what it prints, what it writes, how it fails."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.integration.care.world import HEADER, estate_text

ROW = "extra-1,pkg-ada,2031-01-02,12:00,12:30,2,joy,sam,critical,planned,\n"


@dataclass(frozen=True)
class Result:
    """How a command ended and what it said."""

    status: int | None
    out: str
    err: str


class Shell:
    """Runs `threshold` as a person would, against one database."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url

    def write(self, name: str, text: str) -> str:
        """A file of the folder; returns its name."""
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    async def threshold(self, *words: str) -> Result:
        """The command in a process of its own."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from app.cli import main; main()",
            *words,
            cwd=self.folder,
            env={**os.environ, "THRESHOLD_DATABASE_URL": self.url, "PYTHONPATH": str(Path.cwd())},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert b"Traceback" not in err, err.decode()
        return Result(process.returncode, out.decode(), err.decode())

    def count(self, table: str) -> int:
        """How many rows a table holds."""
        with psycopg.connect(self.url) as conn:
            row = conn.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def shell(tmp_path: Path, database_url: str) -> Shell:
    """A shell in an empty folder."""
    return Shell(tmp_path, database_url)


async def test_a_load_shows_the_difference_and_then_applies_it(shell: Shell) -> None:
    """A dry run writes nothing; the load says the same and writes it; a second one has nothing to change."""
    estate, roster = shell.write("estate.yaml", estate_text()), shell.write("roster.csv", HEADER + ROW)
    dry = await shell.threshold("load", estate, roster, "--dry-run")
    assert dry.status == 0, dry.err
    assert "organisations: 4 added" in dry.out
    assert "packages: 1 added" in dry.out
    assert ", each day: 1 added" in dry.out
    assert "visits of 2031-01-02: 1 added" in dry.out
    assert dry.out.rstrip().endswith("dry run: nothing was written")
    assert shell.count("organisation") == shell.count("visit") == 0

    loaded = await shell.threshold("load", estate, roster)
    assert loaded.out.splitlines()[:-1] == dry.out.splitlines()[:-1]
    assert loaded.out.rstrip().endswith("loaded")
    assert shell.count("visit") > 50

    again = await shell.threshold("load", estate, roster)
    assert (again.status, again.out.strip()) == (0, "nothing to change")


async def test_faults_are_lines_on_stderr_and_nothing_is_loaded(shell: Shell) -> None:
    """Every fault of every roster is one line with file, line and field; the exit status is 1."""
    estate = shell.write("estate.yaml", estate_text())
    one = shell.write("one.csv", HEADER + ROW.replace("2031-01-02", "02/01/2031"))
    two = shell.write("two.csv", HEADER + ROW.replace("pkg-ada", "pkg-bob"))
    result = await shell.threshold("load", estate, one, two)

    assert result.status == 1
    assert [line.split(": ")[:2] for line in result.err.splitlines()] == [
        ["one.csv:2", "service_date"],
        ["two.csv:2", "package"],
    ]
    assert shell.count("organisation") == 0


async def test_a_flood_of_faults_is_cut_short(shell: Shell) -> None:
    """A roster that is wrong in every row is told in fifty lines and a count."""
    estate = shell.write("estate.yaml", estate_text())
    roster = shell.write("bad.csv", HEADER + ROW.replace("12:00", "noon") * 500)
    result = await shell.threshold("load", estate, roster)
    assert len(result.err.splitlines()) == 51
    assert result.err.splitlines()[-1] == "and 450 more faults"


@pytest.mark.parametrize("name", ["nowhere.yaml", "."])
async def test_a_file_that_cannot_be_read_is_one_line(shell: Shell, name: str) -> None:
    """A missing file, or a folder in its place, is named in one line."""
    result = await shell.threshold("load", name)
    assert result.status == 1
    assert len(result.err.splitlines()) == 1
    assert name in result.err


async def test_full_needs_a_roster(shell: Shell) -> None:
    """`--full` without a roster is wrong usage."""
    assert (await shell.threshold("load", shell.write("e.yaml", estate_text()), "--full")).status == 2


async def test_a_full_roster_that_empties_a_day_names_the_day(shell: Shell) -> None:
    """The refusal names the day and both numbers, and says how to insist."""
    estate = shell.write("estate.yaml", estate_text())
    both = shell.write("both.csv", HEADER + ROW + ROW.replace("extra-1", "extra-2"))
    one = shell.write("one.csv", HEADER + ROW)
    assert (await shell.threshold("load", estate, both)).status == 0
    refused = await shell.threshold("load", estate, one, "--full")
    assert refused.status == 1
    assert refused.err.splitlines()[0] == "one.csv: 2031-01-02: would cancel 1 of 2 visits"
    assert "--force" in refused.err

    assert (await shell.threshold("load", estate, one, "--full", "--force")).status == 0


async def test_a_database_that_is_behind_or_away_is_one_line(tmp_path: Path, empty_database_url: str) -> None:
    """Neither a schema that lacks migrations nor a database that is not there shows a traceback."""
    behind = Shell(tmp_path, empty_database_url)
    estate = behind.write("estate.yaml", estate_text())
    result = await behind.threshold("load", estate)
    assert (result.status, len(result.err.splitlines())) == (1, 1)
    assert "threshold migrate" in result.err

    away = await Shell(tmp_path, "postgresql://127.0.0.1:1/none").threshold("load", estate)
    assert (away.status, len(away.err.splitlines())) == (1, 1)
    assert "does not answer" in away.err


def rota(*events: str) -> str:
    """A calendar of these events."""
    body = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Rota//EN\n{body}END:VCALENDAR\n"


NOON = "UID:noon@rota\nDTSTART:20200101T120000\nDURATION:PT30M\nRRULE:FREQ=DAILY"


async def test_a_calendar_is_loaded_for_the_estate_that_stands(shell: Shell) -> None:
    """No estate file is needed; the same again changes nothing; an emptied calendar is refused."""
    estate = shell.write("estate.yaml", estate_text(visits="[]"))
    await shell.threshold("load", estate)
    calendar = shell.write("rota.ics", rota(NOON))
    dry = await shell.threshold("load", calendar, "--package", "pkg-ada", "--dry-run")
    assert (dry.status, shell.count("visit")) == (0, 0), dry.err
    loaded = await shell.threshold("load", calendar, "--package", "pkg-ada")
    assert "each day: 1 added" in loaded.out
    assert shell.count("visit") >= 56
    again = await shell.threshold("load", calendar, "--package", "pkg-ada")
    assert (again.status, again.out.strip()) == (0, "nothing to change")

    empty = shell.write("empty.ics", rota())
    refused = await shell.threshold("load", empty, "--package", "pkg-ada")
    assert refused.status == 1
    assert "visits to come that it made" in refused.err.splitlines()[0]
    assert "--force" in refused.err
    beside = await shell.threshold("load", estate, empty, "--package", "pkg-ada", "--force")
    assert "each day: 1 cancelled" in beside.out, beside.err


async def test_a_calendar_wants_its_package(shell: Shell) -> None:
    """Without --package, or with it and no calendar, it is wrong usage; an unknown package is a fault."""
    calendar = shell.write("rota.ics", rota(NOON))
    estate = shell.write("estate.yaml", estate_text())
    assert (await shell.threshold("load", estate, calendar)).status == 2
    assert (await shell.threshold("load", estate, "--package", "pkg-ada")).status == 2
    unknown = await shell.threshold("load", estate, calendar, "--package", "pkg-bob")
    assert (unknown.status, unknown.err.strip()) == (
        1,
        "--package: there is no package 'pkg-bob' in the estate",
    )
    wrong = shell.write("wrong.ics", rota(NOON.replace("DURATION:PT30M\n", "")))
    result = await shell.threshold("load", estate, wrong, "--package", "pkg-ada")
    assert (result.status, result.err.strip()) == (1, "wrong.ics:4: DTEND: lasts no time")
    assert shell.count("organisation") == 0
