"""What a cluster has beyond the node: volumes, metrics, a gateway. Helm charts of pinned parts.

Tests ask for the add-ons they need by name; each is installed once per node.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testnode import parts
from testnode.base_image import BASE
from testnode.commands import run
from testnode.errors import ClusterError
from testnode.kubectl import Kubectl
from testnode.program_images import (
    ENVOY,
    ENVOY_GATEWAY,
    LOCAL_PATH,
    METRICS_SERVER,
    ProgramImage,
)
from testnode.workloads import Manifest, named

WAIT_S = 180


@dataclass(frozen=True, slots=True)
class Addon:
    """A chart of a built part, with the values that make it run here."""

    name: str
    chart: str
    namespace: str
    images: tuple[str, ...]
    values: Mapping[str, Any]
    placeholders: Mapping[str, str] = field(default_factory=dict)
    objects: tuple[Manifest, ...] = ()  # applied once the chart is ready


def _image_values(image: ProgramImage) -> dict[str, str]:
    return {"repository": image.repository, "tag": image.tag}


VOLUMES = Addon(
    name="local-path-provisioner",
    chart="local-path-provisioner",
    namespace="local-path-storage",
    images=(LOCAL_PATH.name, BASE),
    values={
        "image": _image_values(LOCAL_PATH),
        # it makes and deletes folders in a pod, by a shell script
        "helperImage": dict(zip(("repository", "tag"), BASE.rsplit(":", 1), strict=True)),
        "storageClass": {"defaultClass": True},
        "nodePathMap": [
            {"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": ["/var/lib/volumes"]}
        ],
    },
)
METRICS = Addon(
    name="metrics-server",
    chart="metrics-server",
    namespace="kube-system",
    images=(METRICS_SERVER.name,),
    values={
        "image": _image_values(METRICS_SERVER),
        "args": [
            "--metric-resolution=10s",  # the shortest it accepts
            "--kubelet-request-timeout=5s",  # has to be shorter than the resolution
            "--kubelet-certificate-authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
        ],
        "readinessProbe": {"initialDelaySeconds": 0, "periodSeconds": 2},
    },
)
# NodePort: with LoadBalancer, the default, a Gateway never gets an address and is not Programmed
ENVOY_PROXY = named(
    "gateway.envoyproxy.io/v1alpha1",
    "EnvoyProxy",
    "node-port",
    "envoy-gateway-system",
    spec={
        "provider": {
            "type": "Kubernetes",
            "kubernetes": {
                "envoyService": {"type": "NodePort"},
                "envoyDeployment": {"container": {"resources": {"requests": {"cpu": "50m"}}}},
            },
        }
    },
)
GATEWAY_CLASS = named(
    "gateway.networking.k8s.io/v1",
    "GatewayClass",
    "envoy",
    spec={
        "controllerName": "gateway.envoyproxy.io/gatewayclass-controller",
        "parametersRef": {
            "group": "gateway.envoyproxy.io",
            "kind": "EnvoyProxy",
            "name": "node-port",
            "namespace": "envoy-gateway-system",
        },
    },
)
GATEWAY = Addon(
    name="envoy-gateway",
    chart="gateway-helm",
    namespace="envoy-gateway-system",
    images=(ENVOY_GATEWAY.name, ENVOY.name),
    values={
        "global": {
            "images": {
                "envoyGateway": {"image": ENVOY_GATEWAY.name},
                "envoyProxy": {"image": ENVOY.name},
            }
        },
        "config": {
            "envoyGateway": {
                "provider": {
                    "type": "Kubernetes",
                    "kubernetes": {"shutdownManager": {"image": ENVOY_GATEWAY.name}},
                }
            }
        },
    },
    placeholders={
        "${GatewayImage}": ENVOY_GATEWAY.name,
        "${GatewayImagePullPolicy}": "IfNotPresent",
    },
    objects=(ENVOY_PROXY, GATEWAY_CLASS),
)
ADDONS = {addon.name: addon for addon in (VOLUMES, METRICS, GATEWAY)}


def addon(name: str) -> Addon:
    if name not in ADDONS:
        raise ClusterError(f"there is no add-on {name}", allowed=", ".join(ADDONS))
    return ADDONS[name]


def install(addon: Addon, kubectl: Kubectl) -> None:
    """Install or upgrade, and wait until its workloads are ready. Its images must be loaded."""
    with tempfile.TemporaryDirectory() as scratch:
        chart = _chart(addon, Path(scratch))
        words = ["upgrade", "--install", addon.name, str(chart), "--values=-", "--wait"]
        where = ["--namespace", addon.namespace, "--create-namespace", f"--timeout={WAIT_S}s"]
        access = [f"--kubeconfig={kubectl.kubeconfig}"]
        if kubectl.context:
            access.append(f"--kube-context={kubectl.context}")
        values = json.dumps(addon.values)
        run([parts.program("helm"), *words, *where, *access], stdin=values, timeout_s=WAIT_S + 30)
    if addon.objects:
        kubectl.apply(addon.objects)


def _chart(addon: Addon, scratch: Path) -> Path:
    """A copy with the template of its values filled in, where it comes with a template."""
    source = parts.folder(addon.name) / "charts" / addon.chart
    copied = Path(shutil.copytree(source, scratch / addon.chart))
    template = copied / "values.tmpl.yaml"
    if template.exists():
        text = template.read_text()
        for placeholder, value in addon.placeholders.items():
            text = text.replace(placeholder, value)
        (copied / "values.yaml").write_text(text)
    return copied
