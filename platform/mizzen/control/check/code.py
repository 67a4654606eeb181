"""Functions that mizzen.yaml names, found in the project's Python files without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from mizzen.control.check.finding import Finding
from mizzen.spec.data import PythonSource
from mizzen.spec.project import ProjectSpec
from mizzen.spec.training import load_of


def named_functions(spec: ProjectSpec) -> Iterator[tuple[str, str]]:
    """Field and `module:function` of everything that the description names."""
    if isinstance(spec.data.source, PythonSource):
        yield "data.source.python", spec.data.source.python
    for position, view in enumerate(spec.features.views):
        yield f"features.views.{position}.source", view.source
    if spec.trainer.model is not None:
        yield "trainer.model", spec.trainer.model
    if spec.trainer.function is not None:
        yield "trainer.function", spec.trainer.function
        yield "trainer.function", load_of(spec.trainer.function)


def check_code(folder: Path, spec: ProjectSpec) -> list[Finding]:
    """Every named function is defined in a file that parses."""
    found = list(named_functions(spec))
    faults = [fault for field, ref in found for fault in _check(folder, field, ref)]
    if faults or not found:
        return faults
    return [Finding("ok", "code", f"{len(found)} functions found")]


def _check(folder: Path, field: str, ref: str) -> list[Finding]:
    module, _, function = ref.partition(":")
    stem = folder.joinpath(*module.split("."))
    file = next((f for f in (stem.with_suffix(".py"), stem / "__init__.py") if f.is_file()), None)
    if file is None:
        known = ", ".join(sorted(path.name for path in folder.glob("*.py"))) or "none"
        message = f"{ref}: no file {module.replace('.', '/')}.py; the project has: {known}"
        return [Finding("error", field, message, f"write it beside mizzen.yaml, or fix {field}")]
    try:
        names = _defined(ast.parse(file.read_bytes(), filename=file.name))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        told = getattr(error, "msg", None) or str(error)
        return [Finding("error", field, f"{file.name}:{line}: {told}", "fix the file")]
    if function in names or "*" in names:
        return []
    close = get_close_matches(function, sorted(names), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    message = f"{ref}: {file.name} defines no {function!r}{hint}"
    return [Finding("error", field, message, f"define it, or fix {field}")]


def _defined(tree: ast.Module) -> set[str]:
    """Names that a module has at its top level; `*` when it imports everything of another."""
    names: set[str] = set()
    for node in _top_level(tree.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from _top_level([*node.body, *node.orelse])
