"""A Gateway of Envoy's class with one listener for plain HTTP, as tests put it into a namespace."""

from __future__ import annotations

from testnode.kubectl import Kubectl
from testnode.workloads import Manifest, named

from scenario.addresses import Address, gateway_address

WITHIN_S = 300  # an Envoy of its own is started for it


def http_gateway(name: str, namespace: str, **of_listener: object) -> Manifest:
    listener = {"name": "http", "port": 80, "protocol": "HTTP", **of_listener}
    spec = {"gatewayClassName": "envoy", "listeners": [listener]}
    return named("gateway.networking.k8s.io/v1", "Gateway", name, namespace, spec=spec)


def programmed(kubectl: Kubectl, name: str, namespace: str) -> Address:
    """Where it is reached from here, once Envoy runs."""
    where = (f"gateway/{name}", "--namespace", namespace)
    kubectl.wait("condition=Programmed", *where, within_s=WITHIN_S)
    return gateway_address(kubectl, namespace)
