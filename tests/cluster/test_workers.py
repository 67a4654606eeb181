"""Two workers: pods spread over them, one is emptied or lost, and the other takes over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import pytest
from scenario.addresses import service_address
from scenario.inside import page_in
from scenario.load import Request, load
from test_volumes import claim
from testnode.eventually import eventually
from testnode.kubectl import Kubectl
from testnode.providers import choice
from testnode.providers.node import NodeProvider
from testnode.workloads import Manifest, app_container, deployment, named, service, web_container

NAMESPACE = "default"
WHERE = ("--namespace", NAMESPACE)
SPREAD = {
    "topologySpreadConstraints": [
        {
            "topologyKey": "kubernetes.io/hostname",
            "maxSkew": 1,
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "web"}},
        }
    ]
}

# a node of its own is started for them
pytestmark = pytest.mark.full


@pytest.fixture
def web(pair: NodeProvider) -> Iterator[Kubectl]:
    """A Service `web` of two pods that is to keep one of them at least."""
    kubectl = pair.kubectl()
    objects = [
        deployment("web", NAMESPACE, web_container("here"), replicas=2, **SPREAD),
        service("web", NAMESPACE, type="NodePort"),
        budget(),
    ]
    kubectl.apply(objects)
    kubectl.rolled_out("deployment/web", *WHERE)
    yield kubectl
    kubectl.run("delete", "deployment/web", "service/web", "pdb/web", *WHERE)


def test_pods_are_spread_and_reach_those_of_the_other_worker(
    pair: NodeProvider, web: Kubectl
) -> None:
    pods = web.get("pods", *WHERE, "--selector=app=web")["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} == {w.name for w in pair.spec.workers}
    here, there = pods
    seen = partial(page_in, web, here["metadata"]["name"], NAMESPACE)
    assert seen(f"http://{there['status']['podIP']}:8080/") == "here"
    eventually(lambda: seen("http://web.default/") == "here")


def test_a_worker_that_is_emptied_under_load_fails_no_request(
    pair: NodeProvider, web: Kubectl
) -> None:
    leaving = pair.spec.workers[1].name
    asked = Request(service_address(web, "web", NAMESPACE), "/", bytes.decode)
    eventually(asked.once)
    with load(asked, connections=2, keep=False) as answers:
        web.run("drain", leaving, "--pod-selector=app=web", "--timeout=120s")
        eventually(lambda: waiting(web), within_s=60)
        web.run("uncordon", leaving)
        web.rolled_out("deployment/web", *WHERE)
        time.sleep(4)  # the last old pod goes on answering through its preStop
    assert answers.failed == []
    pods = web.get("pods", *WHERE, "--selector=app=web")["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} == {w.name for w in pair.spec.workers}


def test_a_pod_waits_for_the_worker_that_has_its_volume(pair: NodeProvider) -> None:
    kubectl, home = pair.kubectl(), pair.spec.workers[1].name
    choice.add(pair, "local-path-provisioner")
    pinned = with_volume({"kubernetes.io/hostname": home})
    kubectl.apply([claim("data", NAMESPACE), pinned])
    kubectl.rolled_out("deployment/keeper", *WHERE)
    kubectl.apply([with_volume({})])
    kubectl.rolled_out("deployment/keeper", *WHERE)
    kubectl.run("drain", home, "--pod-selector=app=keeper", "--timeout=120s")
    told = eventually(lambda: waiting(kubectl))
    assert "unschedulable" in told
    assert "PersistentVolume's node affinity" in told
    kubectl.run("uncordon", home)
    kubectl.rolled_out("deployment/keeper", *WHERE)
    kubectl.run("delete", "deployment/keeper", "pvc/data", *WHERE)


def with_volume(selector: dict[str, str]) -> Manifest:
    container = {
        **app_container("web", "kept"),
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    made = deployment("keeper", NAMESPACE, container, volumes=volumes, nodeSelector=selector)
    made["spec"]["strategy"] = {"type": "Recreate"}
    return made


def budget() -> Manifest:
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    return named("policy/v1", "PodDisruptionBudget", "web", NAMESPACE, spec=spec)


def waiting(kubectl: Kubectl) -> str:
    """Why a pod is not scheduled; empty while each is."""
    pods = kubectl.get("pods", *WHERE)["items"]
    conditions = [c for pod in pods for c in pod["status"].get("conditions", [])]
    unplaced = [c for c in conditions if (c["type"], c["status"]) == ("PodScheduled", "False")]
    return str(unplaced[0].get("message", "")) if unplaced else ""
