"""NetworkPolicies as the packet filter holds them: the engine that the charts' policies are tried
with is itself to be trusted first."""

from __future__ import annotations

import pytest
from scenario.inside import page_in
from testnode.errors import ClusterError
from testnode.kubectl import Kubectl
from testnode.node.policies import World, ruleset
from testnode.workloads import Manifest, app_container, named, pod, service

POLICY = "networking.k8s.io/v1"
TO_WEB = {"podSelector": {"matchLabels": {"app": "web"}}}


@pytest.fixture
def street(policies: None, kubectl: Kubectl, namespace: str) -> str:
    """A web server and a guest in a namespace."""
    web = pod("web", namespace, app_container("web", "here"))
    web["metadata"]["labels"] = {"app": "web"}
    guest = pod("guest", namespace, app_container("web", "idle"))
    kubectl.apply([web, guest, service("web", namespace)])
    kubectl.wait("condition=Ready", "pod/web", "pod/guest", "--namespace", namespace)
    return namespace


def test_without_a_policy_everybody_is_let_in(kubectl: Kubectl, street: str) -> None:
    assert waited_for(kubectl, street, True)


def test_who_is_denied_is_not_let_in_until_the_policy_goes(kubectl: Kubectl, street: str) -> None:
    kubectl.apply([policy(street, "closed", podSelector={}, policyTypes=["Ingress"])])
    assert waited_for(kubectl, street, False)
    kubectl.run("delete", "networkpolicy/closed", "--namespace", street)
    assert waited_for(kubectl, street, True)


def test_a_label_opens_the_door(kubectl: Kubectl, street: str) -> None:
    friend = {"podSelector": {"matchLabels": {"friend": "yes"}}}
    friends = {"from": [friend], "ports": [{"port": 8080}]}
    kubectl.apply([policy(street, "friends", **TO_WEB, ingress=[friends])])
    assert waited_for(kubectl, street, False)
    kubectl.run("label", "pod/guest", "friend=yes", "--namespace", street)
    assert waited_for(kubectl, street, True)


def test_who_may_not_leave_goes_where_it_is_allowed_only(kubectl: Kubectl, street: str) -> None:
    address = kubectl.get("service/web", "--namespace", street)["spec"]["clusterIP"]
    spec = {"podSelector": {}, "policyTypes": ["Egress"]}
    kubectl.apply([policy(street, "inside", **spec)])
    assert waited_for(kubectl, street, False, f"http://{address}")
    kubectl.apply([policy(street, "inside", **spec, egress=[{"to": [TO_WEB]}])])
    assert waited_for(kubectl, street, True, f"http://{address}")


def test_a_pod_reaches_itself_whatever_is_forbidden(kubectl: Kubectl, street: str) -> None:
    kubectl.apply([policy(street, "alone", podSelector={}, policyTypes=["Ingress", "Egress"])])
    address = kubectl.get("service/web", "--namespace", street)["spec"]["clusterIP"]
    assert waited_for(kubectl, street, False, f"http://{address}")
    assert reached(kubectl, street, f"http://{address}", by="web")


def test_another_port_of_an_open_door_stays_shut(kubectl: Kubectl, street: str) -> None:
    kubectl.apply([policy(street, "ports", **TO_WEB, ingress=[{"ports": [{"port": 9}]}])])
    assert waited_for(kubectl, street, False)


def test_a_named_port_is_refused_and_not_overlooked() -> None:
    running = {"phase": "Running", "podIP": "10.244.0.9"}
    some = {"metadata": {"name": "a", "namespace": "n"}, "spec": {}, "status": running}
    rule = {"ports": [{"port": "http"}]}
    with pytest.raises(ClusterError, match="'http'"):
        ruleset(World([some], [policy("n", "p", podSelector={}, ingress=[rule])], []))


def policy(namespace: str, name: str, **spec: object) -> Manifest:
    return named(POLICY, "NetworkPolicy", name, namespace, spec=spec)


def waited_for(kubectl: Kubectl, namespace: str, wanted: bool, url: str = "http://web") -> bool:
    """Whether the guest is let in, or not, in the end."""
    return any(reached(kubectl, namespace, url) is wanted for _ in range(20))


def reached(kubectl: Kubectl, namespace: str, url: str = "http://web", by: str = "guest") -> bool:
    try:
        page_in(kubectl, by, namespace, url, within_s=2)
    except ClusterError:
        return False
    return True
