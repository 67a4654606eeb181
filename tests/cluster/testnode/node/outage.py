"""Programs of the node taken away for a while: what tests of faults do to it.

Only for CLUSTER=node: other providers' programs are not ours to stop.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testnode.errors import ClusterError
from testnode.node import cgroups
from testnode.node.box import first_process
from testnode.spec import NodeSpec


def restart(spec: NodeSpec, program: str) -> None:
    """Kill it as a crash would; the supervisor starts it again."""
    for pid in _pids(spec, program):
        os.kill(pid, signal.SIGKILL)


@contextmanager
def outage(spec: NodeSpec, program: str) -> Iterator[None]:
    """It answers nobody until the block ends, neither yes nor no; then it starts anew.

    Raises:
        ClusterError: the node runs no such program.
    """
    pids = _pids(spec, program)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)


def _pids(spec: NodeSpec, program: str) -> list[int]:
    """Children of the supervisor only: a pod may run a program of the same name."""
    supervisor = first_process(spec)
    found = [
        pid
        for pid in cgroups.members(spec.name)
        if _parent(pid) == supervisor and _program(pid) == program
    ]
    if not found:
        raise ClusterError(f"the node {spec.name} runs no {program}")
    return found


def _parent(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("PPid:")[2].split()[0])


def _program(pid: int) -> str:
    return Path(Path(f"/proc/{pid}/cmdline").read_text().partition("\0")[0]).name
