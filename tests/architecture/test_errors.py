"""Errors are caught where they are understood."""

import ast

from tests.architecture.sources import PACKAGES, modules

OUTERMOST = {
    ("app/loops.py", "_round"),
    ("ingest/writer.py", "_write_singly"),
}
"""Where everything is caught, counted and logged, because a loop must live on: (module, function)."""


def test_everything_is_caught_in_listed_places_only() -> None:
    """Outside the outermost frame of a loop, no handler takes every error and keeps it."""
    broad = {
        (module.place, function)
        for module in modules(*PACKAGES)
        for function, handler in _handlers(module.tree)
        if _takes_everything(handler) and not _passes_on(handler)
    }
    assert broad == OUTERMOST


def _handlers(tree: ast.Module) -> list[tuple[str, ast.ExceptHandler]]:
    found: list[tuple[str, ast.ExceptHandler]] = []

    def visit(node: ast.AST, function: str) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        if isinstance(node, ast.ExceptHandler):
            found.append((function, node))
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(tree, "<module>")
    return found


def _takes_everything(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException"))
        for kind in kinds
    )


def _passes_on(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None
