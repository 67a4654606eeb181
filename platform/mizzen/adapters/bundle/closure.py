"""The code that one function of a bundle is made of: its module and what that imports, as a hash.

Read from the text, nothing is executed. A change elsewhere in the project is no change of the
function. Where a module chooses at run time what it imports, every file of the bundle counts.
"""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path

from mizzen.adapters.bundle.environment import FILE as ENVIRONMENT
from mizzen.adapters.cache.imports import imports_of

_CHOOSING = frozenset({"import_module", "__import__", "run_path", "run_module"})
_RUNNING = frozenset({"exec", "eval"})  # as functions: methods of that name run no Python


def code_of(code: Path, ref: str) -> str:
    """A hash over the modules of the bundle in `code` that `module:function` is made of, and over
    the environment that the bundle declares."""
    modules = _closure(code, ref.partition(":")[0])
    if (code / ENVIRONMENT).is_file():
        modules[ENVIRONMENT] = (code / ENVIRONMENT).read_bytes()
    hashes = {name: hashlib.sha256(source).hexdigest() for name, source in modules.items()}
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()


def _closure(code: Path, module: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    waiting, seen = [module], set[str]()
    while waiting:
        name = waiting.pop()
        if not name or name in seen:
            continue
        seen.add(name)
        parent, _, last = name.rpartition(".")
        waiting.append(parent)  # its package, or the module that holds this name
        if last == "*":
            waiting += _inside(code, parent)
        file = _file(code, name)
        if file is None:
            continue
        source = file.read_bytes()
        if any(_chooses(node) for node in ast.walk(ast.parse(source))):
            return _everything(code)
        found[file.relative_to(code).as_posix()] = source
        imports = imports_of(source, name, file.name == "__init__.py")
        waiting += [*imports.outer, *imports.inner]
    return found


def _file(code: Path, module: str) -> Path | None:
    place = code.joinpath(*module.split("."))
    candidates = (place.with_name(f"{place.name}.py"), place / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


def _inside(code: Path, package: str) -> list[str]:
    """`from package import *` imports the modules that the package lists."""
    folder = code.joinpath(*package.split("."))
    return [f"{package}.{file.stem}" for file in folder.glob("*.py")] if package else []


def _chooses(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        called, known = node.func.id, _CHOOSING | _RUNNING
    else:
        called, known = getattr(node.func, "attr", ""), _CHOOSING
    literal = bool(node.args) and isinstance(node.args[0], ast.Constant)
    return called in known and not (called == "import_module" and literal)


def _everything(code: Path) -> dict[str, bytes]:
    files = sorted(code.rglob("*.py"))
    return {file.relative_to(code).as_posix(): file.read_bytes() for file in files}
