"""What a cluster has beyond the node: volumes, metrics, a gateway, workflows, training.

Tests ask for the add-ons they need by name; each is installed once per node (install_addon.py).
"""

from __future__ import annotations

import json

from testnode.addons.addon import Addon, Chart, Kustomization
from testnode.errors import ClusterError
from testnode.images.base import BASE
from testnode.images.programs import (
    ARGO_CONTROLLER,
    ARGO_EXECUTOR,
    ENVOY,
    ENVOY_GATEWAY,
    JOBSET,
    LOCAL_PATH,
    METRICS_SERVER,
    TRAINER,
    ProgramImage,
)
from testnode.node.bootstrap import NAMESPACE
from testnode.spec import S3_PORT, S3_REGION
from testnode.workloads import Manifest, named

SMALL = {"requests": {"cpu": "20m", "memory": "64Mi"}}  # many of them share two cores


def _image(image: ProgramImage) -> dict[str, str]:
    return {"repository": image.repository, "tag": image.tag, "pullPolicy": "IfNotPresent"}


VOLUMES = Addon(
    name="local-path-provisioner",
    namespace="local-path-storage",
    images=(LOCAL_PATH.name, BASE),
    source=Chart(
        part="local-path-provisioner",
        folder="local-path-provisioner",
        values={
            "image": _image(LOCAL_PATH),
            # it makes and deletes folders in a pod, by a shell script
            "helperImage": dict(zip(("repository", "tag"), BASE.rsplit(":", 1), strict=True)),
            "storageClass": {"defaultClass": True},
            "nodePathMap": [
                {"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": ["/var/lib/volumes"]}
            ],
        },
    ),
)
METRICS = Addon(
    name="metrics-server",
    namespace="kube-system",
    images=(METRICS_SERVER.name,),
    source=Chart(
        part="metrics-server",
        folder="metrics-server",
        values={
            "image": _image(METRICS_SERVER),
            "args": [
                "--metric-resolution=10s",  # the shortest it accepts
                "--kubelet-request-timeout=5s",  # has to be shorter than the resolution
                "--kubelet-certificate-authority="
                "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
            ],
            "readinessProbe": {"initialDelaySeconds": 0, "periodSeconds": 2},
            "resources": SMALL,
        },
    ),
)


def _envoy_proxy() -> Manifest:
    """With a LoadBalancer, the default, a Gateway here gets no address and is not Programmed."""
    # the image again: a class with an EnvoyProxy of its own ignores the one of the chart
    container = {"image": ENVOY.name, "resources": SMALL}
    kubernetes = {
        "envoyService": {"type": "NodePort"},
        "envoyDeployment": {"container": container},
    }
    return named(
        "gateway.envoyproxy.io/v1alpha1",
        "EnvoyProxy",
        "node-port",
        "envoy-gateway-system",
        spec={"provider": {"type": "Kubernetes", "kubernetes": kubernetes}},
    )


def _gateway_class() -> Manifest:
    parameters = {
        "group": "gateway.envoyproxy.io",
        "kind": "EnvoyProxy",
        "name": "node-port",
        "namespace": "envoy-gateway-system",
    }
    controller = "gateway.envoyproxy.io/gatewayclass-controller"
    spec = {"controllerName": controller, "parametersRef": parameters}
    return named("gateway.networking.k8s.io/v1", "GatewayClass", "envoy", spec=spec)


def _gateway_values() -> Manifest:
    images = {
        "envoyGateway": {"image": ENVOY_GATEWAY.name},
        "envoyProxy": {"image": ENVOY.name},
    }
    manager = {"shutdownManager": {"image": ENVOY_GATEWAY.name}}
    provider = {"type": "Kubernetes", "kubernetes": manager}
    return {
        "global": {"images": images},
        "config": {"envoyGateway": {"provider": provider}},
        "deployment": {"envoyGateway": {"resources": SMALL}},
    }


