"""A world as the four files of a backtest."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from tests.support.oracle.model import World
from tests.support.oracle.read import read_world

COLUMNS = [
    "visit_ref",
    "package",
    "service_date",
    "start",
    "end",
    "carers_required",
    "carer_1",
    "carer_2",
    "tier",
    "status",
    "changed_at",
]


def stamp(moment: datetime) -> str:
    """A moment as homes write it."""
    return moment.astimezone(UTC).isoformat()


@dataclass
class Files:
    """A world as it is written down; each list may be thinned out to find what matters."""

    estate: dict[str, Any]
    roster: list[dict[str, str]]
    events: list[Any]
    policy: dict[str, Any] = field(default_factory=dict)
    until: str | None = None
    separator: str = ","

    def write(self, folder: Path) -> tuple[Path, Path, Path, Path]:
        """Write the four files, and say where."""
        paths = (
            folder / "estate.yaml",
            folder / "roster.csv",
            folder / "events.jsonl",
            folder / "policy.toml",
        )
        paths[0].write_text(yaml.safe_dump(self.estate, sort_keys=False), "utf-8")
        lines = [self.separator.join(COLUMNS)]
        lines += [self.separator.join(row[column] for column in COLUMNS) for row in self.roster]
        paths[1].write_text("\n".join(lines) + "\n", "utf-8")
        said = [line if isinstance(line, str) else json.dumps(line) for line in self.events]
        paths[2].write_text("\n".join(said) + "\n", "utf-8")
        paths[3].write_text(toml(self.policy), "utf-8")
        return paths

    def read(self, until: datetime) -> World:
        """The world as the oracle reads it."""
        with TemporaryDirectory() as folder:
            estate, roster, events, policy = self.write(Path(folder))
            return read_world(estate, roster, events, policy, stamp(until))

    def copy(self) -> Files:
        """The same again, to be changed."""
        return deepcopy(self)


def toml(policy: dict[str, Any]) -> str:
    """A policy as TOML: plain keys first, then its tables."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in policy.items() if not isinstance(value, dict)]
    for group in ("tiers", "packages"):
        for name, values in policy.get(group, {}).items():
            lines.append(f"[{group}.{name}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"
