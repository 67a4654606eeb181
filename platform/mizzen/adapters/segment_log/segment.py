"""One segment file while it is written: named by time and writer, locked by its writer.

The lock tells readers whether an unfinished tail is damage or still being written; the kernel
releases it when the writer dies.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

from mizzen.adapters.files.locks import hold, try_hold

SUFFIX = ".seg"
_ROOM_BYTES = 65_536
_NAME = re.compile(r"[0-9]{20}-[A-Za-z0-9.-]+\.seg")


def writer_name() -> str:
    """Unique for each writer, also for two in one process, and among pods that all have process
    1; of a pod the machine's name is its own."""
    machine = re.sub("[^A-Za-z0-9.-]", "", socket.gethostname())[:63] or "machine"
    return f"{machine}-{os.getpid()}-{secrets.token_hex(4)}"


def writer_of(segment: Path) -> str:
    """Who wrote a segment."""
    return segment.stem.split("-", 1)[1]


def name_of(writer: str) -> str:
    """The name of a segment that this writer begins now."""
    return f"{time.time_ns():020d}-{writer}{SUFFIX}"


def is_name(name: str) -> bool:
    """Whether a file of this name is a segment."""
    return _NAME.fullmatch(name) is not None


def segments(folder: Path) -> list[Path]:
    """Those of a folder, the oldest first."""
    return sorted(file for file in folder.glob(f"*{SUFFIX}") if is_name(file.name))


def begun_at(segment: Path) -> datetime:
    """When a segment was begun."""
    return datetime.fromtimestamp(int(segment.stem.partition("-")[0]) / 1e9, UTC)


def is_live(segment: Path) -> bool:
    """Whether a writer still holds the segment. An empty one counts as held: its writer locks
    it in the next instant, and would find it locked by whoever looks."""
    descriptor = os.open(segment, os.O_RDONLY)
    try:
        if os.fstat(descriptor).st_size == 0:
            return True
        return not try_hold(descriptor, shared=True)
    finally:
        os.close(descriptor)


class Segment:
    """An open segment. `write` is not thread-safe; `sync` may run beside it."""

    def __init__(self, folder: Path, writer: str) -> None:
        self.path = folder / name_of(writer)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self.path, flags, 0o600)
        hold(self._descriptor)  # nobody else holds a file that was made just now
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


def try_room(folder: Path, writer: str) -> OSError | None:
    """What the disk says to a little more than most appends need, in a file that stays nowhere."""
    file = folder / f".room-{writer}"
    try:
        try:
            file.write_bytes(bytes(_ROOM_BYTES))
        finally:
            file.unlink(missing_ok=True)
    except OSError as error:
        return error
    return None
