"""What a Python file imports, read from its text; nothing is executed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from mizzen.adapters.backends import BACKENDS


@dataclass(frozen=True, slots=True)
class Imports:
    """Absolute module names, some of which may be names inside a module.

    `outer`: run when the module is imported. `inner`: inside functions, and the back ends that
    the module loads from the table.
    """

    outer: tuple[str, ...]
    inner: tuple[str, ...]


def imports_of(source: bytes, module: str, is_package: bool) -> Imports:
    """The imports of a module's text, without those for type checkers only."""
    package = module if is_package else module.rpartition(".")[0]
    outer: set[str] = set()
    inner: set[str] = set()
    for node, nested in _nodes(ast.parse(source), False):
        (inner if nested else outer).update(_named(node, package))
        inner.update(_loaded(node))
    return Imports(tuple(sorted(outer)), tuple(sorted(inner)))


def _nodes(node: ast.AST, nested: bool) -> Iterator[tuple[ast.AST, bool]]:
    yield node, nested
    if isinstance(node, ast.If) and _for_types(node.test):
        children: Iterator[ast.AST] = iter(node.orelse)
    else:
        children = ast.iter_child_nodes(node)
    nested = nested or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in children:
        yield from _nodes(child, nested)


def _for_types(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _named(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = _absolute(node, package)
        yield from (f"{base}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and _called(node) == "import_module" and node.args:
        argument = node.args[0]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parents = package.split(".")
    base = parents[: len(parents) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


def _loaded(node: ast.AST) -> Iterator[str]:
    # `load_backend("framework", kind)`: which back end it is only the run knows, so a change of
    # any of them counts.
    if not isinstance(node, ast.Call) or _called(node) != "load_backend":
        return
    port = node.args[0] if node.args else None
    if isinstance(port, ast.Constant) and port.value in BACKENDS:
        for backend in BACKENDS[str(port.value)].values():
            yield backend.path.partition(":")[0]


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return name
    return ""
