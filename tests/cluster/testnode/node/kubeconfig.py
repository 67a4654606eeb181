"""Kubeconfigs with everything inside, so that they work wherever they are copied to."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from testnode.spec import NodeSpec


def write_kubeconfig(spec: NodeSpec, identity: str, target: Path) -> None:
    target.touch(mode=0o600)
    target.write_text(json.dumps(kubeconfig(spec, identity), indent=1))


def kubeconfig(spec: NodeSpec, identity: str) -> dict[str, object]:
    pki = spec.folder / "pki"
    user = {
        "client-certificate-data": _packed(pki / f"{identity}.crt"),
        "client-key-data": _packed(pki / f"{identity}.key"),
    }
    cluster = {"server": spec.api, "certificate-authority-data": _packed(pki / "ca.crt")}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": spec.name, "cluster": cluster}],
        "users": [{"name": identity, "user": user}],
        "contexts": [{"name": spec.name, "context": {"cluster": spec.name, "user": identity}}],
        "current-context": spec.name,
    }


def _packed(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
