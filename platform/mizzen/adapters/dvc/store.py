"""DVC's content-addressed store, spoken to through DVC's own storage library.

`dvc_data` is the library in which DVC hashes, lays out and transfers objects. Called directly it
takes folders from anywhere, keeps one copy of the data (a DVC repository with a remote keeps
two), replaces damaged objects, and stores 28 MB in 0.2 s, imports included; `dvc.repo.Repo`
(init, add, push) takes 0.5 to 1.1 s. What lies in the store is DVC's: `dvc pull` reads it (a
test does so).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mizzen.adapters.dvc.errors import translated
from mizzen.errors import IntegrityError, NotFound, TemporaryError

if TYPE_CHECKING:
    from dvc_data.hashfile.tree import Tree

OBJECTS = "files/md5"  # where DVC 3 keeps objects below a remote's address


class DvcStore:
    """Folders by the hash of their content, below a path or an address that DVC knows."""

    def __init__(self, url: str) -> None:
        from dvc_data.hashfile.db import HashFileDB

        self._url = url
        with translated(url):
            filesystem, path = _open(url)
        self._local = filesystem.protocol == "local"
        self._objects = HashFileDB(filesystem, filesystem.join(path, *OBJECTS.split("/")))

    def hash(self, folder: Path) -> str:
        """DVC's hash of a folder: of its files' names and content, nothing else."""
        return _version(self._build(folder))

    def put(self, folder: Path) -> str:
        """Store a folder. Objects that are there are kept once; in a store on this machine
        damaged ones are replaced. The listing goes last: what has one is complete.

        Raises:
            TemporaryError: the store cannot be written.
        """
        with translated(self._url):
            return self._put(folder)

    def _put(self, folder: Path) -> str:
        from dvc_objects.fs.local import localfs

        tree = self._build(folder)
        paths = [str(folder.joinpath(*key)) for key, _, _ in tree]
        hashes = [entry.value for _, _, entry in tree]
        try:
            self._objects.add(paths, localfs, hashes, verify=self._local)
            self._objects.add(tree.path, tree.fs, tree.oid, verify=self._local)
        except OSError as error:
            self._sweep()
            raise TemporaryError(
                "the data could not be stored",
                given=f"{error.strerror or error} in {self._url}",
                next_step="free space or fix the access, then resume the run: mizzen runs resume",
            ) from error
        return _version(tree)

    def get(self, version: str, into: Path) -> None:
        """Make the folder `into` from the store, complete and bit-equal, or not at all.

        Raises:
            NotFound: no such version in this store.
            IntegrityError: an object is missing, or no longer hashes to its name.
            TemporaryError: the store does not answer.
        """
        with translated(self._url):
            self._get(version, into)

    def _get(self, version: str, into: Path) -> None:
        tree = self._listing(version)
        part = into.with_name(f".{into.name}.{os.getpid()}.part")
        try:
            self._copy(tree, version, part)
            found = self.hash(part)
            if found != version:
                raise self._damaged(version, f"its content hashes to {found}")
            if not into.exists():
                part.replace(into)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _build(self, folder: Path) -> Tree:
        from dvc_data.hashfile.build import build
        from dvc_objects.fs.local import localfs

        _, _, tree = build(self._objects, str(folder), localfs, "md5")
        return cast("Tree", tree)  # of a folder it is one

    def _listing(self, version: str) -> Tree:
        from dvc_data.hashfile.hash_info import HashInfo
        from dvc_data.hashfile.tree import Tree
        from dvc_objects.errors import ObjectFormatError

        try:
            return Tree.load(self._objects, HashInfo("md5", f"{version}.dir"))
        except FileNotFoundError:
            raise NotFound(
                f"no data version {version}",
                given=self._url,
                next_step="choose the profile with the store that it was made in, or run again",
            ) from None
        except (ObjectFormatError, ValueError, KeyError) as error:
            raise self._damaged(version, error) from None

    def _copy(self, tree: Tree, version: str, part: Path) -> None:
        from dvc_objects.fs.generic import copy
        from dvc_objects.fs.local import localfs

        for key, _, entry in tree:
            target = part.joinpath(*key)
            if ".." in key or not target.is_relative_to(part):
                raise self._damaged(version, f"its listing names {'/'.join(key)}")
            target.parent.mkdir(parents=True, exist_ok=True)
            source = self._objects.oid_to_path(entry.value)
            try:
                copy(self._objects.fs, source, localfs, str(target))
            except FileNotFoundError:
                raise self._damaged(version, f"{'/'.join(key)} is missing") from None

    def _damaged(self, version: str, why: object) -> IntegrityError:
        return IntegrityError(
            f"data version {version} is damaged",
            given=f"{why} in {self._url}",
            next_step="run the snapshot again (mizzen run), or restore the store from a backup",
        )

    def _sweep(self) -> None:
        """A failed copy leaves its unfinished file behind; DVC does not remove it."""
        if self._local:
            for unfinished in Path(self._objects.path).glob("*/.*.tmp"):
                unfinished.unlink(missing_ok=True)


def _version(tree: Tree) -> str:
    return str(tree.hash_info.value).removesuffix(".dir")


def _open(url: str) -> tuple[Any, str]:
    """The file system of an address; a plain path needs no import of DVC's command side."""
    if "://" not in url:
        from dvc_objects.fs.local import localfs

        return localfs, url
    if region := os.environ.get("AWS_REGION"):
        os.environ.setdefault("AWS_DEFAULT_REGION", region)  # the name that its library reads
    from dvc.fs import parse_external_url  # type: ignore[import-untyped]

    filesystem, path = parse_external_url(url)
    return filesystem, str(path)
