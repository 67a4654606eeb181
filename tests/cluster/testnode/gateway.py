"""Where a Gateway of the cluster is reached from this machine."""

from __future__ import annotations

from testnode.kubectl import Kubectl

Address = tuple[str, int]


def gateway_address(kubectl: Kubectl, namespace: str, port: int = 80) -> Address:
    """The node's address, and the port on it that leads to the namespace's Gateway at `port`."""
    label = f"gateway.envoyproxy.io/owning-gateway-namespace={namespace}"
    where = ("--namespace=envoy-gateway-system", f"--selector={label}")
    ports = kubectl.get("services", *where)["items"][0]["spec"]["ports"]
    exposed = next(int(found["nodePort"]) for found in ports if found["port"] == port)
    addresses = kubectl.get("nodes")["items"][0]["status"]["addresses"]
    return next(a["address"] for a in addresses if a["type"] == "InternalIP"), exposed
