"""Results of steps under their keys, outputs under the hash of their content.

Below a place's home::

    cache/steps/<key>.json            figures, and output name -> content hash
    cache/objects/<hash>/content      the output, a file or a folder
    cache/objects/<hash>/stamp.json   how it looked when it was last known to be whole
    cache/lock                        shared by runs, exclusive while pruning

An output whose stamp changed is hashed again; when it no longer hashes to its name it is
removed and its step is a miss. Everything appears by rename: there are no halves, and what a
power failure tears is a miss. So is an entry that names anything but hashes: a name from a file
never becomes a path, and nothing outside of these folders is removed.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from mizzen.adapters.cache.trees import (
    disk_size,
    link_tree,
    remove_tree,
    seal,
    tree_hash,
    tree_stamp,
)
from mizzen.adapters.files.atomic import replace_text
from mizzen.adapters.files.folders import remove_below
from mizzen.adapters.files.locks import locked
from mizzen.core.file_names import is_plain_name
from mizzen.errors import InvalidData

_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LONGEST = 1 << 24  # bytes of an entry


@dataclass(frozen=True, slots=True)
class Entry:
    """What a step returned. `artifacts`: output name -> content hash."""

    key: str
    step: str
    seconds: float
    figures: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PruneResult:
    """What `prune` removed."""

    entries: int
    objects: int
    bytes: int


class StepCache:
    """The cache of one place; several runs use it at once."""

    def __init__(self, home: Path) -> None:
        self._root = home / "cache"
        self._steps = self._root / "steps"
        self._objects = self._root / "objects"
        self._lock = self._root / "lock"
        for folder in (self._steps, self._objects):
            folder.mkdir(parents=True, exist_ok=True)

    def find(self, key: str) -> Entry | None:
        """The result under a key, all of its outputs verified; None is a miss."""
        name = f"{key}.json"
        entry = _read(self._steps / name)
        if entry is None:
            return None
        if not all(self._whole(digest) for digest in entry.artifacts.values()):
            remove_below(self._steps, name)
            return None
        with suppress(OSError):
            os.utime(self._steps / name)  # pruning goes by last use
        return entry

    def keep(
        self,
        key: str,
        step: str,
        seconds: float,
        figures: Mapping[str, Any],
        outputs: Mapping[str, Path],
    ) -> Entry:
        """Store a result; its outputs stay where they are, linked with the stored ones.

        Raises:
            InvalidData: an output does not exist or holds what cannot be stored.
        """
        with locked(self._lock, shared=True):
            artifacts = {name: self._store(name, path) for name, path in outputs.items()}
            entry = Entry(key, step, seconds, figures, artifacts)
            replace_text(self._steps / f"{key}.json", json.dumps(_document(entry)))
        return entry

    def alias(self, entry: Entry, key: str) -> None:
        """Let the same result be found under another key too."""
        replace_text(self._steps / f"{key}.json", json.dumps({**_document(entry), "key": key}))

    def place(self, entry: Entry, folder: Path) -> dict[str, Path] | None:
        """Make the outputs appear in `folder` under their names; None when one vanished."""
        folder.mkdir(parents=True, exist_ok=True)
        placed = {}
        with locked(self._lock, shared=True):
            for name, digest in entry.artifacts.items():
                placed[name] = folder / name
                remove_tree(placed[name])
                try:
                    link_tree(self._objects / digest / "content", placed[name])
                    self._stamp(self._objects / digest)
                except FileNotFoundError:
                    return None
        return placed

    def prune(self, older_than: timedelta) -> PruneResult:
        """Remove results that no run used for so long, and outputs that no result names."""
        cutoff = time.time() - older_than.total_seconds()
        with locked(self._lock):
            old = [file for file in self._steps.iterdir() if file.lstat().st_mtime <= cutoff]
            for file in old:
                remove_below(self._steps, file.name)
            used = {digest for entry in self._entries() for digest in entry.artifacts.values()}
            unused = [folder for folder in self._objects.iterdir() if folder.name not in used]
            freed = sum(disk_size(folder) for folder in unused)
            for folder in unused:
                remove_below(self._objects, folder.name)
        return PruneResult(len(old), len(unused), freed)

    def _entries(self) -> Iterator[Entry]:
        found = (_read(file) for file in self._steps.iterdir())
        return (entry for entry in found if entry is not None)

    def _whole(self, digest: str) -> bool:
        folder = self._objects / digest
        try:
            stamp = tree_stamp(folder / "content")
            with suppress(OSError, ValueError):
                if json.loads((folder / "stamp.json").read_text(encoding="utf-8")) == stamp:
                    return True
            if tree_hash(folder / "content") == digest:
                replace_text(folder / "stamp.json", json.dumps(stamp))
                return True
        except (FileNotFoundError, InvalidData):
            pass
        _discard(folder)
        return False

    def _store(self, name: str, output: Path) -> str:
        if not os.path.lexists(output):
            raise InvalidData(f"the step did not write its output {name!r}", given=output)
        seal(output)
        digest = tree_hash(output)
        folder = self._objects / digest
        if folder.exists() and self._whole(digest):
            return digest
        fresh = self._objects / f".{uuid.uuid4().hex}"
        try:
            fresh.mkdir()
            link_tree(output, fresh / "content")
            self._stamp(fresh)
            _appear(fresh, folder)
        finally:
            remove_tree(fresh)
        return digest

    def _stamp(self, folder: Path) -> None:
        # A new link changes the time of status, so the stamp is taken after linking.
        replace_text(folder / "stamp.json", json.dumps(tree_stamp(folder / "content")))


def _read(file: Path) -> Entry | None:
    """An entry; None where there is none, or what no Mizzen wrote."""
    try:
        status = file.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LONGEST:
            return None
        entry = Entry(**json.loads(file.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError, RecursionError):
        return None
    if not isinstance(entry.figures, dict) or not isinstance(entry.artifacts, dict):
        return None
    return entry if all(_is_stored(*item) for item in entry.artifacts.items()) else None


def _is_stored(name: object, digest: object) -> bool:
    hashed = isinstance(digest, str) and _HASH.fullmatch(digest) is not None
    return hashed and isinstance(name, str) and is_plain_name(name)


def _document(entry: Entry) -> dict[str, Any]:
    return {field.name: getattr(entry, field.name) for field in fields(entry)}


def _appear(fresh: Path, folder: Path) -> None:
    try:
        fresh.rename(folder)
    except OSError as error:
        if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:
            raise
        # another run stored the same content just now


def _discard(folder: Path) -> None:
    aside = folder.with_name(f".{uuid.uuid4().hex}")
    with suppress(OSError):
        folder.rename(aside)
        remove_tree(aside)
