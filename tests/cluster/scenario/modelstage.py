"""Where releases of charts/mizzen-model are tried: a restricted namespace with a Gateway, a
registry, and two trained versions of one model in it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from testnode.errors import ClusterError
from testnode.kubectl import Kubectl
from testnode.node import cgroups
from testnode.node.bootstrap import NAMESPACE

from scenario.addresses import s3_endpoint
from scenario.gateway import http_gateway, programmed
from scenario.load import Request
from scenario.registry import Registry, start_registry, train
from scenario.release import CHARTS, Release
from scenario.stage import IMAGE, make_bucket, restricted_namespace, secret, secret_of

CHART = CHARTS / "mizzen-model"
MODEL = "diabetes"
VERSIONS = (1, 2)
GATEWAY = "mizzen-gateway"  # the one that the chart looks for
ROW = {
    "age": 50,
    "sex": "male",
    "bmi": 25,
    "blood_pressure": 90,
    "cholesterol": 180,
    "ldl": 110,
    "hdl": 50,
    "cholesterol_ratio": 4,
    "triglycerides": 4.5,
    "glucose": 90,
}


@dataclass(frozen=True, slots=True)
class ModelStage:
    """A namespace that is ready for `helm install diabetes charts/mizzen-model`."""

    namespace: str
    kubectl: Kubectl
    address: tuple[str, int]  # of the Gateway
    registry: Registry
    projects: Path  # where versions are trained

    def train(self, *overrides: str) -> int:
        """Register one more version, with fields of mizzen.yaml such as `trainer.seed=3`."""
        return train(self.registry, self.projects, *overrides)

    def release(self, name: str = MODEL) -> Release:
        return Release(CHART, name, self.namespace, self.kubectl)

    def values(self, **more: Any) -> dict[str, Any]:
        """Profile dev with the images of this node; two pods, so that one may go."""
        profile = yaml.safe_load((CHART / "profiles" / "dev.yaml").read_text())
        here = {"image": IMAGE, "replicas": 2, "model": {"version": 1}}
        return merged(merged(profile, here), more)

    def ship_to(self, prefix: str) -> tuple[dict[str, str], dict[str, Any]]:
        """Variables with the credentials of S3 from here, and values of a release whose log is
        shipped below the prefix, when its pods go at the latest."""
        credentials = secret_of(self.kubectl, "s3", NAMESPACE)
        make_bucket(self.kubectl, credentials, self.namespace)
        self.kubectl.apply([secret("mizzen-s3", self.namespace, credentials)])
        environment = {**credentials, "AWS_ENDPOINT_URL": s3_endpoint(self.kubectl)}
        to = f"s3://{self.namespace}/{prefix}"
        values = {"s3": {"secret": "mizzen-s3"}, "log": {"ship": {"to": to, "everySeconds": 600}}}
        return environment, values

    def request(self, **headers: str) -> Request:
        """A prediction through the Gateway, counted by the version that made it."""
        return Request(
            self.address,
            f"/{MODEL}/predict",
            read=lambda body: str(json.loads(body)["version"]),
            method="POST",
            body=json.dumps(ROW).encode(),
            headers={"content-type": "application/json", **headers},
        )

    def pods(self, track: str) -> list[str]:
        """Names of the pods of a version that were not told to go."""
        label = f"mizzen.dev/model={MODEL},mizzen.dev/track={track}"
        found = self.kubectl.get("pods", "--namespace", self.namespace, "--selector", label)
        alive = [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]
        return [str(pod["metadata"]["name"]) for pod in alive]


def set_model_stage(kubectl: Kubectl, name: str, folder: Path) -> ModelStage:
    """Make all of it; `folder` is where the versions are trained."""
    kubectl.apply([restricted_namespace(name)])
    kubectl.wait("create", "serviceaccount/default", "--namespace", name)
    kubectl.apply([http_gateway(GATEWAY, name)])
    registry = start_registry(kubectl, name)
    for version in VERSIONS:
        made = train(registry, folder, f"trainer.seed={version}")
        if made != version:
            raise ClusterError(f"version {made} came where {version} was expected")
    return ModelStage(name, kubectl, programmed(kubectl, GATEWAY, name), registry, folder)


def process_of(node: str, pod: str, program: str) -> int:
    """The process of a pod, by its number on this machine. Only for CLUSTER=node.

    Raises:
        ClusterError: the node runs no such process.
    """
    for pid in cgroups.members(node):
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue  # it ended meanwhile
        if program.encode() in arguments and f"HOSTNAME={pod}".encode() in environment:
            return pid
    raise ClusterError(f"{node} runs no {program} in {pod}")


def merged(values: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """As Helm merges two files of values."""
    result = copy.deepcopy(dict(values))
    for name, value in more.items():
        both = isinstance(value, Mapping) and isinstance(result.get(name), Mapping)
        result[name] = merged(result[name], value) if both else value
    return result
