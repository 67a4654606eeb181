"""A real Prometheus that finds pods by Kubernetes' discovery, with the rights that the chart grants
and nothing beside them, counts the requests that were sent.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from scenario.addresses import gateway_port, node_address
from scenario.modelstage import ModelStage, set_model_stage
from scenario.prometheus import Account, Prometheus, require_prometheus, scrape_configs
from scenario.stage import Stage
from scenario.web import Door
from testnode.errors import ClusterError
from testnode.eventually import eventually
from testnode.kubectl import Kubectl
from testnode.providers.choice import Provider
from testnode.providers.node import NodeProvider
from testnode.spec import NodeSpec
from testnode.workloads import named

REQUESTS = 500
ACCOUNT = "prometheus"
WATCHED = ("serviceMonitor", "podMonitor", "rules", "discovery")


@pytest.fixture
def spec(cluster: Provider) -> NodeSpec:
    try:
        require_prometheus()
    except ClusterError as error:
        if os.environ.get("MIZZEN_CI_STRICT") == "1":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    assert isinstance(cluster, NodeProvider)
    return cluster.spec


def test_the_requests_to_the_api_are_counted(stage: Stage, spec: NodeSpec, tmp_path: Path) -> None:
    values = {**stage.values(), "monitoring": watched_by(stage.namespace)}
    values["api"] = {**values["api"], "replicas": 2}
    values["mlflow"] = {"enabled": False}
    stage.release().install(values)
    door = Door(
        node_address(stage.kubectl),
        gateway_port(stage.kubectl, stage.namespace, 80),
        {"Authorization": f"Bearer {stage.token}"},
    )
    eventually(lambda: door.ask("/api/v1/about").status == 200)
    monitor = stored(stage.kubectl, stage.namespace, "servicemonitor", "mizzen-api")
    with watching(stage.kubectl, spec, stage.namespace, [monitor], tmp_path) as prometheus:
        eventually(lambda: len(up(prometheus)) == 2)
        for _ in range(REQUESTS):
            assert door.ask("/api/v1/projects").status == 200
        query = 'sum(mizzen_api_requests_total{route="/projects",status="200"})'
        assert eventually(lambda: prometheus.value(query) >= REQUESTS)
        assert prometheus.value(query) == REQUESTS


def test_the_predictions_of_a_model_are_counted(
    model_stage: ModelStage, spec: NodeSpec, tmp_path: Path
) -> None:
    namespace, kubectl = model_stage.namespace, model_stage.kubectl
    _, shipping = model_stage.ship_to("predictions")
    shipping["log"]["ship"]["everySeconds"] = 1
    model_stage.release().install(model_stage.values(monitor={"enabled": True}, **shipping))
    monitors = [
        stored(kubectl, namespace, "servicemonitor", "diabetes"),
        stored(kubectl, namespace, "podmonitor", "mizzen-models"),
    ]
    request = model_stage.request()
    eventually(request.once)
    with watching(kubectl, spec, namespace, monitors, tmp_path) as prometheus:
        eventually(lambda: len(up(prometheus)) == 4)
        query = 'sum(mizzen_serving_requests_total{path="/predict",code="200"})'
        assert request.times(REQUESTS) == {"1": REQUESTS}
        assert eventually(lambda: prometheus.value(query) > REQUESTS)
        assert prometheus.value(query) == 1 + REQUESTS
        # by the pods' monitor
        shipping_pods = "count(mizzen_ship_shipped_bytes_total > 0)"
        assert eventually(lambda: prometheus.value(shipping_pods) == 2)


def test_a_monitor_or_rule_that_the_operator_could_not_read_is_refused(stage: Stage) -> None:
    """The API server holds them to the operator's definitions."""
    stage.release().install({**bare(stage.namespace), "monitoring": watched_by(stage.namespace)})
    kubectl, namespace = stage.kubectl, stage.namespace
    rule = stored(kubectl, namespace, "prometheusrule", "mizzen-alerts")
    alerts = [r["alert"] for group in rule["spec"]["groups"] for r in group["rules"]]
    assert "MizzenDrift" in alerts
    assert stored(kubectl, namespace, "podmonitor", "mizzen-models")["spec"]["selector"]
    wrong = named("monitoring.coreos.com/v1", "PodMonitor", "wrong", namespace)
    wrong["spec"] = {"selector": {}, "podMetricsEndpoints": [{"port": "http", "interval": "soon"}]}
    with pytest.raises(ClusterError, match="interval"):
        kubectl.apply([wrong])


@pytest.fixture
def model_stage(
    ready_cluster: Kubectl, with_image: Callable[[str], str], tmp_path: Path
) -> Iterator[ModelStage]:
    """Of the platform it has what Prometheus needs."""
    with_image("serving")
    made = set_model_stage(ready_cluster, f"watched-{secrets.token_hex(3)}", tmp_path)
    platform = Stage(made.namespace, "", ready_cluster).release()
    platform.install({**bare(made.namespace), "monitoring": watched_by(made.namespace)})
    yield made
    ready_cluster.run("delete", "namespace", made.namespace, "--wait=false")


@contextmanager
def watching(
    kubectl: Kubectl, spec: NodeSpec, namespace: str, monitors: list[Any], folder: Path
) -> Iterator[Prometheus]:
    """A Prometheus with the token of the account that the chart's Role is bound to."""
    kubectl.apply([named("v1", "ServiceAccount", ACCOUNT, namespace)])
    where = ("--namespace", namespace)
    token = kubectl.run("create", "token", ACCOUNT, *where, "--duration=1h")
    account = Account(spec.api, folder / "token", spec.folder / "pki" / "ca.crt")
    account.token_file.touch(mode=0o600)
    account.token_file.write_text(token.strip())
    jobs = [job for m in monitors for job in scrape_configs(m, namespace, account.access())]
    prometheus = Prometheus(spec, folder, jobs)
    prometheus.start()
    try:
        yield prometheus
    finally:
        prometheus.stop()


def up(prometheus: Prometheus) -> list[str]:
    return [t["labels"]["pod"] for t in prometheus.targets() if t["health"] == "up"]


def stored(kubectl: Kubectl, namespace: str, kind: str, name: str) -> Any:
    """As the API server gives it to the operator."""
    return kubectl.get(kind, name, "--namespace", namespace)


def watched_by(namespace: str) -> dict[str, Any]:
    on: dict[str, Any] = {name: {"enabled": True} for name in WATCHED}
    on["discovery"] = {"enabled": True, "serviceAccount": ACCOUNT, "namespace": namespace}
    return on


def bare(namespace: str) -> dict[str, Any]:
    """Nothing of the platform runs."""
    parts = ("api", "mlflow", "gateway", "network")
    return {part: {"enabled": False} for part in parts}
