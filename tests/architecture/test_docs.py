"""The pages keep up with what they describe."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel

from app import cli
from app.settings import Settings
from gateway.topics import Topics
from tests.architecture.sources import PACKAGES, PROJECT, dotted, modules, tracked_files

DOCS = PROJECT / "docs"
METRICS = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}


@cache
def page(name: str) -> str:
    """A page of docs/; empty when nobody has written it, so that the tests list all that it lacks."""
    path = DOCS / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def settings_variables(model: type[BaseModel] = Settings, prefix: str = "THRESHOLD_") -> Iterator[str]:
    """Every environment variable that is a setting."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings_variables(field.annotation, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}"


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command that can be typed, with its words: "hub enrol". Typer brings its own copy of click."""
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from commands(child, (*words, name))
    else:
        yield " ".join(words), command


def metrics() -> Iterator[str]:
    """Every metric that a module makes, by the name that Prometheus shows."""
    for module in modules(*PACKAGES):
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            kind, name = dotted(node.func), node.args[0]
            if kind in METRICS and isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield f"{name.value}_total" if kind == "Counter" else name.value


def test_every_setting_is_described() -> None:
    """docs/settings.md names every setting, and no setting that there is not."""
    described = set(re.findall(r"`(THRESHOLD_\w+)`", page("settings.md")))
    real = set(settings_variables())
    assert (sorted(real - described), sorted(described - real)) == ([], [])


def test_every_command_is_described() -> None:
    """docs/cli.md has a heading for every command, and below it each of its options and arguments."""
    cli._register()
    missing = []
    for words, command in commands(typer.main.get_command(cli.cli)):
        section = re.search(rf"^#+ `threshold {words}\b.*?(?=^#+ `threshold|\Z)", page("cli.md"), re.M | re.S)
        if section is None:
            missing.append(f"threshold {words}")
            continue
        for parameter in command.params:
            shown = parameter.opts[-1] if parameter.param_type_name == "option" else parameter.name.upper()
            if shown != "--help" and shown not in section[0]:
                missing.append(f"threshold {words}: {shown}")
    assert missing == []


def test_every_metric_is_described() -> None:
    """docs/metrics.md names every metric, and no metric that there is not."""
    described = set(re.findall(r"`(threshold_\w+)`", page("metrics.md")))
    real = set(metrics())
    assert (sorted(real - described), sorted(described - real)) == ([], [])


def test_every_topic_is_described() -> None:
    """Some page names each topic of a hub."""
    pages = "".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md"))
    topics = Topics()
    wanted = [getattr(topics, leaf)("<hub>") for leaf in ("events", "status", "receipts", "commands")]
    assert [topic for topic in wanted if topic not in pages] == []


@pytest.mark.parametrize(
    "path",
    [path for path in tracked_files() if path.suffix == ".md"],
    ids=lambda path: str(path.relative_to(PROJECT)),
)
def test_every_link_leads_somewhere(path: Path) -> None:
    """A relative link on a page leads to a file that exists."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    local = [link.split("#")[0] for link in links if not re.match(r"[a-z]+:|#", link)]
    assert [link for link in local if not (path.parent / link).exists()] == []


def test_the_page_of_folders_knows_every_package() -> None:
    """The README's map names every top-level package."""
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert [package for package in PACKAGES if f"{package}/" not in readme] == []
