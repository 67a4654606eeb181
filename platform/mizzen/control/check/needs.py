"""What a project's own Python imports, step by step, read from its text.

Whoever sends a run to a cluster hands it to `mizzen.adapters.images.contents.check`: the bundle
carries the project's files, but not the libraries that they import.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from mizzen.control.check.code import named_functions
from mizzen.spec.project import ProjectSpec

# Which steps call the function that a field of mizzen.yaml names.
CALLERS = {
    "data": ("snapshot",),
    "features": ("features", "evaluate"),  # which may compute a champion's
    "trainer": ("train", "evaluate", "predict"),
}
OWN = ("mizzen", "mizzen_components", "mizzen_monitoring", "mizzen_pipelines", "mizzen_serving")
FORGIVEN = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


def imports_of_steps(folder: Path, spec: ProjectSpec) -> dict[str, dict[str, str]]:
    """For each step that calls the project's code: module -> `file.py:line` that imports it.

    Only what must be there: neither the standard library, nor Mizzen, nor the project's own
    files, nor what is imported where its absence is caught.
    """
    found: dict[str, dict[str, str]] = {}
    for field, reference in named_functions(spec):
        needs = _needs(folder, reference.partition(":")[0])
        for step in CALLERS[field.partition(".")[0]]:
            found.setdefault(step, {}).update(needs)
    return found


def _needs(folder: Path, module: str) -> Mapping[str, str]:
    """What the module needs, and what those of the project's files need that it imports."""
    needs: dict[str, str] = {}
    waiting, seen = [module], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for file in _files(folder, name):
            package = file.relative_to(folder).parent.parts
            for wanted, line in _imports(ast.parse(file.read_bytes(), file.name), package):
                if _files(folder, wanted):
                    waiting.append(wanted)
                elif _is_foreign(wanted):
                    place = f"{file.relative_to(folder).as_posix()}:{line}"
                    needs.setdefault(wanted.partition(".")[0], place)
    return needs


def _files(folder: Path, module: str) -> list[Path]:
    """The project's files that importing `module`, or a name of it, runs."""
    parts = module.split(".")
    places = [folder.joinpath(*parts[:length]) for length in range(1, len(parts) + 1)]
    candidates = [file for p in places for file in (p.with_suffix(".py"), p / "__init__.py")]
    return [file for file in candidates if file.is_file()]


def _imports(node: ast.AST, package: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    """Absolute names that a file of the package imports, each with its line."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, node.lineno) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = _absolute(node, package)
        yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)
    for child in _children(node):
        yield from _imports(child, package)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Try) and any(_forgives(handler) for handler in node.handlers):
        yield from [*node.handlers, *node.orelse, *node.finalbody]
    elif isinstance(node, ast.If) and _for_types(node.test):
        yield from node.orelse
    else:
        yield from ast.iter_child_nodes(node)


def _forgives(handler: ast.ExceptHandler) -> bool:
    caught = handler.type
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(name is None or getattr(name, "id", "") in FORGIVEN for name in names)


def _for_types(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _absolute(node: ast.ImportFrom, package: tuple[str, ...]) -> str:
    above = package[: len(package) + 1 - node.level] if node.level else ()
    return ".".join([*above, *([node.module] if node.module else [])])


def _is_foreign(module: str) -> bool:
    top = module.partition(".")[0]
    return top not in sys.stdlib_module_names and top not in OWN
