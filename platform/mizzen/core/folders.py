"""Writing so that nothing is half-written, and a full disk is told as what it is."""

from __future__ import annotations

import errno
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mizzen.errors import TemporaryError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def replace_text(file: Path, text: str) -> None:
    """Replace a file's content as a whole: readers see the old text or the new one. Makes the
    folder when it is missing, and leaves nothing beside the file when writing fails."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)


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
