"""The `DataVersions` port on DVC, without Git.

Called by the snapshot step (snapshot), by validation and profile (annotate) and by whoever
needs old data again (fetch). `<home>/data-versions` is a DVC repository without Git whose
remote is the profile's `data_store.url`, or a folder in it; each version has a pointer there,
so that `dvc pull versions/<version>.dvc` works with no Mizzen at hand.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mizzen.adapters.dvc.store import DvcStore
from mizzen.adapters.files.atomic import replace_text
from mizzen.adapters.files.locks import locked
from mizzen.core.place import Place
from mizzen.errors import InvalidData, NotFound
from mizzen.masking import masked
from mizzen.ports.data import DataVersions

os.environ["DVC_NO_ANALYTICS"] = "1"

_VERSION = re.compile(r"[0-9a-f]{32}")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_CONFIG = """\
[core]
    no_scm = True
    analytics = False
    remote = store
['remote "store"']
    url = {url}
"""
_POINTER = """\
outs:
- md5: {version}.dir
  hash: md5
  path: {version}
"""


class DvcVersions(DataVersions):
    """Data versions below a place's home. Safe for several processes at once."""

    def __init__(self, place: Place) -> None:
        self._folder = place.home / "data-versions"
        # damaged objects are replaced while it is held, so nobody reads them then
        self._lock = self._folder / "lock"
        self._url = _absolute(place.profile.data_store.url, place.home) or str(
            self._folder / "store"
        )
        self._store = DvcStore(self._url)

    def snapshot(self, folder: Path) -> str:
        """Store a folder; the same content has the same version, wherever it is stored.

        Raises:
            InvalidData: the folder holds no file.
            TemporaryError: the store cannot be written.
        """
        if not any(file.is_file() for file in folder.rglob("*")):
            raise InvalidData("there is nothing to store", given=f"{folder} holds no file")
        with locked(self._lock):
            version = self._store.put(folder)
            self._point_to(version)
        return version

    def fetch(self, version: str, into: Path) -> Path:
        """`into/<version>`, bit-equal to what was stored; checked also when it is there.

        Raises:
            NotFound: no such version.
            IntegrityError: the stored content no longer hashes to its version.
        """
        folder = into / _checked(version)
        if folder.is_dir() and self._store.hash(folder) == version:
            return folder
        _set_aside(folder)
        into.mkdir(parents=True, exist_ok=True)
        with locked(self._lock, shared=True):
            self._store.get(version, folder)
        return folder

    def annotate(self, version: str, name: str, document: Mapping[str, Any]) -> None:
        """Attach a JSON document to a version; an older one of that name is replaced."""
        if _NAME.fullmatch(name) is None:
            raise InvalidData("not a name for an annotation", given=name, allowed=_NAME.pattern)
        text = json.dumps(document, sort_keys=True, indent=1, allow_nan=False)
        _write(self._annotations(version) / f"{name}.json", text)

    def annotations(self, version: str) -> Mapping[str, Any]:
        """All documents attached to a version, by name; none is an empty mapping."""
        files = sorted(self._annotations(version).glob("*.json"))
        return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}

    def _annotations(self, version: str) -> Path:
        return self._folder / "annotations" / _checked(version)

    def _point_to(self, version: str) -> None:
        _write(self._folder / ".dvc" / "config", _CONFIG.format(url=masked(self._url)))
        pointer = self._folder / "versions" / f"{version}.dvc"
        _write(pointer, _POINTER.format(version=version))


def _absolute(url: str | None, home: Path) -> str | None:
    if url is None or "://" in url:
        return url
    return str(home / Path(url).expanduser())


def _checked(version: str) -> str:
    if _VERSION.fullmatch(version) is None:
        raise NotFound("not a data version", given=version, allowed="32 hexadecimal digits")
    return version


def _set_aside(folder: Path) -> None:
    """A fetched folder that was changed is kept beside, never overwritten."""
    if folder.exists():
        folder.replace(folder.with_name(f"{folder.name}.changed-{os.getpid()}"))


def _write(file: Path, text: str) -> None:
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return
    replace_text(file, text)
