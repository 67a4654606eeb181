"""The autoscaler: metrics-server measures, the HorizontalPodAutoscaler adds pods."""

from __future__ import annotations

from collections.abc import Callable

from testnode.figures import timed
from testnode.kubectl import Kubectl
from testnode.workloads import Manifest, app_container, deployment, named


def test_pods_are_added_when_the_processor_is_busy(
    kubectl: Kubectl, namespace: str, with_addon: Callable[[str], None]
) -> None:
    with_addon("metrics-server")
    # the limit keeps what is burnt for the test from the rest of the machine
    share = {"requests": {"cpu": "50m"}, "limits": {"cpu": "150m"}}
    busy = app_container("burn", resources=share)
    kubectl.apply([deployment("busy", namespace, busy), scaler("busy", namespace)])
    with timed("autoscaling: busy deployment applied to second pod"):
        second = "jsonpath={.status.replicas}=2"
        kubectl.wait(second, "deployment/busy", "--namespace", namespace, within_s=180)
    seen = kubectl.get("hpa/busy", "--namespace", namespace)["status"]["currentMetrics"]
    assert seen[0]["resource"]["current"]["averageUtilization"] > 50


def scaler(name: str, namespace: str) -> Manifest:
    target = {"type": "Utilization", "averageUtilization": 50}
    return named(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        name,
        namespace,
        spec={
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": 1,
            "maxReplicas": 2,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    )
