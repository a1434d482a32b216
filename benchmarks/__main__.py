"""Runs the parts one after the other: each has the machine to itself but for its own database and broker.

python -m benchmarks [PART …]
"""

import asyncio
import json
import os
import platform
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from app.clock import system_clock
from benchmarks.figures import Figure, Part

PARTS = ("intake", "latency", "sweep", "homes", "alerts", "backtest")
"""Modules of this package, each with `run() -> figures`."""
WHEN_NAMED = ("county", "month")
"""Those that take too long to be run unasked."""


def part(name: str) -> Part:
    """The benchmark of that name."""
    run: Part = import_module(f"benchmarks.{name}").run
    return run


def write(figures: list[Figure], path: Path) -> None:
    """The figures with the machine they were measured on: numbers of two machines are not to be compared."""
    report = {
        "at": system_clock().isoformat(),
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "system": platform.platform(),
        },
        "figures": [{**asdict(one), "value": round(one.value, 3)} for one in figures],
    }
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")


def main() -> int:
    """Measures what is asked for, or everything. A part that fails is named, and the rest go on."""
    console = Console()
    wanted = sys.argv[1:] or list(PARTS)
    if unknown := [name for name in wanted if name not in PARTS + WHEN_NAMED]:
        console.print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS + WHEN_NAMED)}")
        return 2
    figures: list[Figure] = []
    failed = 0
    for name in wanted:
        console.print(f"measuring {name} …")
        try:
            figures += asyncio.run(part(name)())
        except (OSError, RuntimeError, TimeoutError) as error:
            console.print(f"{name} failed: {error}", markup=False)
            failed += 1
    table = Table("part", "what", "value", "unit", "aim", "", box=None, pad_edge=False)
    table.columns[2].justify = "right"
    for one in figures:
        table.add_row(one.part, one.name, f"{one.value:,.1f}", one.unit, one.aim, one.beside)
    console.print(table)
    write(figures, Path("bench.json"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
