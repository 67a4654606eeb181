"""The questions that `node.up` asks many times a second, without starting a kubectl for each."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import Any

from testnode.spec import API_PORT, NodeSpec, Worker


def api_ready(spec: NodeSpec) -> bool:
    return get(spec, "/readyz") is not None


def pods_admitted(spec: NodeSpec) -> bool:
    """A namespace takes pods once a controller has given it its service account."""
    return get(spec, "/api/v1/namespaces/default/serviceaccounts/default") is not None


def node_ready(spec: NodeSpec) -> bool:
    """Whether every worker is."""
    return all(_ready(spec, worker) for worker in spec.workers)


def _ready(spec: NodeSpec, worker: Worker) -> bool:
    body = get(spec, f"/api/v1/nodes/{worker.name}")
    if body is None:
        return False
    conditions: list[dict[str, Any]] = json.loads(body)["status"].get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def get(spec: NodeSpec, path: str) -> bytes | None:
    """The body of a 200; None for every other outcome, as all of them mean: not yet."""
    pki = spec.folder / "pki"
    try:
        context = ssl.create_default_context(cafile=pki / "ca.crt")
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        connection = http.client.HTTPSConnection(spec.address, API_PORT, timeout=2, context=context)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        return body if answer.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException):
        return None
