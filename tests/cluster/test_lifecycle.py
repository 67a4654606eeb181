"""Start, stop and sudden death of a node: whatever dies, the next start works and nothing stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from testnode import places
from testnode.eventually import eventually
from testnode.figures import record
from testnode.images.store import PAUSE
from testnode.node import cgroups, lifecycle
from testnode.node.footprint import footprint, shared_files
from testnode.node.netns import first_process
from testnode.spec import NodeSpec
from testnode.workloads import pod


def test_down_leaves_nothing_and_may_be_repeated(own_node: NodeSpec) -> None:
    shared_before = shared_files()
    record("node: started to Ready", lifecycle.up(own_node), "s")
    run_a_pod(own_node)
    assert set(footprint(own_node)) == {
        "processes",
        "mounts",
        "loop devices",
        "control groups",
        "interfaces",
        "files",
    }
    lifecycle.down(own_node)
    lifecycle.down(own_node)
    assert footprint(own_node) == {}
    assert shared_files() == shared_before


def supervisor_only(spec: NodeSpec) -> list[int]:
    return [pid for pid in [first_process(spec)] if pid is not None]


def everything(spec: NodeSpec) -> list[int]:
    return cgroups.members(spec.name)


def named(program: str) -> Callable[[NodeSpec], list[int]]:
    def of_that_name(spec: NodeSpec) -> list[int]:
        return [pid for pid in cgroups.members(spec.name) if comm(pid).startswith(program)]

    of_that_name.__name__ = program
    return of_that_name


@pytest.mark.parametrize(
    "victims",
    [supervisor_only, everything, named("containerd"), named("kubelet")],
    ids=lambda victims: victims.__name__,
)
def test_after_a_kill_the_next_start_works_and_nothing_stays(
    own_node: NodeSpec, victims: Callable[[NodeSpec], list[int]]
) -> None:
    lifecycle.up(own_node)
    run_a_pod(own_node)
    killed = victims(own_node)
    assert killed
    for pid in killed:
        kill(pid)
    lifecycle.up(own_node)
    run_a_pod(own_node)
    lifecycle.down(own_node)
    assert footprint(own_node) == {}


def test_a_killed_api_server_is_started_again(own_node: NodeSpec) -> None:
    lifecycle.up(own_node)
    for pid in named("kube-apiserver")(own_node):
        kill(pid)
    eventually(lambda: not lifecycle.running(own_node))
    eventually(lambda: lifecycle.running(own_node))
    run_a_pod(own_node)


def test_a_start_that_was_killed_halfway_is_swept(own_node: NodeSpec) -> None:
    environment = {**os.environ, "CLUSTER": "node", "CLUSTER_INSTANCE": str(own_node.instance)}
    command = [sys.executable, str(places.HERE), "up"]
    starting = subprocess.Popen(command, env=environment, start_new_session=True)
    eventually(lambda: named("kube-apiserver")(own_node))
    starting.kill()
    starting.wait()
    lifecycle.down(own_node)
    assert footprint(own_node) == {}


def run_a_pod(spec: NodeSpec) -> None:
    """Of the one image that every node has from its start."""
    kubectl = lifecycle.kubectl(spec)
    kubectl.apply([pod("idle", "default", {"name": "main", "image": PAUSE})])
    kubectl.wait("condition=Ready", "pod/idle")


def comm(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
