"""Waiting for what a cluster promises to become true, not to be true at once.

A Ready pod, for instance, is behind its Service only when kube-proxy has heard of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from testnode.errors import ClusterError

T = TypeVar("T")
PAUSE_S = 0.25


def eventually(attempt: Callable[[], T | None], within_s: float = 60) -> T:
    """The first answer that is neither an error nor false.

    Raises:
        ClusterError: there was none in time; it tells the last outcome.
    """
    deadline = time.monotonic() + within_s
    while True:
        outcome: object
        try:
            outcome = answer = attempt()
            if answer:
                return answer
        except (ClusterError, OSError) as error:
            outcome = error
        if time.monotonic() > deadline:
            raise ClusterError(f"not within {within_s:g} s; the last outcome: {outcome}")
        time.sleep(PAUSE_S)
