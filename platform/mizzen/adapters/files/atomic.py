"""Files and folders that appear whole, for whatever writes where others read.

The new content is made beside its name and gets the name at the end: readers see what was there
or what is new. Nothing is left beside it when writing fails.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replaced_file(file: Path) -> Iterator[Path]:
    """The path to write a file's new content to; it takes the file's place at the end. Makes the
    folder when it is missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = _beside(file)
    try:
        yield fresh
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """The path to make a folder's new content at; it takes the folder's place at the end.

    A folder cannot be renamed over a filled one: for an instant there is none.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = _beside(folder)
    try:
        yield fresh
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def replace_text(file: Path, text: str) -> None:
    """Replace a file's content by a text in UTF-8."""
    with replaced_file(file) as fresh:
        fresh.write_text(text, encoding="utf-8")


def replace_durably(file: Path, content: bytes, mode: int = 0o666) -> None:
    """Replace a file's content by bytes that are on the disk before the file has its name; `mode`
    as for `os.open`."""
    with (
        replaced_file(file) as fresh,
        open(fresh, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as written,
    ):
        written.write(content)
        written.flush()
        os.fsync(written.fileno())


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}")
