"""Which files of the project a view's function reads: they are part of the view's version.

What Python opens is noticed, by the interpreter's own audit events; what a library opens by itself
(DuckDB, pyarrow, polars) is named in the view's `inputs`.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mizzen.errors import InvalidProject
from mizzen.spec.features import FeatureView

PROJECT_DIR = "MIZZEN_PROJECT_DIR"
_OURS = frozenset({"site-packages", "dist-packages", "__pycache__"})
_watching: list[set[str]] = []
_hooked: list[bool] = []  # a hook cannot be taken away again


@contextmanager
def opened() -> Iterator[set[str]]:
    """The paths that are opened for reading while the context lasts, as they were given."""
    if not _hooked:
        sys.addaudithook(_notice)
        _hooked.append(True)
    found: set[str] = set()
    _watching.append(found)
    try:
        yield found
    finally:
        _watching.remove(found)


def hashes(view: FeatureView, paths: Sequence[str], project: Path, home: Path) -> dict[str, str]:
    """SHA-256 of the project's files among `paths` and in the view's `inputs`, by their path.

    Raises:
        InvalidProject: `inputs` names no file, or one outside of the project.
    """
    root = project.resolve()
    files = {file for path in paths if (file := _of_project(path, root, home.resolve()))}
    files |= {file for pattern in view.inputs for file in _declared(view, pattern, root)}
    return {file.relative_to(root).as_posix(): sha256_of(file) for file in sorted(files)}


def sha256_of(file: Path) -> str:
    """The content's hash."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _notice(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching or event not in {"open", "sqlite3.connect"}:
        return
    path, mode = arguments[0], arguments[1] if event == "open" else "r"
    if isinstance(path, str | bytes | os.PathLike) and (mode is None or set("r+") & set(mode)):
        text = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 (a view may change folders)
        for found in list(_watching):
            found.add(text)


def _of_project(path: str, root: Path, home: Path) -> Path | None:
    try:
        file = Path(path).resolve()
        if not file.is_relative_to(root) or file.is_relative_to(home) or not file.is_file():
            return None
    except (OSError, ValueError):
        return None
    parts = file.relative_to(root).parts
    # code has its own hash, and what an environment in the project's folder holds is no data
    foreign = any(part.startswith(".") or part in _OURS for part in parts)
    return None if foreign or file.suffix in {".py", ".pyc", ".so"} else file


def _declared(view: FeatureView, pattern: str, root: Path) -> list[Path]:
    found = [file for file in root.glob(pattern) if file.is_file()]
    if not found or not all(file.resolve().is_relative_to(root) for file in found):
        raise InvalidProject(
            f"`inputs` of the view {view.name!r} names no file of the project",
            given=pattern,
            allowed=f"a path or glob of files below {root}",
            next_step="put the file there, or fix `inputs`",
        )
    return [file.resolve() for file in found]
