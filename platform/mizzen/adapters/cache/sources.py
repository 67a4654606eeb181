"""The first-party code that a step's result depends on, as one hash.

Found by following imports from the step's module, static: no module is imported. First-party
are Mizzen's packages and whatever lies beside the step's own top-level module, unless that is a
folder of installed packages; installed libraries count by their version (see `key`). A name
built at run time is not followed; `load_backend` with a port's name is.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from mizzen.adapters.cache.imports import Imports, imports_of
from mizzen.adapters.files.atomic import replace_text
from mizzen.errors import InvalidProject

_OURS = ("mizzen", "mizzen_components", "mizzen_serving", "mizzen_monitoring", "mizzen_pipelines")
_INSTALLED = {"site-packages", "dist-packages"}


class Sources:
    """Remembers what it read, by each file's size, inode and times, in `memo`."""

    def __init__(self, memo: Path) -> None:
        self._memo = memo
        self._known: dict[str, list[Any]] = {}
        self._new = False
        self._digests: dict[str, str] = {}
        with suppress(OSError, ValueError):
            self._known = json.loads(memo.read_text(encoding="utf-8"))

    def digest(self, module: str) -> str:
        """A hash over the source of `module` and of all first-party code that it reaches.

        Raises:
            InvalidProject: there is no such module.
        """
        if module not in self._digests:
            files = self._closure(module)
            text = json.dumps(sorted(files.items()))
            self._digests[module] = hashlib.sha256(text.encode()).hexdigest()
        return self._digests[module]

    def save(self) -> None:
        """Keep what was read for the next process; losing it costs time only."""
        if self._new:
            with suppress(OSError):
                replace_text(self._memo, json.dumps(self._known))
            self._new = False

    def _closure(self, module: str) -> dict[str, str]:
        root = _root(module)
        if root is None or _find(module, root) is None:
            raise InvalidProject(
                f"no module {module}", next_step="name the step as module:function"
            )
        files: dict[str, str] = {}
        waiting, seen = [(module, True)], set()
        while waiting:
            name, whole = waiting.pop()
            if not name or (name, whole) in seen:
                continue
            seen.add((name, whole))
            found = _find(name, root)
            if found is None:  # a name inside a module, or nothing of ours
                waiting.append((name.rpartition(".")[0], True))
                continue
            digest, imports = self._read(found, name)
            files[name] = digest
            waiting += [(parent, False) for parent in _parents(name)]
            reached = (*imports.outer, *imports.inner) if whole else imports.outer
            waiting += [(inner, True) for inner in reached]
        return files

    def _read(self, file: str, module: str) -> tuple[str, Imports]:
        status = os.stat(file)  # noqa: PTH116
        stamp = [status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]
        known = self._known.get(file)
        if known is None or known[0] != stamp:
            source = Path(file).read_bytes()
            imports = imports_of(source, module, file.endswith(f"{os.sep}__init__.py"))
            digest = hashlib.sha256(source).hexdigest()
            known = [stamp, digest, list(imports.outer), list(imports.inner)]
            self._known[file] = known
            self._new = True
        return known[1], Imports(tuple(known[2]), tuple(known[3]))


def _parents(module: str) -> Iterator[str]:
    while module := module.rpartition(".")[0]:
        yield module


def _find(module: str, beside: Path) -> str | None:
    top = module.partition(".")[0]
    root = _root(top)
    if root is None or not (top in _OURS or (root == beside and root.name not in _INSTALLED)):
        return None
    # text, not paths: asked thousands of times before every run
    place = f"{root}{os.sep}{module.replace('.', os.sep)}"
    for file in (f"{place}.py", f"{place}{os.sep}__init__.py"):
        if os.path.isfile(file):  # noqa: PTH113
            return file
    return None


def _root(module: str) -> Path | None:
    return _root_on(module.partition(".")[0], tuple(sys.path))


@cache
def _root_on(top: str, path: tuple[str, ...]) -> Path | None:
    spec = PathFinder.find_spec(top, path)
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).parent
    return None if spec.origin is None else Path(spec.origin).parent
