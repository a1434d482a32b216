"""Errors are caught where they are understood."""

import ast

from tests.architecture.sources import PACKAGES, modules

OUTERMOST = {"sweep.py", "worker.py", "loops.py", "writer.py", "judging.py"}
"""Modules of loops that must live on: there one round, batch or row may fail in any way at all."""


def test_everything_is_caught_in_loops_only() -> None:
    """Outside the modules of loops, no handler takes every error and keeps it."""
    elsewhere = [
        f"{module.place}:{handler.lineno} {function}"
        for module in modules(*PACKAGES)
        if module.path.name not in OUTERMOST
        for function, handler in _handlers(module.tree)
        if _takes_everything(handler) and not _passes_on(handler)
    ]
    assert elsewhere == []


def test_what_is_caught_so_is_told() -> None:
    """A handler that takes every error logs it with its traceback."""
    silent = [
        f"{module.place}:{handler.lineno} {function}"
        for module in modules(*PACKAGES)
        for function, handler in _handlers(module.tree)
        if _takes_everything(handler) and not _passes_on(handler) and not _tells(handler)
    ]
    assert silent == []


def _tells(handler: ast.ExceptHandler) -> bool:
    for node in ast.walk(handler):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            with_traceback = any(keyword.arg == "exc_info" for keyword in node.keywords)
            if node.func.attr == "exception" or with_traceback:
                return True
    return False


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
