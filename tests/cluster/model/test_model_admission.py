"""Every object of the chart, whatever the values, is admitted without a warning."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from scenario.modelstage import CHART, MODEL, ModelStage, merged
from testnode.building import parts
from testnode.commands import run
from testnode.workloads import named

EVERYTHING: dict[str, Any] = {
    "candidate": {"version": 2, "weight": 10, "mirror": True},
    "log": {
        "volume": {"kind": "claim", "storageClass": "fast"},
        "ship": {"to": "s3://predictions/here"},
    },
    "s3": {"secret": "s3"},
    "features": {"store": "postgres", "secret": "postgres"},
    "network": {
        "s3": [{"cidr": "10.0.8.0/24", "port": 9000}],
        "features": [{"podLabels": {"app": "postgres"}, "port": 5432}],
    },
    "imagePullSecrets": ["registry"],
    "placement": {
        "nodeSelector": {"pool": "serving"},
        "tolerations": [{"key": "serving", "operator": "Exists"}],
    },
    "route": {"hostnames": ["models.example.com"], "gateway": {"listener": "http"}},
    "monitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "autoscaling": {"enabled": True},
}


@pytest.mark.parametrize("profile", ["none", "dev", "staging", "prod", "everything"])
def test_objects_are_admitted_to_a_restricted_namespace(
    stage: ModelStage, with_addon: Callable[[str], None], profile: str
) -> None:
    with_addon("prometheus-operator")
    # a dry run makes nothing, and a pod is refused whose account is not there
    account = named("v1", "ServiceAccount", f"{MODEL}-serving", stage.namespace)
    stage.kubectl.apply([account])
    listed = {"apiVersion": "v1", "kind": "List", "items": rendered(stage, profile)}
    how = ("--dry-run=server", "--warnings-as-errors", f"--namespace={stage.namespace}")
    try:
        said = stage.kubectl.run("apply", *how, "-f", "-", stdin=json.dumps(listed))
    finally:
        where = f"--namespace={stage.namespace}"
        stage.kubectl.run("delete", "serviceaccount", f"{MODEL}-serving", where)
    assert f"deployment.apps/{MODEL}-stable created (server dry run)" in said


def rendered(stage: ModelStage, profile: str) -> list[dict[str, Any]]:
    values: dict[str, Any] = {"model": {"version": 1}}
    if profile == "everything":
        values = merged(values, EVERYTHING)
    elif profile != "none":
        file = CHART / "profiles" / f"{profile}.yaml"
        values = merged(values, yaml.safe_load(file.read_text()))
    where = (f"--namespace={stage.namespace}", "--values=-")
    command = [str(parts.program("helm")), "template", MODEL, str(CHART), *where]
    return [o for o in yaml.safe_load_all(run(command, stdin=json.dumps(values))) if o]
