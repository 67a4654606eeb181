"""templates/networkpolicy.yaml: the edges, and nothing beside them."""

from __future__ import annotations

import json
from typing import Any

from .rendering import Helm, Object

ONE: dict[str, Any] = {"model": {"version": 1}}


def test_nothing_is_allowed_but_what_is_listed(model: Helm) -> None:
    spec = _policy(model, ONE)
    assert set(spec["policyTypes"]) == {"Ingress", "Egress"}
    assert _edges(spec["ingress"], "from") == {
        ("envoy-gateway-system", "", 3000),
        ("", '{"app.kubernetes.io/component": "api"}', 3000),
        ("", _TEST, 3000),
        ("monitoring", "", 3000),
    }
    assert _edges(spec["egress"], "to") == {
        ("kube-system", '{"k8s-app": "kube-dns"}', 53),
        ("", '{"app.kubernetes.io/component": "mlflow"}', 5000),
    }


def test_stores_are_reached_only_by_who_uses_them(model: Helm, everything: Object) -> None:
    edges = _edges(_policy(model, everything)["egress"], "to")
    assert {("10.0.8.0/24", "", 9000), ("", '{"app": "postgres"}', 5432)} <= edges
    unused = {"network": everything["network"]}
    edges = _edges(_policy(model, {**ONE, **unused})["egress"], "to")
    assert {port for _, _, port in edges} == {53, 5000}


def test_figures_of_the_shipping_are_reached_by_prometheus_alone(
    model: Helm, everything: Object
) -> None:
    edges = _edges(_policy(model, everything)["ingress"], "from")
    assert [edge for edge in edges if edge[2] == 9464] == [("monitoring", "", 9464)]


def test_the_policy_covers_every_pod(model: Helm, everything: Object) -> None:
    wanted = _policy(model, everything)["podSelector"]["matchLabels"]
    for deployment in model.render(everything).of("Deployment").values():
        assert wanted.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_the_pod_of_the_test_is_let_through(model: Helm) -> None:
    objects = model.render(ONE)
    policy = objects.one("NetworkPolicy", "flights-test")["spec"]
    labels = objects.one("Pod", "flights-test")["metadata"]["labels"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()
    serving = objects.one("NetworkPolicy", "flights-serving")["spec"]
    assert not serving["podSelector"]["matchLabels"].items() <= labels.items()


def test_the_policies_may_be_left_out(model: Helm) -> None:
    assert model.render({**ONE, "network": {"enabled": False}}).of("NetworkPolicy") == {}


_TEST = '{"app.kubernetes.io/component": "test", "mizzen.dev/model": "flights"}'


def _policy(model: Helm, values: Object) -> Any:
    return model.render(values).one("NetworkPolicy", "flights-serving")["spec"]


def _edges(rules: list[Object], side: str) -> set[tuple[str, str, int]]:
    """(namespace or addresses, labels, port) of every pair that is allowed."""
    return {
        (_where(peer), _labels(peer), port["port"])
        for rule in rules
        for peer in rule[side]
        for port in rule["ports"]
    }


def _where(peer: Object) -> str:
    if "ipBlock" in peer:
        return str(peer["ipBlock"]["cidr"])
    labels = peer.get("namespaceSelector", {}).get("matchLabels", {})
    return str(labels.get("kubernetes.io/metadata.name", ""))


def _labels(peer: Object) -> str:
    labels = peer.get("podSelector", {}).get("matchLabels", {})
    return json.dumps(labels, sort_keys=True) if labels else ""
