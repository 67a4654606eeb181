"""What Linux offers to keep hold of processes: subreapers, death signals, descendants."""

from __future__ import annotations

import ctypes
import os
import signal
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Get this signal when the parent ends, also when it ended already. Linux takes the thread
    that started this process for its parent."""
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def children(pid: int) -> list[int]:
    """Direct children of all threads of a process; none when it is gone."""
    found: list[int] = []
    for thread in _threads(pid):
        with suppress(OSError):
            found += map(int, thread.joinpath("children").read_text().split())
    return found


def descendants(pid: int) -> list[int]:
    """Children, their children and so on."""
    found = children(pid)
    for child in found:
        found += children(child)
    return found


def kill_tree(root: int) -> None:
    """Kill a process with everything below it."""
    # Stopped first, from the top, so that none starts another while the others are killed.
    stopped: set[int] = set()
    while fresh := {root, *descendants(root)} - stopped:
        for pid in fresh:
            _signal(pid, signal.SIGSTOP)
        stopped |= fresh
    for pid in stopped:
        _signal(pid, signal.SIGKILL)


def kill_descendants() -> None:
    """Kill everything below this process; returns once nothing is left."""
    while below := children(os.getpid()):
        for child in below:
            kill_tree(child)
        for child in below:
            with suppress(ChildProcessError):
                os.waitpid(child, 0)


def _threads(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
