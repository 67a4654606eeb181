"""Volumes: what a pod wrote to a claim is there for the next pod, and gone with the claim."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from testnode.eventually import eventually
from testnode.figures import timed
from testnode.kubectl import Kubectl
from testnode.workloads import Manifest, app_container, named, pod


@pytest.fixture(autouse=True)
def _volumes(with_addon: Callable[[str], None]) -> None:
    with_addon("local-path-provisioner")


def test_a_volume_survives_its_pod(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply([claim("data", namespace)])
    with timed("volume: claimed to first pod finished"):
        run_with_volume(kubectl, namespace, "writer", "echo kept > /data/file")
    kubectl.run("delete", "pod/writer", "--namespace", namespace, "--wait")
    run_with_volume(kubectl, namespace, "reader", "cat /data/file")
    assert kubectl.run("logs", "reader", "--namespace", namespace).strip() == "kept"


def test_a_volume_is_deleted_with_its_claim(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply([claim("data", namespace)])
    run_with_volume(kubectl, namespace, "writer", "echo kept > /data/file")
    bound = kubectl.get("pvc/data", "--namespace", namespace)["spec"]["volumeName"]
    kubectl.run("delete", "pod/writer", "pvc/data", "--namespace", namespace)
    eventually(lambda: bound not in volumes(kubectl))


def claim(name: str, namespace: str) -> Manifest:
    asked = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Mi"}}}
    return named("v1", "PersistentVolumeClaim", name, namespace, spec=asked)


def run_with_volume(kubectl: Kubectl, namespace: str, name: str, script: str) -> None:
    container = {
        **app_container("web", "never"),
        "command": ["sh", "-ec", script],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    kubectl.apply([pod(name, namespace, container, volumes=volumes, restartPolicy="Never")])
    done = "jsonpath={.status.phase}=Succeeded"
    kubectl.wait(done, f"pod/{name}", "--namespace", namespace)


def volumes(kubectl: Kubectl) -> list[str]:
    return [volume["metadata"]["name"] for volume in kubectl.get("persistentvolumes")["items"]]