GATEWAY = Addon(
    name="envoy-gateway",
    namespace="envoy-gateway-system",
    images=(ENVOY_GATEWAY.name, ENVOY.name),
    source=Chart(
        part="envoy-gateway",
        folder="gateway-helm",
        values=_gateway_values(),
        placeholders={
            "${GatewayImage}": ENVOY_GATEWAY.name,
            "${GatewayImagePullPolicy}": "IfNotPresent",
        },
    ),
    objects=(_envoy_proxy(), _gateway_class()),
)


def _argo_artifacts() -> str:
    """Workflows keep artifacts in the cluster's S3; their namespace needs its Secret `s3`."""
    store = {
        "endpoint": f"s3.{NAMESPACE}.svc.cluster.local:{S3_PORT}",
        "insecure": True,
        "region": S3_REGION,
        "bucket": "workflows",
        "createBucketIfNotPresent": {},
        "accessKeySecret": {"name": "s3", "key": "AWS_ACCESS_KEY_ID"},
        "secretKeySecret": {"name": "s3", "key": "AWS_SECRET_ACCESS_KEY"},
    }
    return json.dumps({"s3": store})


def _argo_overlay() -> Manifest:
    container = {
        "name": "workflow-controller",
        "image": ARGO_CONTROLLER.name,
        "args": ["--executor-image", ARGO_EXECUTOR.name],
        # its default of 10 s between two looks at a workflow is most of a short workflow's time
        "env": [{"name": "DEFAULT_REQUEUE_TIME", "value": "1s"}],
    }
    deployment = named("apps/v1", "Deployment", "workflow-controller")
    deployment["spec"] = {"template": {"spec": {"containers": [container]}}}
    settings = named("v1", "ConfigMap", "workflow-controller-configmap")
    settings["data"] = {"artifactRepository": _argo_artifacts()}
    return {
        "namespace": "argo",
        "resources": [
            "manifests/base/crds/full",
            "manifests/base/workflow-controller",
            "manifests/cluster-install-no-crds/workflow-controller-rbac",
        ],
        "patches": [{"patch": json.dumps(patch)} for patch in (deployment, settings)],
    }


ARGO = Addon(
    name="argo-workflows",
    namespace="argo",
    images=(ARGO_CONTROLLER.name, ARGO_EXECUTOR.name),
    source=Kustomization(
        part="argo-workflows",
        folder="manifests",
        overlay=_argo_overlay(),
        waits_for="workflow-controller",
    ),
)
JOBSETS = Addon(
    name="jobset",
    namespace="jobset-system",
    images=(JOBSET.name,),
    source=Chart(
        part="jobset",
        folder="jobset",
        values={"image": _image(JOBSET), "controller": {"resources": SMALL}},
    ),
)
TRAINING = Addon(
    name="trainer",
    namespace="kubeflow-system",
    images=(TRAINER.name,),
    source=Chart(
        part="trainer",
        folder="kubeflow-trainer",
        values={
            "image": {"registry": "mizzen.test", "repository": "trainer", "tag": TRAINER.tag},
            "jobset": {"install": False},
            "manager": {"resources": SMALL},
        },
        drop_dependencies=True,
    ),
)
MONITORS = Addon(
    name="prometheus-operator",
    namespace="monitoring",
    images=(),
    source=Kustomization(
        part="prometheus-operator",
        folder="prometheus-operator-crd",
        overlay={
            "resources": [
                f"prometheus-operator-crd/monitoring.coreos.com_{kind}.yaml"
                for kind in ("podmonitors", "prometheusrules", "servicemonitors")
            ]
        },
    ),
)
ADDONS = {a.name: a for a in (VOLUMES, METRICS, GATEWAY, ARGO, JOBSETS, TRAINING, MONITORS)}


def addon(name: str) -> Addon:
    if name not in ADDONS:
        raise ClusterError(f"there is no add-on {name}", allowed=", ".join(ADDONS))
    return ADDONS[name]
