"""The digest of what a project's data is read from: when it is equal, the data is.

Computed before a run is submitted, without reading what did not change: a file whose size,
time and inode are as before keeps its remembered hash.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mizzen.control.workspace import Workspace
from mizzen.core.folders import replace_text
from mizzen.errors import InvalidProject
from mizzen.spec.data import FileSource, PythonSource

_PACKAGE = "package:"
_SETTLED_NS = 2_000_000_000  # a file younger than this may change again within its clock tick


def source_digest(workspace: Workspace) -> str:
    """SHA-256 over the source's files, packages and declaration.

    Raises:
        InvalidProject: a file or package that is named does not exist or lies elsewhere.
    """
    source = workspace.spec.data.source
    declared = source.model_dump(mode="json")
    inputs, field = source_inputs(source)
    memory = _Memory(workspace.place.home / "digests.json")
    found = [declared, *(_input(workspace.folder, name, field, memory) for name in inputs)]
    memory.save()
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def source_inputs(source: FileSource | PythonSource) -> tuple[tuple[str, ...], str]:
    """What a source reads, and the field that says so."""
    if isinstance(source, FileSource):
        return (source.path,), "data.source.path"
    return source.inputs, "data.source.inputs"


def source_files(folder: Path, pattern: str, field: str) -> list[Path]:
    """The files of a path or glob, sorted.

    Raises:
        InvalidProject: none, or outside the project.
    """
    parts = Path(pattern).parts
    if Path(pattern).is_absolute() or ".." in parts:
        raise InvalidProject(
            f"{field} leads out of the project", given=pattern, allowed="a path below the project"
        )
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not found:
        raise InvalidProject(
            f"{field} names no file",
            given=pattern,
            allowed=f"a path or glob of files below {folder}",
            next_step=f"put the data there or mend {field}",
        )
    root = folder.resolve()
    outside = [path for path in found if not path.resolve().is_relative_to(root)]
    if outside:
        raise InvalidProject(
            f"{field} leads out of the project", given=outside[0], allowed="no such link"
        )
    return found


def _input(folder: Path, name: str, field: str, memory: _Memory) -> list[Any]:
    if name.startswith(_PACKAGE):
        return [name, _package(name.removeprefix(_PACKAGE), field)]
    files = source_files(folder, name, field)
    return [name, [[path.relative_to(folder).as_posix(), memory.hash(path)] for path in files]]


def _package(name: str, field: str) -> list[str]:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        found = distribution(name)
    except (PackageNotFoundError, ValueError):
        raise InvalidProject(
            f"{field}: package {name!r} is not installed", next_step=f"pip install {name}"
        ) from None
    # an edited installation keeps its version; its RECORD lists a hash for each file
    record = found.read_text("RECORD") or ""
    return [found.version, hashlib.sha256(record.encode()).hexdigest()]


class _Memory:
    """Hashes by path and stat; a lost or broken memory only costs time."""

    def __init__(self, file: Path) -> None:
        self._file, self._new = file, False
        self._known: dict[str, list[Any]] = {}
        with contextlib.suppress(OSError, ValueError):
            known = json.loads(file.read_text(encoding="utf-8"))
            self._known = known if isinstance(known, dict) else {}

    def hash(self, path: Path) -> str:
        """The content's SHA-256."""
        stat = path.stat()
        mark = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        known = self._known.get(str(path))
        if known and known[:-1] == mark:
            return str(known[-1])
        digest = _hash(path)
        if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) > _SETTLED_NS:
            self._known[str(path)] = [*mark, digest]
            self._new = True
        return digest

    def save(self) -> None:
        """Remember what was hashed."""
        if not self._new:
            return
        replace_text(self._file, json.dumps(_existing(self._known)))


def _existing(known: dict[str, list[Any]]) -> dict[str, list[Any]]:
    names: Iterable[str] = (name for name in known if os.path.exists(name))  # noqa: PTH110
    return {name: known[name] for name in names}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
