"""A registry of models in a namespace: MLflow out of the control image, and versions trained here.

For tests that need a model on the cluster and not the platform around it. Pods find it where the
charts look for it by default, `http://mizzen-mlflow:5000`; this machine at `Registry.address`.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from testnode import places
from testnode.commands import run
from testnode.images.mizzen import image_name
from testnode.kubectl import Kubectl
from testnode.workloads import UNPRIVILEGED, Manifest, deployment, service

from scenario.addresses import service_address

NAME = "mizzen-mlflow"


@dataclass(frozen=True, slots=True)
class Registry:
    """MLflow as this machine reaches it."""

    address: str


def start_registry(kubectl: Kubectl, namespace: str) -> Registry:
    """Start MLflow; it keeps everything in its pod and goes with the namespace."""
    exposed = service(NAME, namespace, port=5000, target=5000, type="NodePort")
    kubectl.apply([_server(namespace), exposed])
    kubectl.rolled_out(f"deployment/{NAME}", "--namespace", namespace)
    node, port = service_address(kubectl, NAME, namespace)
    return Registry(f"http://{node}:{port}")


def train(registry: Registry, folder: Path, *overrides: str, example: str = "diabetes") -> int:
    """Train an example below `folder` with this registry; returns the version's number.

    Args:
        overrides: fields of mizzen.yaml, such as `trainer.seed=2`.
    """
    project = folder / example
    if not project.exists():
        shutil.copytree(places.EXAMPLES / example, project)
        profile = {"apiVersion": "mizzen.dev/v1", "kind": "Profile"}
        profile["tracking"] = {"uri": registry.address}  # type: ignore[assignment]
        (project / "profiles").mkdir(exist_ok=True)
        (project / "profiles" / "cluster.yaml").write_text(yaml.safe_dump(profile))
    sets = [word for override in overrides for word in ("--set", override)]
    said = _mizzen(project, ["run", "--profile", "cluster", "--json", *sets])
    return int(_version(said))


def _mizzen(project: Path, words: Sequence[str]) -> str:
    env = {**os.environ, "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}
    command = [sys.executable, "-m", "mizzen", *words, "--project", str(project)]
    return run(command, env=env, timeout_s=300)


def _version(said: str) -> int:
    return int(json.loads(said)["run"]["version"])


def _server(namespace: str) -> Manifest:
    container = {
        "name": "main",
        "image": image_name("control"),
        "args": [
            *("mlflow", "server", "--host=0.0.0.0", "--port=5000", "--workers=1"),
            "--backend-store-uri=sqlite:////data/mlflow.db",
            "--artifacts-destination=/data/artifacts",
            "--allowed-hosts=*",
        ],
        "env": [{"name": "MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "value": "false"}],
        "securityContext": UNPRIVILEGED,
        "readinessProbe": {"httpGet": {"path": "/health", "port": 5000}, "periodSeconds": 1},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    return deployment(NAME, namespace, container, volumes=[{"name": "data", "emptyDir": {}}])
