"""One release of a chart on the cluster, by the pinned Helm. Tests of charts speak through it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testnode import places
from testnode.building import parts
from testnode.commands import run
from testnode.kubectl import Kubectl

CHARTS = places.HERE.parent.parent / "charts"
WITHIN_S = 240


@dataclass(frozen=True, slots=True)
class Release:
    """A chart, its release's name and namespace. Verbs return Helm's own words."""

    chart: Path
    name: str
    namespace: str
    kubectl: Kubectl

    def install(self, values: Mapping[str, Any], *words: str, within_s: int = WITHIN_S) -> str:
        """To all Ready."""
        what = (self.name, str(self.chart), *words, "--values=-")
        return self._helm("install", *what, values=values, wait_s=within_s)

    def upgrade(self, values: Mapping[str, Any], *words: str, within_s: int = WITHIN_S) -> str:
        """To all Ready; `values` are all of them, not those that change."""
        what = (self.name, str(self.chart), *words, "--values=-")
        return self._helm("upgrade", *what, values=values, wait_s=within_s)

    def apply(self, values: Mapping[str, Any], *words: str, within_s: int = WITHIN_S) -> str:
        """Install, or upgrade what is there, to all Ready."""
        return self.upgrade(values, "--install", *words, within_s=within_s)

    def rollback(self, revision: int = 0, within_s: int = WITHIN_S) -> str:
        """To that revision, or to the one before."""
        which = [str(revision)] if revision else []
        return self._helm("rollback", self.name, *which, wait_s=within_s)

    def test(self) -> str:
        return self._helm("test", self.name, "--logs", f"--timeout={WITHIN_S}s")

    def uninstall(self) -> None:
        self._helm("uninstall", self.name, "--ignore-not-found", wait_s=WITHIN_S)

    def revision(self) -> int:
        shown = json.loads(self._helm("list", f"--filter=^{self.name}$", "--output=json"))
        return int(shown[0]["revision"])

    def pods(self, component: str) -> list[dict[str, Any]]:
        """Of one component of the chart; those that were told to go are left out."""
        label = f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component={component}"
        found = self.kubectl.get("pods", "--namespace", self.namespace, "--selector", label)
        return [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]

    def _helm(
        self, verb: str, *words: str, values: Mapping[str, Any] | None = None, wait_s: int = 0
    ) -> str:
        access = [f"--kubeconfig={self.kubectl.kubeconfig}", f"--namespace={self.namespace}"]
        if self.kubectl.context:
            access.append(f"--kube-context={self.kubectl.context}")
        waiting = ["--wait", f"--timeout={wait_s}s"] if wait_s else []
        stdin = None if values is None else json.dumps(values)
        command = [str(parts.program("helm")), verb, *words, *access, *waiting]
        return run(command, stdin=stdin, timeout_s=(wait_s or WITHIN_S) + 30)
