"""Objects that the tests put on the cluster, as pure functions. Conftest and tests call them.

All of them hold to the restricted Pod Security level, as the product's own charts do.
"""

from __future__ import annotations

from typing import Any

from testnode import places
from testnode.images.base import BASE

Manifest = dict[str, Any]
# what the restricted level asks of a container
UNPRIVILEGED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
APPS = places.HERE / "apps"


def app_container(app: str, *arguments: str, image: str = BASE, **rest: Any) -> Manifest:
    """A container that runs one of the scripts under apps/, passed to it as text."""
    return {
        "name": "main",
        "image": image,
        "command": ["python3", "-u", "-c", (APPS / f"{app}.py").read_text(), *arguments],
        "securityContext": UNPRIVILEGED,
        **rest,
    }


def web_container(answer: str) -> Manifest:
    return app_container(
        "web",
        answer,
        readinessProbe={"httpGet": {"path": "/count", "port": 8080}, "periodSeconds": 1},
        # requests still arrive until every proxy has heard that the pod is going
        lifecycle={"preStop": {"sleep": {"seconds": 3}}},
    )


def pod_spec(container: Manifest, **rest: Any) -> Manifest:
    return {
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "automountServiceAccountToken": False,
        "containers": [container],
        **rest,
    }


def pod(name: str, namespace: str, container: Manifest, **rest: Any) -> Manifest:
    return named("v1", "Pod", name, namespace, spec=pod_spec(container, **rest))


def deployment(
    name: str, namespace: str, container: Manifest, replicas: int = 1, **of_pod: Any
) -> Manifest:
    labels = {"app": name}
    return named(
        "apps/v1",
        "Deployment",
        name,
        namespace,
        spec={
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            # one more before one less: never fewer than asked for
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec(container, **of_pod)},
        },
    )


def service(name: str, namespace: str, port: int = 80, target: int = 8080, **spec: Any) -> Manifest:
    ports = [{"name": "http", "port": port, "targetPort": target}]
    return named(
        "v1", "Service", name, namespace, spec={"selector": {"app": name}, "ports": ports, **spec}
    )


def named(version: str, kind: str, name: str, namespace: str = "", **rest: Any) -> Manifest:
    metadata: Manifest = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}
