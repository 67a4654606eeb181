"""The node is emptied, and the API server is away: what those who ask for predictions feel."""

from __future__ import annotations

import time

import pytest
from scenario.load import load
from scenario.modelstage import MODEL, ModelStage
from scenario.release import Release
from testnode.eventually import eventually
from testnode.node.outage import outage
from testnode.providers.choice import Provider
from testnode.providers.node import NodeProvider

pytestmark = pytest.mark.full

OUTAGE_S = 30


def test_without_an_api_server_the_model_answers(
    cluster: Provider, stage: ModelStage, release: Release
) -> None:
    assert isinstance(cluster, NodeProvider)
    release.install(stage.values())
    eventually(lambda: stage.request().once())
    with load(stage.request(), connections=2, pause_s=0.01) as answers:
        with outage(cluster.spec, "kube-apiserver"):
            time.sleep(OUTAGE_S)
        eventually(lambda: len(stage.pods("stable")) == 2, within_s=120)
    assert answers.failed == []
    release.upgrade(stage.values(model={"version": 2}))
    eventually(lambda: stage.request().once() == "2")


def test_pods_of_an_emptied_node_wait_with_their_reason_and_come_back(
    cluster: Provider, stage: ModelStage, release: Release
) -> None:
    assert isinstance(cluster, NodeProvider)
    kubectl, node = stage.kubectl, cluster.spec.name
    release.install(stage.values())
    label = f"mizzen.dev/model={MODEL}"
    only = (f"--pod-selector={label}", "--delete-emptydir-data", "--timeout=120s")
    try:
        kubectl.run("drain", node, *only)
        told = eventually(lambda: waiting(stage, label))
        assert all("unschedulable" in reason for reason in told)
        assert len(told) == 2
    finally:
        kubectl.run("uncordon", node)
    kubectl.rolled_out(f"deployment/{MODEL}-stable", "--namespace", stage.namespace)
    eventually(lambda: stage.request().once() == "1")


def waiting(stage: ModelStage, label: str) -> list[str]:
    """Why pods wait; empty while some are not yet looked at."""
    found = stage.kubectl.get("pods", "--namespace", stage.namespace, "--selector", label)
    pods = [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]
    reasons = [
        condition["message"]
        for pod in pods
        for condition in pod["status"].get("conditions", [])
        if condition["type"] == "PodScheduled" and condition["status"] == "False"
    ]
    return reasons if len(reasons) == len(pods) else []
