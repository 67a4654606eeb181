"""The domain (`mizzen.core`) reads no file, environment or clock: what it needs is passed in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[2] / "platform" / "mizzen" / "core"
MODULES = {
    "fcntl", "glob", "http", "io", "os", "random", "secrets", "shutil", "socket", "sqlite3",
    "subprocess", "sys", "tempfile", "threading", "time", "urllib.request",
}  # fmt: skip
PATH_METHODS = {
    "absolute", "chmod", "cwd", "exists", "expanduser", "glob", "hardlink_to", "home", "is_dir",
    "is_file", "is_symlink", "iterdir", "lstat", "mkdir", "open", "read_bytes", "read_text",
    "readlink", "resolve", "rglob", "rmdir", "samefile", "stat", "symlink_to", "touch", "unlink",
    "write_bytes", "write_text",
}  # fmt: skip
CLOCKS = {"now", "today", "utcnow"}
CHANCE = {"uuid1", "uuid4"}
DRAWN = {"default_rng", "seed"}  # of numpy: allowed with a seed that is passed in


def impurities(text: str) -> Iterator[str]:
    """What a module's text does that a domain does not."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (f"import {a.name}" for a in node.names if a.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES | {"importlib.resources"}:
            yield f"from {node.module} import"
        elif isinstance(node, ast.Call):
            yield from _called(node)


def _called(call: ast.Call) -> Iterator[str]:
    if isinstance(call.func, ast.Name) and call.func.id in {"open", "input", "print", *CHANCE}:
        yield f"{call.func.id}()"
    if isinstance(call.func, ast.Attribute):
        name = call.func.attr
        if name in PATH_METHODS | CLOCKS | CHANCE or (name in DRAWN and not call.args):
            yield f".{name}()"


@pytest.mark.parametrize("file", sorted(CORE.rglob("*.py")), ids=lambda file: file.stem)
def test_the_domain_does_no_io(file: Path) -> None:
    assert list(impurities(file.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "text",
    [
        "import os",
        "from os import environ",
        "import shutil as s",
        "def f(path): return path.read_text()",
        "def f(path):\n    with path.open() as file: return file",
        "open('x')",
        "from datetime import datetime\nx = datetime.now()",
        "import numpy as np\nx = np.random.default_rng()",
        "def f():\n    import tempfile",
        "from uuid import uuid4\nx = uuid4()",
    ],
)
def test_the_check_sees_io(text: str) -> None:
    assert list(impurities(text)) != []
