"""Decisions stay pure. The direction of imports itself is held by import-linter (pyproject.toml)."""

import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import grimp

from tests.architecture.sources import PACKAGES, PROJECT, modules

DECIDING = ("alerts", "care")


def test_every_decision_is_held_to_purity() -> None:
    """A module of care or alerts reaches database, loop or metrics, or is in the contract."""
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (pure,) = (contract for contract in contracts if "Decisions" in contract["name"])
    graph = grimp.build_graph(*DECIDING, "db", include_external_packages=True)
    impure = {name for name in graph.modules if name.split(".")[0] in pure["forbidden_modules"]}
    unlisted = [
        name
        for name in sorted(graph.modules)
        if name.split(".")[0] in DECIDING
        and name not in DECIDING
        and name not in pure["source_modules"]
        and not graph.find_upstream_modules(name) & impure
    ]
    assert unlisted == [], "add these to the contract 'Decisions are functions of data and now'"


EMBEDDED = {"app/embedded", "app/demo"}
"""What only the embedded edition and the demonstration need is an extra of the package."""


def test_the_image_has_what_the_service_imports() -> None:
    """Every library that the service imports is in the lock of its image, but for the embedded edition's."""
    lock = (PROJECT / "deploy" / "requirements-run.lock").read_text()
    locked = {name.lower().replace("_", "-") for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    distributions = packages_distributions()
    missing = {
        f"{module.place} imports {name}"
        for module in modules(*PACKAGES)
        if not any(module.place.startswith(folder) for folder in EMBEDDED)
        for name in module.imported() - sys.stdlib_module_names - set(PACKAGES)
        if not {found.lower().replace("_", "-") for found in distributions.get(name, [])} & locked
    }
    assert missing == set()
