"""CLUSTER=current: whatever the current kubeconfig context points to, after asking.

The tests make and delete namespaces, policies and add-ons there, so nothing but a person's
yes at a terminal starts them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from testnode.commands import run
from testnode.errors import ClusterError
from testnode.kubectl import Kubectl


class CurrentProvider:
    name = "current"

    def require(self) -> None:
        """Nobody can be asked in a run without a terminal, so it is refused."""
        if not sys.stdin.isatty():
            raise ClusterError(
                f"CLUSTER=current would change the cluster of the context {_context()}",
                allowed="a person's yes at a terminal; there is no terminal here",
                next_step="run it at a terminal (pytest: with -s), or use CLUSTER=node",
            )

    def running(self) -> bool:
        return bool(_context())

    def up(self) -> str:
        self.require()
        _ask(_context())
        return f"using the context {_context()}"

    def down(self) -> None:
        """Nothing to give back: the cluster is not ours."""

    def status(self) -> str:
        return f"current context: {_context()}"

    def kubectl(self) -> Kubectl:
        return Kubectl(Path("kubectl"), _kubeconfig(), _context())

    def load_image(self, name: str) -> None:
        raise ClusterError(
            f"{name} cannot be loaded into the context {_context()}",
            allowed="images that its nodes can pull by themselves",
            next_step="push it to a registry that they reach, or use CLUSTER=node",
        )

    def keep_logs(self, target: Path) -> None:
        """The cluster keeps its own."""


def _context() -> str:
    return run(
        ["kubectl", "config", "current-context"],
        next_step="kubectl config use-context NAME, or leave CLUSTER unset",
    ).strip()


def _ask(context: str) -> None:
    sys.stdout.write(f"Make and delete test objects in the context {context}? [y/N] ")
    sys.stdout.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise ClusterError(f"not using the context {context}: the answer was not yes")


def _kubeconfig() -> Path:
    """The first file of $KUBECONFIG; kubectl's own merging of several is not repeated here."""
    first = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    return Path(first) if first else Path.home() / ".kube" / "config"
