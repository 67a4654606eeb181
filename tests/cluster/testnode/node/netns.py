"""The namespaces a node lives in: process, mount and network, all without a name.

Nothing outside points to them, so they end with their last process: a node that was killed
leaves no mount, no interface and no namespace. `node` opens and closes them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from testnode.commands import run
from testnode.errors import ClusterError
from testnode.node import cgroups
from testnode.spec import NodeSpec

SUPERVISOR = Path(__file__).with_name("supervisor.py")
START_S = 60.0  # a fraction of a second, but for a machine that is busy with much else
END_S = 20.0


def open_netns(spec: NodeSpec, plan_file: Path) -> None:
    """Start the supervisor in new namespaces and link them to this machine."""
    cgroups.create(spec.name, *(worker.folder.name for worker in spec.workers))
    log = spec.folder / "log"
    log.mkdir(exist_ok=True)
    unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--mount", "--net"]
    with (log / "supervisor.log").open("w") as output:
        subprocess.Popen(
            [*unshare, sys.executable, "-I", str(SUPERVISOR), str(plan_file)],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _until(lambda: first_process(spec) is not None, START_S, "the supervisor did not start")
    _link(spec)


def close_netns(spec: NodeSpec) -> None:
    """End every process of the node and delete its control groups. Idempotent."""
    deadline = time.monotonic() + END_S
    while not _ended(spec):
        if time.monotonic() > deadline:
            raise ClusterError(
                f"{spec.name} does not end: {cgroups.members(spec.name)}",
                next_step="look at these processes: one that waits for a disk cannot be killed",
            )
        time.sleep(0.05)
    # the kernel takes it away too, but on a busy machine after the next start has asked for it
    subprocess.run(["ip", "link", "delete", spec.host_link], check=False, capture_output=True)


def first_process(spec: NodeSpec) -> int | None:
    """The supervisor, as seen from here: number 1 in the node's namespace, not in a pod's."""
    for pid in cgroups.members(spec.name):
        seen_as = _namespaced_ids(pid)
        if len(seen_as) == 2 and seen_as[1] == 1:
            return pid
    return None


def inside(spec: NodeSpec, argv: Sequence[str | Path]) -> list[str]:
    """`argv`, to be run in the node's namespaces."""
    pid = first_process(spec)
    if pid is None:
        raise ClusterError(
            f"the node {spec.name} is not running", next_step="python tests/cluster up"
        )
    entered = ["nsenter", f"--target={pid}", "--pid", "--mount", "--net"]
    return [*entered, *[str(word) for word in argv]]


def _link(spec: NodeSpec) -> None:
    pid = str(first_process(spec))
    pair = ["type", "veth", "peer", "name", "eth0", "netns", pid]
    run(["ip", "link", "add", spec.host_link, *pair])
    run(["ip", "address", "add", f"{spec.host_address}/24", "dev", spec.host_link])
    run(["ip", "link", "set", spec.host_link, "up"])


def _ended(spec: NodeSpec) -> bool:
    """Kill what is there; whether nothing is left. A process that is ending keeps its group."""
    for pid in cgroups.members(spec.name):
        _kill(pid)
    try:
        cgroups.remove(spec.name)
    except OSError:
        return False
    return True


def _environment() -> dict[str, str]:
    """Only what programs need: a proxy of the machine would swallow the cluster's addresses."""
    system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": system, "HOME": str(Path.home()), "LANG": "C.UTF-8"}


def _namespaced_ids(pid: int) -> list[int]:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    lines = (line for line in status.splitlines() if line.startswith("NSpid:"))
    return [int(word) for line in lines for word in line.split()[1:]]


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _until(reached: Callable[[], bool], within_s: float, otherwise: str) -> None:
    deadline = time.monotonic() + within_s
    while not reached():
        if time.monotonic() > deadline:
            raise ClusterError(otherwise, next_step="see supervisor.log in the node's folder")
        time.sleep(0.02)
