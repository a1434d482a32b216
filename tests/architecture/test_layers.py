"""Decisions stay pure. The direction of imports itself is held by import-linter (pyproject.toml)."""

import tomllib

import grimp

from tests.architecture.sources import PROJECT

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
