"""Who carries a run out, held by an operating system lock.

The lock goes when the process that holds it goes, however it ends, so a run whose process died
is seen at once and never mistaken because a process number was used again.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from mizzen.adapters.files.locks import is_locked, take
from mizzen.errors import Conflict

_NAME = "owner.lock"


class RunLock:
    """Held from the making until `release`, or the end of the process."""

    def __init__(self, folder: Path, descriptor: int | None = None) -> None:
        """Take a run; with `descriptor`, one that a parent process took and handed on.

        Raises:
            Conflict: another process carries the run out.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if descriptor is not None:
            self.descriptor = descriptor
            return
        taken = take(folder / _NAME)
        if taken is None:
            raise Conflict(
                f"run {folder.name} is being carried out by another process",
                next_step=f"watch it: mizzen runs show {folder.name}",
            )
        self.descriptor = taken

    def release(self) -> None:
        """Let go; a child that got the descriptor still holds it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> RunLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def is_owned(folder: Path) -> bool:
    """Whether a living process carries the run in `folder` out."""
    return is_locked(folder / _NAME)
