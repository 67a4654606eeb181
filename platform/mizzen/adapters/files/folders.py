"""Folders: a place's home, copies and deletions, and a full disk reported as what it is."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mizzen.core.file_names import is_plain_name
from mizzen.errors import IntegrityError, TemporaryError

_PRIVATE = 0o700
_OURS = ("state.db", "runs", "bundles", "cache", "compiled", "mlflow.db", "predictions")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def make_home(home: Path) -> None:
    """Make a place's home, into which only its owner may look. One that others may look into,
    made before or by hand, is closed to them; a folder that is no home of ours is left alone."""
    home.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    found = home.stat()
    ours = found.st_uid == os.geteuid() and any((home / name).exists() for name in _OURS)
    if found.st_mode & ~_PRIVATE & 0o777 and ours:
        home.chmod(_PRIVATE)


def copy_folder(source: Path, into: Path) -> None:
    """Copy all files. Unlike `shutil.copytree` it stops at the first error and keeps its
    number, which alone tells a full disk from others."""
    into.mkdir(parents=True)
    for path in sorted(source.rglob("*")):
        target = into / path.relative_to(source)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def remove_below(root: Path, name: str) -> None:
    """Remove the file or folder `name` of the folder `root`; nothing to remove is fine.

    Goes by descriptors, so that nothing outside of `root` is reached whatever is exchanged for a
    link meanwhile: links, `root` itself included, are not followed, those inside are removed.

    Raises:
        IntegrityError: `name` leads elsewhere, or `root` is a link.
    """
    if not is_plain_name(name):
        raise IntegrityError(
            "refused to delete what may lie outside of its folder",
            given=f"{name!r} in {root}",
            allowed="the name of an entry of that folder",
        )
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in {errno.ELOOP, errno.ENOTDIR}:
            raise
        raise IntegrityError(
            "refused to delete below a link", given=root, allowed="a folder"
        ) from None
    try:
        _remove(descriptor, name)
    finally:
        os.close(descriptor)


def _remove(folder: int, name: str) -> None:
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            # without links by itself, see shutil.rmtree.avoids_symlink_attacks
            shutil.rmtree(name, ignore_errors=True, dir_fd=folder)
        else:
            os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass


@contextmanager
def told_when_full(what: str) -> Iterator[None]:
    """A full disk as a TemporaryError that says what could not be stored."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise TemporaryError(
            f"no space to store {what}",
            given=error.strerror,
            next_step="free space on that disk, then resume the run: mizzen runs resume",
        ) from error
