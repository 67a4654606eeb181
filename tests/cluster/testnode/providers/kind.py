"""CLUSTER=kind: a cluster in Docker, where Docker and kind are at hand.

It has neither our S3 nor our PostgreSQL; the tests that need them skip there.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from testnode import places
from testnode.commands import run
from testnode.errors import ClusterError
from testnode.kubectl import Kubectl

CLUSTER_NAME = "mizzen-test"
NEEDED = ("docker", "kind", "kubectl")


class KindProvider:
    name = "kind"

    def require(self) -> None:
        missing = [program for program in NEEDED if shutil.which(program) is None]
        if missing:
            raise ClusterError(
                f"CLUSTER=kind needs {', '.join(missing)} on PATH",
                next_step="install them, or leave CLUSTER unset for a node of our own",
            )

    def running(self) -> bool:
        return CLUSTER_NAME in run(["kind", "get", "clusters"]).split()

    def up(self) -> str:
        self.require()
        if not self.running():
            places.cache().mkdir(parents=True, exist_ok=True)
            made = ["kind", "create", "cluster", f"--name={CLUSTER_NAME}", "--wait=180s"]
            run([*made, f"--kubeconfig={self._kubeconfig()}"])
        return f"kind cluster {CLUSTER_NAME} is there"

    def down(self) -> None:
        self.require()
        run(["kind", "delete", "cluster", f"--name={CLUSTER_NAME}"])
        self._kubeconfig().unlink(missing_ok=True)

    def status(self) -> str:
        return f"kind cluster {CLUSTER_NAME} is {'there' if self.running() else 'not there'}"

    def kubectl(self) -> Kubectl:
        return Kubectl(Path("kubectl"), self._kubeconfig())

    def load_image(self, name: str) -> None:
        """From Docker's own store, where `docker build` put it."""
        run(["kind", "load", "docker-image", name, f"--name={CLUSTER_NAME}"])

    def keep_logs(self, target: Path) -> None:
        run(["kind", "export", "logs", target, f"--name={CLUSTER_NAME}"])

    def _kubeconfig(self) -> Path:
        return places.cache() / "kind.kubeconfig"
