"""A data scientist's machine beside the cluster: an example project whose profile leads to it.

Training runs here, by the local runner; runs, versions, snapshots and features go to the
services of the release. The cluster demo and the journey's test work through it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from testnode import places
from testnode.commands import run
from testnode.node.bootstrap import NAMESPACE
from testnode.spec import POSTGRES_PORT

from scenario.addresses import node_address, s3_endpoint
from scenario.stage import Stage, secret_of

WITHIN_S = 900


@dataclass(frozen=True, slots=True)
class Laptop:
    """A copy of a project, and the environment with the credentials that its profile needs."""

    folder: Path
    environment: Mapping[str, str]

    def mizzen(self, *words: str) -> Any:
        """Run a command of `mizzen` in the profile `cluster`; its JSON.

        Raises:
            ClusterError: it failed; with its last words.
        """
        how = ["--project", str(self.folder), "--profile", "cluster", "--json"]
        said = run(
            [sys.executable, "-m", "mizzen", *words, *how],
            env=self.environment,
            timeout_s=WITHIN_S,
        )
        return json.loads(said)


def open_laptop(stage: Stage, example: str, folder: Path, gateway: str) -> Laptop:
    """Copy the example into `folder`, where what was done with this platform before is kept: what
    was stored on a node that is gone is no result to go on with.

    Args:
        gateway: address of the platform's gateway, as in `http://10.77.0.2:31234`.
    """
    uid = stage.kubectl.get("namespace", stage.namespace)["metadata"]["uid"]
    if not (folder / ".mizzen" / uid).exists():
        shutil.rmtree(folder / ".mizzen", ignore_errors=True)
    shutil.copytree(
        places.EXAMPLES / example,
        folder,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("__pycache__", ".mizzen"),
    )
    profile = folder / "profiles" / "cluster.yaml"
    profile.parent.mkdir(exist_ok=True)
    profile.write_text(yaml.safe_dump({**profile_of(stage, gateway), "home": f".mizzen/{uid}"}))
    return Laptop(folder, credentials_of(stage))


def profile_of(stage: Stage, gateway: str) -> dict[str, Any]:
    """Where the release's services are, seen from outside of the cluster."""
    return {
        "apiVersion": "mizzen.dev/v1",
        "kind": "Profile",
        "tracking": {"uri": f"{gateway}/mlflow"},
        "data_store": {"url": f"s3://{stage.bucket}/data"},
        "control": {"url": gateway},
        "feature_store": {"kind": "postgres", "sources": f"s3://{stage.bucket}/features"},
        "prediction_log": {"url": f"s3://{stage.bucket}/predictions"},
    }


def credentials_of(stage: Stage) -> dict[str, str]:
    """Variables with what the profile refers to, by the addresses of the node itself."""
    postgres, s3 = (secret_of(stage.kubectl, name, NAMESPACE) for name in ("postgres", "s3"))
    return {
        **os.environ,
        **postgres,
        "PGHOST": node_address(stage.kubectl),
        "PGPORT": str(POSTGRES_PORT),
        "PGDATABASE": stage.database,
        **s3,
        "AWS_ENDPOINT_URL": s3_endpoint(stage.kubectl),
        "MIZZEN_API_TOKEN": stage.token,
    }
