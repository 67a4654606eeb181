"""Where the node, and what is exposed on it, are reached from this machine."""

from __future__ import annotations

from testnode.kubectl import Kubectl
from testnode.spec import S3_PORT

Address = tuple[str, int]


def node_address(kubectl: Kubectl) -> str:
    addresses = kubectl.get("nodes")["items"][0]["status"]["addresses"]
    return next(str(a["address"]) for a in addresses if a["type"] == "InternalIP")


def s3_endpoint(kubectl: Kubectl) -> str:
    """Of the S3 server beside the node's pods, as `AWS_ENDPOINT_URL` wants it."""
    return f"http://{node_address(kubectl)}:{S3_PORT}"


def service_address(kubectl: Kubectl, name: str, namespace: str) -> Address:
    """Of the first port of a Service of type NodePort."""
    ports = kubectl.get("service", name, "--namespace", namespace)["spec"]["ports"]
    return node_address(kubectl), int(ports[0]["nodePort"])


def gateway_address(kubectl: Kubectl, namespace: str) -> Address:
    """Of the listener for plain HTTP of the namespace's Gateway."""
    return node_address(kubectl), gateway_port(kubectl, namespace, 80)


def gateway_port(kubectl: Kubectl, namespace: str, listener: int) -> int:
    """The port on the node that leads to the namespace's Gateway."""
    label = f"gateway.envoyproxy.io/owning-gateway-namespace={namespace}"
    where = ("--namespace=envoy-gateway-system", f"--selector={label}")
    service = kubectl.get("services", *where)["items"][0]
    ports = {port["port"]: port["nodePort"] for port in service["spec"]["ports"]}
    return int(ports[listener])
