"""What a test must say."""

import ast

from tests.architecture.sources import Module, modules


def _tests(module: Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]


def test_every_test_states_its_truth() -> None:
    """Each test has a docstring: the sentence that is true while it passes."""
    silent = [
        f"{module.place}:{test.lineno} {test.name}"
        for module in modules("tests")
        if module.path.name.startswith("test_")
        for test in _tests(module)
        if not ast.get_docstring(test)
    ]
    assert silent == []


def test_no_test_replaces_the_database_or_the_broker() -> None:
    """Nothing of ours is mocked: the outside world is played by real servers of tests/support."""
    users = [module.place for module in modules("tests") if "mock" in module.imported()]
    users += [
        module.place
        for module in modules("tests")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unittest.mock")
    ]
    assert users == []
