"""The pinned kubectl against one kubeconfig: what tests, add-ons and `node.up` speak through."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testnode.commands import run

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kubectl:
    """A few verbs; whatever else goes through `run`."""

    program: Path
    kubeconfig: Path
    context: str = ""

    def run(self, *words: str | Path, stdin: str | None = None, timeout_s: float = 180) -> str:
        return run([*self.command(), *words], stdin=stdin, timeout_s=timeout_s)

    def command(self) -> list[str]:
        context = [f"--context={self.context}"] if self.context else []
        return [str(self.program), f"--kubeconfig={self.kubeconfig}", *context]

    def apply(self, manifests: Iterable[Manifest]) -> None:
        """Server-side, so that applying twice is no conflict and a wrong field is an error."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        words = ("apply", "--server-side", "--force-conflicts", "-f", "-")
        self.run(*words, stdin=json.dumps(listed))

    def get(self, *words: str) -> Any:
        return json.loads(self.run("get", *words, "-o", "json"))

    def wait(self, condition: str, *words: str, within_s: int = 120) -> None:
        """`condition` as kubectl spells it: `condition=Ready`, `delete`, `jsonpath=...`."""
        limit = f"--timeout={within_s}s"
        self.run("wait", f"--for={condition}", limit, *words, timeout_s=within_s + 10)

    def rolled_out(self, workload: str, *words: str, within_s: int = 180) -> None:
        limit = f"--timeout={within_s}s"
        self.run("rollout", "status", workload, limit, *words, timeout_s=within_s + 10)
