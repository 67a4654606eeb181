"""What the API server writes down: who was granted what, and what each pod then asked for.

The policy is pure and goes to the API server; `entries` reads what it wrote. Pods of kube-system
and of the add-ons are left out: only rights of our own are held against their use.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from testnode.spec import HOME, NodeSpec

POLICY = HOME / "audit-policy.json"
LOG = HOME / "log" / "audit.log"
Entry = dict[str, Any]


def audit_flags() -> dict[str, str]:
    return {"audit-policy-file": str(POLICY), "audit-log-path": str(LOG)}


def audit_files() -> dict[str, str]:
    return {POLICY.name: json.dumps(_policy(), indent=1)}


def _policy() -> dict[str, object]:
    roles = {"group": "rbac.authorization.k8s.io"}
    granting = {"level": "RequestResponse", "verbs": ["create", "update", "patch"]}
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {**granting, "resources": [roles]},
            {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
            {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
            {"level": "None"},
        ],
    }


def entries(spec: NodeSpec) -> Iterator[Entry]:
    """Every entry since the node's start, the oldest first; none on a node that keeps no log."""
    for file in sorted(_files(spec), key=lambda file: file.stat().st_mtime):
        for line in file.read_text().splitlines():
            yield json.loads(line)


def _files(spec: NodeSpec) -> list[Path]:
    return list((spec.folder / "log").glob("audit*.log"))
