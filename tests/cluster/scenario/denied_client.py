"""A client that every policy denies: a pod that no policy knows of, at everybody's doors."""

from __future__ import annotations

from collections.abc import Iterator

from testnode.errors import ClusterError
from testnode.kubectl import Kubectl
from testnode.workloads import app_container, pod

from scenario.addresses import Address
from scenario.inside import python_in

NAME = "denied-client"
QUOTA = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "1", "memory": "64Mi"}}


def let_in(kubectl: Kubectl, home: str, namespace: str) -> dict[str, bool]:
    """Whether the client in `home` gets a connection to each pod of the namespace, by name."""
    kubectl.apply([pod(NAME, home, app_container("web", "idle", resources=QUOTA))])
    kubectl.wait("condition=Ready", f"pod/{NAME}", "--namespace", home)
    asked = {name: _open(kubectl, home, door) for name, door in _doors(kubectl, namespace)}
    kubectl.run("delete", f"pod/{NAME}", "--namespace", home)
    return asked


def _doors(kubectl: Kubectl, namespace: str) -> Iterator[tuple[str, Address]]:
    """Each port that a running pod declares."""
    running = ("--namespace", namespace, "--field-selector=status.phase=Running")
    for found in kubectl.get("pods", *running)["items"]:
        for container in found["spec"]["containers"]:
            for port in container.get("ports", ()):
                if found["metadata"]["name"] != NAME:
                    address = str(found["status"]["podIP"]), int(port["containerPort"])
                    yield str(found["metadata"]["name"]), address


def _open(kubectl: Kubectl, home: str, door: Address) -> bool:
    ask = f"import socket; socket.create_connection({door}, 2)"
    try:
        python_in(kubectl, NAME, home, ask)
    except ClusterError:
        return False
    return True
