"""The restricted Pod Security level, held by the real API server over both charts: nothing is
refused and nothing is warned about. And what pods of a release can see.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from scenario.inside import python_in
from scenario.release import CHARTS
from scenario.stage import Stage
from testnode.building import parts
from testnode.commands import run
from testnode.errors import ClusterError
from testnode.figures import timed
from testnode.kubectl import Kubectl
from testnode.workloads import named

PROFILES = ("dev", "staging", "prod")
EVERY_PART: dict[str, Any] = {
    "features": {"enabled": True, "project": "flights"},
    "postgres": {"enabled": True},
    "projects": [{"name": "flights"}],
    "jobs": {"materialize": {"enabled": True, "schedule": "@daily"}},
    "quota": {"enabled": True},
    "limitRange": {"enabled": True},
    "monitoring": {
        name: {"enabled": True}
        for name in ("serviceMonitor", "podMonitor", "rules", "dashboards", "discovery")
    },
}
CANDIDATE: dict[str, Any] = {
    "model": {"version": 1},
    "candidate": {"version": 2, "weight": 10, "mirror": True},
    "log": {"ship": {"to": "s3://predictions/flights"}},
    "monitor": {"enabled": True},
    "autoscaling": {"enabled": True},
}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("chart", "values"), [("mizzen", EVERY_PART), ("mizzen-model", CANDIDATE)])
def test_no_object_is_refused_or_warned_about(
    stage: Stage, chart: str, values: dict[str, Any], profile: str
) -> None:
    rendered = render(chart, profile, values, stage.namespace)
    accounts = [o["metadata"]["name"] for o in rendered if o["kind"] == "ServiceAccount"]
    # a dry run stores none, and a pod of `helm test` is refused without its own
    stage.kubectl.apply([named("v1", "ServiceAccount", a, stage.namespace) for a in accounts])
    said = dry_run(stage.kubectl, rendered, stage.namespace)
    assert said.stderr == ""
    assert said.returncode == 0
    assert len(said.stdout.splitlines()) == len(rendered)


def test_pod_security_would_have_refused_another_pod(stage: Stage) -> None:
    (api,) = [
        o
        for o in render("mizzen", "dev", {}, stage.namespace)
        if (o["kind"], o["metadata"]["name"]) == ("Deployment", "mizzen-api")
    ]
    api["spec"]["template"]["spec"]["securityContext"].pop("runAsNonRoot")
    assert "would violate PodSecurity" in dry_run(stage.kubectl, [api], stage.namespace).stderr


def test_pods_have_no_token_write_nowhere_and_may_not_read_secrets(stage: Stage) -> None:
    values = stage.values()
    values["mlflow"] = {"enabled": False}
    stage.release().install(values)
    for command, refusal in {
        "open('/var/run/secrets/kubernetes.io/serviceaccount/token')": "No such file",
        "open('/usr/local/here', 'w')": "Read-only file system",
    }.items():
        with pytest.raises(ClusterError, match=refusal):
            python_in(stage.kubectl, "deployment/mizzen-api", stage.namespace, command)
    account = f"--as=system:serviceaccount:{stage.namespace}:mizzen"
    for scope in ("--all-namespaces", f"--namespace={stage.namespace}"):
        with pytest.raises(ClusterError, match=r"ended with 1:\nno\b"):
            stage.kubectl.run("auth", "can-i", "get", "secrets", account, scope)


def render(chart: str, profile: str, values: dict[str, Any], namespace: str) -> list[Any]:
    import yaml

    folder = CHARTS / chart
    name = "mizzen" if chart == "mizzen" else "flights"
    files = [f"--values={folder / 'profiles' / f'{profile}.yaml'}", "--values=-"]
    command = [str(parts.program("helm")), "template", name, str(folder), *files]
    with timed(f"helm template {chart}"):
        said = run([*command, f"--namespace={namespace}"], stdin=json.dumps(values))
    return [found for found in yaml.safe_load_all(said) if found]


def dry_run(
    kubectl: Kubectl, objects: list[Any], namespace: str
) -> subprocess.CompletedProcess[str]:
    """What the API server says to them; warnings come on standard error."""
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    how = ["apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", "-"]
    command = [*kubectl.command(), *how, f"--namespace={namespace}"]
    return subprocess.run(
        command,
        input=listed,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=Path("/"),
    )
