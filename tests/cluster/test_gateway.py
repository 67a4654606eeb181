"""Weights and a mirror by the Gateway API, through the real Envoy, counted request by request."""

from __future__ import annotations

import http.client
from collections import Counter
from collections.abc import Callable
from contextlib import closing

import pytest
from scenario.addresses import Address
from scenario.gateway import http_gateway, programmed
from scenario.inside import page_in
from testnode.eventually import eventually
from testnode.figures import timed
from testnode.kubectl import Kubectl
from testnode.workloads import Manifest, deployment, named, service, web_container

API = "gateway.networking.k8s.io/v1"
REQUESTS = 1000


@pytest.fixture
def gateway(kubectl: Kubectl, namespace: str, with_addon: Callable[[str], None]) -> Address:
    """Envoy for the namespace's routes; where it is reached from here."""
    with_addon("envoy-gateway")
    with timed("gateway: applied to Envoy ready"):
        kubectl.apply([http_gateway("gateway", namespace)])
        return programmed(kubectl, "gateway", namespace)


def test_requests_are_divided_by_weight_and_mirrored(
    kubectl: Kubectl, namespace: str, gateway: Address
) -> None:
    for version in ("stable", "candidate", "shadow"):
        web = deployment(version, namespace, web_container(version))
        kubectl.apply([web, service(version, namespace)])
    for version in ("stable", "candidate", "shadow"):
        kubectl.rolled_out(f"deployment/{version}", "--namespace", namespace)
    kubectl.apply([route(namespace, {"stable": 90, "candidate": 10}, mirror="shadow")])
    # each change of the addresses behind it begins Envoy's rotation anew: wait for the last one
    eventually(lambda: ask(gateway, 100) == {"stable": 90, "candidate": 10})
    eventually(lambda: asked_of(kubectl, namespace, "shadow") > 0)

    mirrored_before = asked_of(kubectl, namespace, "shadow")
    answers = ask(gateway, REQUESTS)
    assert answers == {"stable": REQUESTS * 0.9, "candidate": REQUESTS * 0.1}
    eventually(lambda: asked_of(kubectl, namespace, "shadow") >= mirrored_before + REQUESTS)
    assert asked_of(kubectl, namespace, "shadow") == mirrored_before + REQUESTS


def route(namespace: str, weights: dict[str, int], mirror: str) -> Manifest:
    backends = [{"name": name, "port": 80, "weight": weight} for name, weight in weights.items()]
    copy = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": mirror, "port": 80}}}
    spec = {
        "parentRefs": [{"name": "gateway"}],
        "rules": [{"backendRefs": backends, "filters": [copy]}],
    }
    return named(API, "HTTPRoute", "route", namespace, spec=spec)


def ask(address: Address, times: int) -> Counter[str]:
    answers: Counter[str] = Counter()
    with closing(http.client.HTTPConnection(*address, timeout=5)) as connection:
        for _ in range(times):
            connection.request("GET", "/")
            answer = connection.getresponse()
            body = answer.read().decode()
            if answer.status != http.HTTPStatus.OK:
                raise OSError(f"{answer.status}: {body}")
            answers[body] += 1
    return answers


def asked_of(kubectl: Kubectl, namespace: str, version: str) -> int:
    where = (f"deployment/{version}", namespace)
    return int(page_in(kubectl, *where, "http://127.0.0.1:8080/count"))
