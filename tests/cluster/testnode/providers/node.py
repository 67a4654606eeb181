"""CLUSTER=node: the node of our own. Needs root and the built parts, nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from testnode.errors import ClusterError
from testnode.images.store import load_image
from testnode.kubectl import Kubectl
from testnode.node import lifecycle
from testnode.node.footprint import footprint
from testnode.node.netns import first_process
from testnode.spec import NodeSpec


class NodeProvider:
    name = "node"

    def __init__(self, spec: NodeSpec) -> None:
        self.spec = spec

    @classmethod
    def from_environment(cls) -> NodeProvider:
        instance = _number("CLUSTER_INSTANCE", "0", allowed="0 to 9")
        return cls(NodeSpec(instance, _number("CLUSTER_WORKERS", "1", allowed="1 to 9")))

    def require(self) -> None:
        lifecycle.require_buildable()

    def running(self) -> bool:
        return lifecycle.running(self.spec)

    def up(self) -> str:
        if self.running():
            return f"{self.spec.name} is running already"
        return f"{self.spec.name} Ready after {lifecycle.up(self.spec):.1f} s"

    def down(self) -> None:
        lifecycle.down(self.spec)

    def status(self) -> str:
        if self.running():
            command = " ".join(self.kubectl().command())
            return f"{self.spec.name} is Ready\nkubectl: {command}\nlogs: {self.spec.folder}/log"
        if first_process(self.spec) is not None:
            return f"{self.spec.name} runs but is not Ready\nlogs: {self.spec.folder}/log"
        left = footprint(self.spec)
        return f"{self.spec.name} is down" + (f", but left {left}" if left else "")

    def kubectl(self) -> Kubectl:
        return lifecycle.kubectl(self.spec)

    def load_image(self, name: str) -> None:
        load_image(self.spec, name)

    def keep_logs(self, target: Path) -> None:
        lifecycle.keep_logs(self.spec, target)


def _number(name: str, default: str, allowed: str) -> int:
    given = os.environ.get(name, default)
    if not given.isdecimal():
        raise ClusterError(f"{name}={given}", allowed=allowed)
    return int(given)
