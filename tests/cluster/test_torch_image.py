"""The image that trains torch models, on the node: its layers moved once, a model trained in it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from scenario.stage import restricted_namespace
from testnode import places
from testnode.figures import timed
from testnode.kubectl import Kubectl
from testnode.workloads import UNPRIVILEGED, pod

PROGRAM = places.HERE.parent / "images" / "in_image.py"
PROJECT = places.EXAMPLES / "digits"

# seven gigabytes are packed, moved and unpacked for it
pytestmark = pytest.mark.full


def test_a_torch_model_is_trained_and_judged_in_a_restricted_pod(
    kubectl: Kubectl, namespace: str, with_image: Callable[[str], str]
) -> None:
    image = with_image("torch")
    kubectl.apply([restricted_namespace(namespace)])
    sources = [file for file in PROJECT.glob("*.*") if file.is_file()]
    files = {file.name: file.read_text(encoding="utf-8") for file in sources}
    container = {
        "name": "main",
        "image": image,
        "command": ["python", "-c", PROGRAM.read_text(encoding="utf-8"), json.dumps(files)],
        "securityContext": {**UNPRIVILEGED, "readOnlyRootFilesystem": True},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 (in the pod)
    }
    volumes = [{"name": "tmp", "emptyDir": {}}]
    where = ("pod/train", "--namespace", namespace)
    with timed("torch image: pod applied to model trained and judged"):
        kubectl.apply([pod("train", namespace, container, volumes=volumes, restartPolicy="Never")])
        kubectl.wait("jsonpath={.status.phase}=Succeeded", *where, within_s=300)
    judged = json.loads(kubectl.run("logs", *where).splitlines()[-1])
    assert judged["blessed"], judged["reason"]
