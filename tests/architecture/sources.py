"""What the architecture tests read: the project's own files."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PACKAGES = ("gateway", "ingest", "care", "alerts", "api", "console", "app", "db", "device_sim")


@dataclass(frozen=True)
class Module:
    """One Python file."""

    path: Path
    tree: ast.Module

    @property
    def name(self) -> str:
        """Its dotted name."""
        return ".".join(self.path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")

    @property
    def place(self) -> str:
        """Its path in the project."""
        return str(self.path.relative_to(PROJECT))

    def imported(self) -> set[str]:
        """The top-level names of all that it imports, wherever in the file."""
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
        return found


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Every module of these folders of the project."""
    paths = sorted(path for folder in folders for path in (PROJECT / folder).rglob("*.py"))
    return tuple(Module(path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths)


def calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every call whose function is a plain dotted name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name is not None:
                yield node.lineno, name


def dotted(node: ast.AST) -> str | None:
    """`a.b.c` of an attribute chain on a plain name, else None."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


@cache
def tracked_files() -> tuple[Path, ...]:
    """The files of the project as git knows them, new ones included; without git, all but what is built."""
    try:
        listed = subprocess.run(
            ["git", "-C", str(PROJECT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        ignored = {".git", ".venv", "__pycache__", "node_modules", ".threshold"}
        found = (path for path in PROJECT.rglob("*") if path.is_file())
        return tuple(sorted(path for path in found if not ignored.intersection(path.parts)))
    paths = (PROJECT / name for name in listed.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))
