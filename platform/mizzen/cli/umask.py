"""Who may read what the command writes: only whoever runs it, but for what is made to be passed
on (a new project, a Bento)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_PRIVATE = 0o077
_usual: list[int] = []  # what the person's shell had, once this process is private


def keep_private() -> None:
    """Files of this process, and of its children, are for this person alone."""
    _usual.append(os.umask(_PRIVATE))


@contextmanager
def usual() -> Iterator[None]:
    """Files are as the person's shell has them."""
    before = os.umask(_usual[0]) if _usual else None
    try:
        yield
    finally:
        if before is not None:
            os.umask(before)
