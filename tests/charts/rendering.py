"""Charts rendered by Helm, as plain objects. No cluster is asked; conftest.py hands out `Helm`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHARTS = ROOT / "charts"
Object = dict[str, Any]
# the fast one where it is built in: a test renders hundreds of times
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Refused(Exception):
    """Helm's words when it renders nothing."""


class Objects(list[Object]):
    """What a chart makes of some values."""

    def one(self, kind: str, name: str) -> Object:
        found = [o for o in self if (o["kind"], o["metadata"]["name"]) == (kind, name)]
        assert len(found) == 1, f"{len(found)} objects {kind}/{name} among {self.named()}"
        return found[0]

    def of(self, kind: str) -> dict[str, Object]:
        """Name -> object, of one kind."""
        return {o["metadata"]["name"]: o for o in self if o["kind"] == kind}

    def named(self) -> list[str]:
        return sorted(f"{o['kind']}/{o['metadata']['name']}" for o in self)


@dataclass(frozen=True, slots=True)
class Helm:
    """The `helm` command on one chart."""

    program: str
    chart: Path
    release: str

    def render(self, values: Mapping[str, Any], *words: str) -> Objects:
        """What `helm template` prints.

        Raises:
            Refused: values that are not right.
        """
        said = self._run("template", values, *words)
        return Objects(found for found in yaml.load_all(said, Loader) if found)

    def notes(self, values: Mapping[str, Any], *words: str) -> str:
        """What `helm install` says at its end."""
        said = self._run("install", values, "--dry-run=client", *words)
        return said.partition("NOTES:\n")[2]

    def _run(self, verb: str, values: Mapping[str, Any], *words: str) -> str:
        command = [self.program, verb, self.release, str(self.chart), "--values=-", *words]
        done = subprocess.run(
            command,
            input=json.dumps(values),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "KUBECONFIG": os.devnull},
        )
        if done.returncode:
            raise Refused(done.stderr)
        return done.stdout
