"""Threads that a step left running when it returned: reported, and not waited for without end."""

from __future__ import annotations

import sys
import threading
import time
from types import FrameType

from mizzen.errors import StepFailed

SECONDS = 5.0  # in which a thread that was about to end may do so


def finish_threads(step: str) -> None:
    """Wait a little for threads that keep a process alive.

    Raises:
        StepFailed: some did not end; what they still do is not part of the step's result.
    """
    _close_pools()
    until = time.monotonic() + SECONDS
    for thread in _left():
        sys.stderr.write(f"{step} returned while {_named(thread)} runs; waiting {SECONDS:g} s\n")
        thread.join(max(0.0, until - time.monotonic()))
    if left := _left():
        raise StepFailed(
            f"step {step} left {'a thread' if len(left) == 1 else 'threads'} running",
            given="; ".join(map(_named, left)),
            allowed="a step that ends what it starts",
            next_step="end the thread before the function returns, or make it a daemon",
        )


def _left() -> list[threading.Thread]:
    main = threading.main_thread()
    return [t for t in threading.enumerate() if not t.daemon and t is not main]


def _close_pools() -> None:
    """Idle workers of a pool end when the interpreter would; a busy one is a thread like any."""
    pools = sys.modules.get("concurrent.futures.thread")
    if pools is not None:
        threading.Thread(target=pools._python_exit, daemon=True).start()


def _named(thread: threading.Thread) -> str:
    frame = sys._current_frames().get(thread.ident or 0)
    return f"thread {thread.name!r}" + (f" at {_place(frame)}" if frame is not None else "")


def _place(frame: FrameType) -> str:
    """Where it is, in the step's own code rather than in the standard library's waiting."""
    found: FrameType | None = frame
    while found is not None and found.f_code.co_filename.startswith(sys.base_prefix):
        found = found.f_back
    found = found or frame
    return f"{found.f_code.co_filename}:{found.f_lineno}"
