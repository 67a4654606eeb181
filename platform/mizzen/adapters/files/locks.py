"""Locks between the processes of one machine, held on files.

The kernel gives a lock back with its last holder, however that one ends: none is ever left over,
and none is mistaken because a process number was used again.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

File = int | IO[Any]  # a descriptor, or what has one


def hold(file: File, *, shared: bool = False) -> None:
    """Lock an open file until it is closed; waits for whoever holds it."""
    fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)


def try_hold(file: File, *, shared: bool = False) -> bool:
    """Lock an open file until it is closed; False, at once, where another process holds it."""
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(file: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold a lock file, which is made when it is missing; waits for whoever holds it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as opened:
        hold(opened, shared=shared)
        yield


def take(file: Path) -> int | None:
    """A descriptor that holds a lock file, to be inherited by child processes; None while
    another process holds it."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        taken = try_hold(descriptor)
    except OSError:
        os.close(descriptor)
        raise
    if taken:
        return descriptor
    os.close(descriptor)
    return None


def is_locked(file: Path) -> bool:
    """Whether a living process holds a lock file."""
    try:
        descriptor = os.open(file, os.O_RDWR)
    except OSError:
        return False
    try:
        return not try_hold(descriptor, shared=True)
    finally:
        os.close(descriptor)
