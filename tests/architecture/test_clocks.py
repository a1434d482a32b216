"""Time is an argument."""

import re

from tests.architecture.sources import PACKAGES, PROJECT, calls, modules, tracked_files

WALL = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}
CLOCK = "app/clock.py"
SQL_CLOCKS = re.compile(
    r"\b(now\s*\(\s*\)|current_(timestamp|date|time)\b|localtimestamp|statement_timestamp)", re.I
)


def test_the_wall_clock_is_read_in_one_place() -> None:
    """Only app/clock.py asks the machine what time it is."""
    readers = [
        f"{module.place}:{line} {name}"
        for module in modules(*PACKAGES)
        for line, name in calls(module.tree)
        if any(name == wall or name.endswith(f".{wall}") for wall in WALL) and module.place != CLOCK
    ]
    assert readers == []


def test_sql_does_not_ask_for_the_time() -> None:
    """No named statement decides by the database's clock; `clock_timestamp()` only compares clocks."""
    askers = [
        f"{path.relative_to(PROJECT)}:{number}"
        for path in tracked_files()
        if path.suffix == ".sql" and not {"migrations", "tests"} & set(path.parts)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if SQL_CLOCKS.search(line.split("--")[0])
    ]
    assert askers == []
