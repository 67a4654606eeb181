"""One segment file while it is written: named by time and writer, locked by its writer.

The lock tells readers whether an unfinished tail is damage or still being written; the kernel
releases it when the writer dies.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from pathlib import Path

SUFFIX = ".seg"


def writer_name() -> str:
    """Unique for each writer, also for two in one process."""
    return f"{os.getpid()}-{secrets.token_hex(4)}"


def writer_of(segment: Path) -> str:
    """Who wrote a segment."""
    return segment.stem.split("-", 1)[1]


def is_live(segment: Path) -> bool:
    """Whether a writer still holds the segment."""
    descriptor = os.open(segment, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


class Segment:
    """An open segment. `write` is not thread-safe; `sync` may run beside it."""

    def __init__(self, folder: Path, writer: str) -> None:
        self.path = folder / f"{time.time_ns():020d}-{writer}{SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self.path, flags, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.size = 0

    def write(self, data: bytes) -> None:
        """Hand the bytes to the kernel, all or none.

        Raises:
            OSError: the disk is full or gone; nothing of `data` remains in the segment.
        """
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError:
            os.ftruncate(self._descriptor, self.size)
            raise
        self.size += len(data)

    def sync(self) -> None:
        """Make everything written so far survive a power failure."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Sync, then give the segment up; an empty one leaves no file."""
        self.sync()
        if self.size == 0:
            self.path.unlink(missing_ok=True)
        os.close(self._descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names of new segments survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
