"""Hashes, stamps and links of outputs. An output is a file, or a folder of files.

A stamp tells cheaply whether a tree may have changed since it was hashed: it holds size,
inode, time of change of content and time of change of status of every file. The last one
cannot be set by a program, so a file that was edited and given back its old size and time is
still noticed. Not noticed is what goes below the file system: bits that rot, a device that is
written to directly, a clock that was turned back to the same nanosecond.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from mizzen.adapters.files.folders import remove_below
from mizzen.errors import InvalidData

Stamp = list[list[str | int]]
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def tree_hash(path: Path) -> str:
    """SHA-256 over names and content of a file or folder; times and modes do not count.

    Raises:
        InvalidData: it holds a link, a socket or another special file.
    """
    digest = hashlib.sha256()
    for name, status in _walk(path, ""):
        kind = "folder" if stat.S_ISDIR(status.st_mode) else _content(path / name)
        digest.update(json.dumps([name, kind]).encode())
    return digest.hexdigest()


def tree_stamp(path: Path) -> Stamp:
    """What `tree_hash` need not be asked about again while it stays equal."""
    # Of another boot means: perhaps of before a power failure, when sizes and times may be
    # on the disk and the content not. So nothing needs to be forced to the disk here.
    boot: list[str | int] = [_BOOT.read_text().strip()]
    files: Stamp = [
        [name, 0, 0, 0, 0]
        if stat.S_ISDIR(status.st_mode)
        else [name, status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]
        for name, status in _walk(path, "")
    ]
    return [boot, *files]


def disk_size(path: Path) -> int:
    """Bytes of whatever lies there; no link is followed."""
    total = path.lstat().st_size if not path.is_dir() else 0
    for folder, _, files in os.walk(path) if not path.is_symlink() else ():
        total += sum(Path(folder, name).lstat().st_size for name in files)
    return total


def link_tree(source: Path, target: Path) -> None:
    """Make `target` the same tree by hard links, or by copies across file systems."""
    if not source.is_dir():
        _link(source, target)
        return
    for name, status in _walk(source, ""):
        place = target / name
        if stat.S_ISDIR(status.st_mode):
            place.mkdir(parents=True)
        else:
            _link(source / name, place)


def seal(path: Path) -> None:
    """Make the files read-only: an accident must not change what is stored."""
    for name, status in _walk(path, ""):
        if stat.S_ISREG(status.st_mode) and status.st_mode & 0o222:
            (path / name).chmod(0o400)


def remove_tree(path: Path) -> None:
    """Remove a file or a folder, following no link; nothing to remove is fine."""
    remove_below(path.parent, path.name)


def _walk(root: Path, below: str) -> Iterator[tuple[str, os.stat_result]]:
    status = os.lstat(root / below)
    if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
        raise InvalidData(
            "an output holds a link or a special file",
            given=root / below,
            allowed="files and folders",
            next_step="write the content itself",
        )
    yield below, status
    if stat.S_ISDIR(status.st_mode):
        for name in sorted(entry.name for entry in (root / below).iterdir()):
            yield from _walk(root, f"{below}/{name}" if below else name)


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
