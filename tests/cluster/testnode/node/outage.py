"""Programs of the node taken away for a while: what tests of faults do to it.

Only for CLUSTER=node: other providers' programs are not ours to stop.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testnode.commands import run
from testnode.errors import ClusterError
from testnode.node import cgroups
from testnode.node.netns import first_process, inside
from testnode.spec import NodeSpec, Worker

TABLE = "mizzen-cut-off"


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
    with _frozen(_pids(spec, program), then=signal.SIGKILL):
        yield


@contextmanager
def cut_off(spec: NodeSpec, worker: Worker) -> Iterator[None]:
    """The worker is as good as dead until the block ends: its kubelet reports nothing, and
    packets to and from its pods vanish, of connections that are open too.
    """
    pids = _pids(spec, "kubelet", f"--hostname-override={worker.name}")
    run(inside(spec, ["nft", "-f", "-"]), stdin=_dropping(worker))
    try:
        with _frozen(pids, then=signal.SIGCONT):
            yield
    finally:
        run(inside(spec, ["nft", "delete", "table", "ip", TABLE]))


@contextmanager
def _frozen(pids: list[int], then: signal.Signals) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, then)


def _dropping(worker: Worker) -> str:
    chains = (
        f"chain {hook} {{ type filter hook {hook} priority -300;"
        f" ip saddr {worker.pod_network} drop; ip daddr {worker.pod_network} drop; }};"
        for hook in ("forward", "output", "input")
    )
    return f"table ip {TABLE} {{ {' '.join(chains)} }}"


def _pids(spec: NodeSpec, program: str, argument: str = "") -> list[int]:
    """Children of the supervisor only: a pod may run a program of the same name."""
    supervisor = first_process(spec)
    found = [
        pid
        for pid in cgroups.members(spec.name)
        if _parent(pid) == supervisor and _is(pid, program, argument)
    ]
    if not found:
        raise ClusterError(f"the node {spec.name} runs no {program}")
    return found


def _parent(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("PPid:")[2].split()[0])


def _is(pid: int, program: str, argument: str) -> bool:
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return Path(words[0]).name == program and (not argument or argument in words)
