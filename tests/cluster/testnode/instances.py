"""Instances for test sessions: two that run at once on one machine must not share a node.

conftest.py claims one for the session's cluster and one for the node that a test kills. Instance 0
is left to people.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from testnode import places
from testnode.errors import ClusterError
from testnode.spec import INSTANCES, NodeSpec


@contextmanager
def free_instance() -> Iterator[NodeSpec]:
    """An instance that no other session holds; the kernel gives it back when this process ends."""
    locks = places.cache() / "slots"
    locks.mkdir(parents=True, exist_ok=True)
    for instance in INSTANCES[1:]:
        with (locks / str(instance)).open("w") as lock:
            if _taken(lock):
                continue
            yield NodeSpec(instance)
            return
    raise ClusterError(
        "all instances for test sessions are taken",
        allowed=f"{len(INSTANCES) - 1} sessions at once",
        next_step="wait for one of them to end",
    )


def _taken(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
