"""Copying folders so that a full disk is told as what it is."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mizzen.errors import TemporaryError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


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
