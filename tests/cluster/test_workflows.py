"""Argo Workflows: steps in pods, an artifact through S3 between them, a condition."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from testnode.figures import timed
from testnode.images.base import BASE
from testnode.kubectl import Kubectl
from testnode.providers.choice import Provider
from testnode.workloads import Manifest, named

API = "argoproj.io/v1alpha1"
GROUP = "rbac.authorization.k8s.io"


@pytest.fixture(autouse=True)
def _argo(cluster: Provider, with_addon: Callable[[str], None]) -> None:
    if cluster.name != "node":
        pytest.skip(f"CLUSTER={cluster.name} has no S3 for the artifacts")
    with_addon("argo-workflows")


def test_steps_hand_on_an_artifact_and_obey_a_condition(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply([*rights_of_steps(namespace), copied_secret(kubectl, namespace)])
    with timed("workflow of three steps: applied to Succeeded"):
        kubectl.apply([workflow(namespace)])
        ended = "jsonpath={.status.phase}=Succeeded"
        kubectl.wait(ended, "workflow/three-steps", "--namespace", namespace, within_s=180)
    status = kubectl.get("workflow/three-steps", "--namespace", namespace)["status"]
    phases = {node["displayName"]: node["phase"] for node in status["nodes"].values()}
    assert phases["total"] == phases["if-large"] == "Succeeded"
    assert phases["if-small"] == "Skipped"


def test_a_workflow_with_an_unknown_field_is_refused(kubectl: Kubectl, namespace: str) -> None:
    wrong = workflow(namespace)
    wrong["spec"]["entrypint"] = "main"
    with pytest.raises(Exception, match="entrypint"):
        kubectl.apply([wrong])


def workflow(namespace: str) -> Manifest:
    numbers = {"name": "numbers", "path": "/tmp/numbers"}  # noqa: S108 - in the pod
    total = {"name": "total", "valueFrom": {"path": "/tmp/total"}}  # noqa: S108
    handed_on = {"name": "numbers", "from": "{{tasks.make.outputs.artifacts.numbers}}"}
    sum_ = "{{tasks.total.outputs.parameters.total}}"
    tasks = [
        {"name": "make", "template": "make"},
        {
            "name": "total",
            "template": "total",
            "arguments": {"artifacts": [handed_on]},
            "depends": "make",
        },
        {"name": "if-large", "template": "say", "when": f"{sum_} > 10", "depends": "total"},
        {"name": "if-small", "template": "say", "when": f"{sum_} <= 10", "depends": "total"},
    ]
    templates = [
        {"name": "main", "dag": {"tasks": tasks}},
        step("make", "seq 1 5 > /tmp/numbers", outputs={"artifacts": [numbers]}),
        step(
            "total",
            "awk '{ sum += $1 } END { printf sum }' /tmp/numbers > /tmp/total",
            inputs={"artifacts": [numbers]},
            outputs={"parameters": [total]},
        ),
        step("say", "echo reached"),
    ]
    spec = {
        "entrypoint": "main",
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532},
        "templates": templates,
    }
    return named(API, "Workflow", "three-steps", namespace, spec=spec)


def step(name: str, script: str, **rest: Manifest) -> Manifest:
    container = {"image": BASE, "imagePullPolicy": "IfNotPresent"}
    return {"name": name, "container": {**container, "command": ["sh", "-ec", script]}, **rest}


def rights_of_steps(namespace: str) -> list[Manifest]:
    """A step's own helper container reports its result to the API server."""
    rule = {
        "apiGroups": ["argoproj.io"],
        "resources": ["workflowtaskresults"],
        "verbs": ["create", "patch"],
    }
    who = {"kind": "ServiceAccount", "name": "default", "namespace": namespace}
    role = {"apiGroup": GROUP, "kind": "Role", "name": "step"}
    return [
        named(f"{GROUP}/v1", "Role", "step", namespace, rules=[rule]),
        named(f"{GROUP}/v1", "RoleBinding", "step", namespace, roleRef=role, subjects=[who]),
    ]


def copied_secret(kubectl: Kubectl, namespace: str) -> Manifest:
    original = kubectl.get("secret/s3", "--namespace", "mizzen-test")
    return named("v1", "Secret", "s3", namespace, data=original["data"])
