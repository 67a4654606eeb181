"""Kubeflow Trainer on JobSet: a job of two nodes whose pods find each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from testnode.eventually import eventually
from testnode.figures import timed
from testnode.kubectl import Kubectl
from testnode.workloads import Manifest, app_container, named, pod_spec

API = "trainer.kubeflow.org/v1alpha1"


@pytest.fixture(autouse=True)
def _trainer(with_addon: Callable[[str], None]) -> None:
    with_addon("jobset")
    with_addon("trainer")


def test_two_nodes_of_a_training_job_meet(kubectl: Kubectl, namespace: str) -> None:
    # both controllers admit through webhooks that get their certificates a little later
    eventually(lambda: applied(kubectl, runtime(namespace)))
    with timed("training job of two nodes: applied to Complete"):
        eventually(lambda: applied(kubectl, train_job(namespace)))
        kubectl.wait("condition=Complete", "trainjob/pair", "--namespace", namespace)
    of_the_job = "--selector=jobset.sigs.k8s.io/jobset-name=pair"
    said = kubectl.run("logs", "--namespace", namespace, of_the_job)
    assert sorted(said.splitlines()) == [f"rank {rank} of 2 met the others" for rank in (0, 1)]


def applied(kubectl: Kubectl, manifest: Manifest) -> bool:
    kubectl.apply([manifest])
    return True


def runtime(namespace: str) -> Manifest:
    node = {
        "name": "node",
        "template": {
            "metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}},
            "spec": {"template": {"spec": pod_spec(_node_container())}},
        },
    }
    policy = {"numNodes": 2, "torch": {"numProcPerNode": 1}}
    spec = {"mlPolicy": policy, "template": {"spec": {"replicatedJobs": [node]}}}
    return named(API, "TrainingRuntime", "pair", namespace, spec=spec)


def train_job(namespace: str) -> Manifest:
    reference = {"apiGroup": "trainer.kubeflow.org", "kind": "TrainingRuntime", "name": "pair"}
    spec = {"runtimeRef": reference, "trainer": {"numNodes": 2}}
    return named(API, "TrainJob", "pair", namespace, spec=spec)


def _node_container() -> Manifest:
    return {**app_container("rendezvous"), "name": "node"}  # the name that Trainer looks for
