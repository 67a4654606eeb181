"""The NetworkPolicies are the declared list of edges, both ways, and nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mizzen.spec.charts.edges import EDGES

from ..rendering import Helm, Object, Objects

COMPONENTS = {"api", "mlflow", "features", "postgres", "migration", "drift", "materialize", "test"}
PORTS = {"dns": 53, "database": 5432, "s3": 443, "pushgateway": 9091}
# how peers look in a policy, by the values' defaults
PEERS = {
    "gateway": ("envoy-gateway-system", ()),
    "prometheus": ("monitoring", ()),
    "dns": ("kube-system", (("k8s-app", "kube-dns"),)),
    "pushgateway": ("monitoring", ()),
}
Edge = tuple[str, str, int]


def test_policies_are_the_declared_edges(platform: Helm, all_on: dict[str, Any]) -> None:
    """With an own PostgreSQL, which is then what edges call database."""
    objects = platform.render(all_on)
    wanted = {
        (source, "postgres" if target == "database" else target, port)
        for source, target, port in declared()
    }
    assert set(outgoing(objects)) == {e for e in wanted if e[0] in COMPONENTS}
    assert set(incoming(objects)) == {e for e in wanted if e[1] in COMPONENTS}


def test_policies_are_the_declared_edges_with_a_database_elsewhere(
    platform: Helm, all_on: dict[str, Any]
) -> None:
    values = {**all_on, "postgres": {"enabled": False}}
    values["network"] = {"database": {"cidr": "10.0.8.0/24"}, "s3": {"cidr": "10.0.9.0/24"}}
    wanted = {edge for edge in declared() if edge[1] != "postgres"}
    assert set(outgoing(platform.render(values))) == {e for e in wanted if e[0] in COMPONENTS}


def test_everything_else_is_refused(platform: Helm) -> None:
    policy = platform.render({}).one("NetworkPolicy", "mizzen-deny-all")["spec"]
    assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_every_pod_has_a_policy_of_its_own(platform: Helm, all_on: dict[str, Any]) -> None:
    objects = platform.render(all_on)
    guarded = {
        policy["spec"]["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/component")
        for policy in objects.of("NetworkPolicy").values()
    }
    assert {of["app.kubernetes.io/component"] for of in pod_labels(objects)} == guarded - {None}


def declared() -> Iterator[Edge]:
    for edge in EDGES:
        yield edge.source, edge.target, edge.port or PORTS[edge.target]


def outgoing(objects: Objects) -> Iterator[Edge]:
    for source, policy in policies(objects):
        for rule in policy["egress"] or []:
            for end in rule["to"]:
                yield source, name_of(end, rule["ports"][0]["port"]), rule["ports"][0]["port"]


def incoming(objects: Objects) -> Iterator[Edge]:
    for target, policy in policies(objects):
        for rule in policy["ingress"] or []:
            for end in rule["from"]:
                yield name_of(end, 0), target, rule["ports"][0]["port"]


def policies(objects: Objects) -> Iterator[tuple[str, Object]]:
    for policy in objects.of("NetworkPolicy").values():
        labels = policy["spec"]["podSelector"].get("matchLabels")
        if labels:
            yield labels["app.kubernetes.io/component"], policy["spec"]


def name_of(end: Object, port: int) -> str:
    """Which end of an edge it is. Two peers may look alike; their ports then differ."""
    if "ipBlock" in end:
        return {5432: "database", 443: "s3"}[port]
    pods, namespace = end["podSelector"], end.get("namespaceSelector")
    if namespace:
        labels = tuple(pods.get("matchLabels", {}).items())
        looks = (namespace["matchLabels"]["kubernetes.io/metadata.name"], labels)
        alike = [name for name, peer in PEERS.items() if peer == looks]
        return next((name for name in alike if PORTS.get(name) == port), alike[0])
    if "matchExpressions" in pods:
        assert pods["matchExpressions"] == [{"key": "mizzen.dev/model", "operator": "Exists"}]
        return "model"
    return str(pods["matchLabels"]["app.kubernetes.io/component"])


def pod_labels(objects: Objects) -> Iterator[dict[str, str]]:
    for found in objects:
        spec = found.get("spec", {})
        if found["kind"] == "Pod":
            yield found["metadata"]["labels"]
        elif found["kind"] == "CronJob":
            yield spec["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
        elif "template" in spec:
            yield spec["template"]["metadata"]["labels"]
