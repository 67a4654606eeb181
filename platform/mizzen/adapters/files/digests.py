"""The digest of what a project's data is read from: when it is equal, the data is.

Control takes it before a run is submitted, without reading what did not change: a file whose
size, times and inode are as before keeps its remembered hash. Steps take it again around what
they read (`unchanged`), so that no result is filed under the digest of other files.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mizzen.adapters.files.atomic import replace_text
from mizzen.errors import InvalidData, InvalidProject
from mizzen.spec.data import FileSource, PythonSource

_PACKAGE = "package:"
_SETTLED_NS = 2_000_000_000  # a file younger than this may change again within its clock tick
_FILE = "digests.json"

Mark = tuple[int, int, int, int]  # size, time of content, time of status, inode


@dataclass(frozen=True, slots=True)
class SourceState:
    """What a source is read from at one moment. `marks`: path -> how the file looks; unlike the
    digest they differ also when other content was there meanwhile."""

    digest: str
    marks: dict[str, Mark]


def state_of(source: FileSource | PythonSource, folder: Path, home: Path) -> SourceState:
    """The source's files, packages and declaration, as they are now.

    Args:
        folder: the project's.
        home: where hashes are remembered.

    Raises:
        InvalidProject: a file or package that is named does not exist or lies elsewhere.
    """
    inputs, field = source_inputs(source)
    memory = _Memory(home / _FILE)
    found = [
        source.model_dump(mode="json"),
        *(_input(folder, name, field, memory) for name in inputs),
    ]
    memory.save()
    digest = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
    return SourceState(digest, memory.marks)


@contextlib.contextmanager
def unchanged(
    source: FileSource | PythonSource, folder: Path, home: Path, submitted: str
) -> Iterator[None]:
    """See that what is read inside the context is what the run's submission saw.

    Args:
        submitted: the digest of then; "" when nobody took one.

    Raises:
        InvalidData: the source changed since, or while it was read.
    """
    before = state_of(source, folder, home)
    if submitted and before.digest != submitted:
        raise _changed("since the run was submitted", _newest(before.marks))
    try:
        yield
    except Exception as error:
        # a file that is being written is often unreadable: the cause is what helps
        _compare(source, folder, home, before, error)
        raise
    _compare(source, folder, home, before)


def source_inputs(source: FileSource | PythonSource) -> tuple[tuple[str, ...], str]:
    """What a source reads, and the field that says so."""
    if isinstance(source, FileSource):
        return (source.path,), "data.source.path"
    return source.inputs, "data.source.inputs"


def source_files(folder: Path, pattern: str, field: str) -> list[Path]:
    """The files of a path or glob, sorted. A wildcard does not reach into hidden folders.

    Raises:
        InvalidProject: none, or outside the project.
    """
    parts = Path(pattern).parts
    if Path(pattern).is_absolute() or ".." in parts:
        raise InvalidProject(
            f"{field} leads out of the project", given=pattern, allowed="a path below the project"
        )
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    found = [path for path in found if _is_meant(path.relative_to(folder), pattern)]
    if not found:
        raise InvalidProject(
            f"{field} names no file",
            given=pattern,
            allowed=f"a path or glob of files below {folder}",
            next_step=f"put the data there or fix {field}",
        )
    root = folder.resolve()
    outside = [path for path in found if not path.resolve().is_relative_to(root)]
    if outside:
        raise InvalidProject(
            f"{field} leads out of the project", given=outside[0], allowed="no such link"
        )
    return found


def _is_meant(path: Path, pattern: str) -> bool:
    return path == Path(pattern) or not any(part.startswith(".") for part in path.parts)


def _compare(
    source: FileSource | PythonSource,
    folder: Path,
    home: Path,
    before: SourceState,
    cause: Exception | None = None,
) -> None:
    try:
        after = state_of(source, folder, home).marks
    except InvalidProject as error:  # a file is gone
        raise _changed("while it was read", error.given) from cause
    names = before.marks.keys() | after.keys()
    differing = sorted(name for name in names if before.marks.get(name) != after.get(name))
    if differing:
        raise _changed("while it was read", ", ".join(differing[:3])) from cause


def _newest(marks: dict[str, Mark]) -> str:
    if not marks:
        return "an installed package that it names"
    name, mark = max(marks.items(), key=lambda item: max(item[1][1:3]))
    at = datetime.fromtimestamp(max(mark[1:3]) / 1e9, UTC)
    return f"{name} changed last, at {at:%Y-%m-%dT%H:%M:%SZ}"


def _changed(when: str, given: object) -> InvalidData:
    return InvalidData(
        f"the data source changed {when}, so the run would be of other data than it says",
        given=given,
        next_step="wait until the data is written, then start another run: mizzen run",
    )


def _input(folder: Path, name: str, field: str, memory: _Memory) -> list[Any]:
    if name.startswith(_PACKAGE):
        return [name, _package(name.removeprefix(_PACKAGE), field)]
    files = source_files(folder, name, field)
    return [name, [[name_of(path, folder), memory.hash(path, folder)] for path in files]]


def name_of(path: Path, folder: Path) -> str:
    """A file's path in the project."""
    return path.relative_to(folder).as_posix()


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
        self.marks: dict[str, Mark] = {}
        self._known: dict[str, list[Any]] = {}
        with contextlib.suppress(OSError, ValueError):
            known = json.loads(file.read_text(encoding="utf-8"))
            self._known = known if isinstance(known, dict) else {}

    def hash(self, path: Path, folder: Path) -> str:
        """The content's SHA-256."""
        mark = _mark(path.stat())
        self.marks[name_of(path, folder)] = mark
        known = self._known.get(str(path))
        if known and known[:-1] == list(mark):
            return str(known[-1])
        digest, while_read = _hash(path)
        if while_read == mark and time.time_ns() - max(mark[1:3]) > _SETTLED_NS:
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


def _hash(path: Path) -> tuple[str, Mark]:
    """The content's hash, and how the file looked when all of it had been read."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return digest, _mark(os.fstat(file.fileno()))


def _mark(status: os.stat_result) -> Mark:
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
