"""The platform under failure: what still answers, what says why it does not, what comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scenario.addresses import gateway_port, node_address
from scenario.release import Release
from scenario.stage import Stage, secret
from scenario.tls import make_certificates
from scenario.web import Door
from testnode.errors import ClusterError
from testnode.eventually import eventually
from testnode.figures import timed
from testnode.images.postgres import POSTGRES, USER_ID
from testnode.images.store import load_image
from testnode.providers.choice import Provider
from testnode.providers.node import NodeProvider

pytestmark = pytest.mark.full

PROJECT = {"name": "flights", "folder": "/here", "created_at": "2026-01-01T00:00:00Z"}
NO_MLFLOW = {"mlflow": {"enabled": False}}


def test_the_api_outlives_its_postgresql(cluster: Provider, stage: Stage) -> None:
    """The chart's own is killed: its data stay, and the API comes back without a restart."""
    assert isinstance(cluster, NodeProvider)
    load_image(cluster.spec, POSTGRES)
    registry, _, name = POSTGRES.partition("/")
    repository, _, tag = name.partition(":")
    image = {"registry": registry, "repository": repository, "tag": tag}
    release = stage.release()
    values = {**stage.values(), **NO_MLFLOW}
    values["postgres"] = {"enabled": True, "userId": USER_ID, "image": image}
    with timed("platform: helm install with its own PostgreSQL"):
        release.install(values)
    door = entrance(stage)
    assert door.ask("/api/v1/projects/flights", "PUT", PROJECT).status == 204
    where = ("--namespace", stage.namespace)
    stage.kubectl.run(
        "delete", "pod", "mizzen-postgres-0", "--wait=false", "--grace-period=1", *where
    )
    eventually(lambda: door.ask("/api/v1/projects").status == 503)
    with timed("platform: PostgreSQL's pod killed to the API answering again"):
        eventually(lambda: door.ask("/api/v1/projects").status == 200, within_s=120)
    assert [p["name"] for p in door.ask("/api/v1/projects").json()] == ["flights"]
    assert restarts(release, "api") == [0]


def test_a_killed_api_pod_is_replaced_and_nothing_is_lost(stage: Stage) -> None:
    release = stage.release()
    release.install({**stage.values(), **NO_MLFLOW})
    door = entrance(stage)
    assert door.ask("/api/v1/projects/flights", "PUT", PROJECT).status == 204
    (killed,) = [pod["metadata"]["name"] for pod in release.pods("api")]
    now = ("--grace-period=0", "--force", "--namespace", stage.namespace)
    stage.kubectl.run("delete", "pod", killed, *now)
    with timed("platform: API pod killed to the next one answering"):
        where = ("--namespace", stage.namespace)
        eventually(lambda: killed not in {pod["metadata"]["name"] for pod in release.pods("api")})
        stage.kubectl.rolled_out("deployment/mizzen-api", *where)
        eventually(lambda: door.ask("/api/v1/projects").status == 200)
    # the gateway may still keep a connection to the one that is gone
    answer = eventually(lambda: [a for a in [door.ask("/api/v1/projects")] if a.status == 200])
    assert [project["name"] for project in answer[0].json()] == ["flights"]


def test_with_wrong_credentials_of_s3_files_are_refused_and_the_rest_works(stage: Stage) -> None:
    wrong = {"AWS_ACCESS_KEY_ID": "wrong", "AWS_SECRET_ACCESS_KEY": "wrong"}
    patch = secret("mizzen-s3", stage.namespace, wrong)
    stage.kubectl.apply([patch])  # endpoint and region are another's fields and stay
    values = stage.values()
    values["gateway"] = {"mlflow": {"enabled": True}}
    stage.release().install(values)
    door = entrance(stage)
    eventually(lambda: door.ask("/mlflow/health").status == 200)
    made = door.ask("/mlflow/api/2.0/mlflow/experiments/create", "POST", {"name": "flights"})
    assert made.status == 200
    artifact = "/mlflow/api/2.0/mlflow-artifacts/artifacts/1/run/artifacts/model.txt"
    refused = door.ask(artifact, "PUT", {"not": "stored"})
    assert refused.status >= 500 or refused.status == 403
    # it has closed the connection over which it was sent, as the gateway finds out by asking
    assert eventually(lambda: door.ask("/mlflow/health").status == 200)
    assert door.ask("/api/v1/projects").status == 200


def test_a_missing_secret_is_told_before_anything_is_made(stage: Stage) -> None:
    where = ("--namespace", stage.namespace)
    stage.kubectl.run("delete", "secret", "mizzen-postgres", *where)
    with pytest.raises(ClusterError, match="kubectl create secret generic mizzen-postgres"):
        stage.release().install(stage.values())
    assert stage.kubectl.get("deployments,jobs", *where)["items"] == []


def test_a_missing_token_is_told_by_the_notes(stage: Stage) -> None:
    stage.kubectl.run("delete", "secret", "mizzen-api-token", "--namespace", stage.namespace)
    values = {**stage.values(), **NO_MLFLOW, "api": {**stage.values()["api"], "replicas": 0}}
    said = stage.release().install(values)
    assert "the Secret mizzen-api-token is missing" in said


def test_an_image_that_is_not_there_fails_the_upgrade_and_the_old_pods_answer(
    stage: Stage,
) -> None:
    release = stage.release()
    release.install({**stage.values(), **NO_MLFLOW})
    door = entrance(stage)
    values = {**stage.values(), **NO_MLFLOW}
    values["api"] = {"image": {"registry": "mizzen.test", "tag": "nowhere"}}
    with pytest.raises(ClusterError, match="mizzen-api"):
        release.upgrade(values, within_s=15)
    assert door.ask("/api/v1/projects").status == 200
    release.rollback()
    assert door.ask("/api/v1/projects").status == 200


def test_a_quota_that_is_exceeded_is_told_as_the_reason(stage: Stage) -> None:
    values = {**stage.values(), **NO_MLFLOW}
    values["quota"] = {"enabled": True, "hard": {"pods": "1"}}
    values["api"] = {**values["api"], "replicas": 2}
    with pytest.raises(ClusterError):
        stage.release().install(values, within_s=40)
    events = stage.kubectl.get("events", "--namespace", stage.namespace)["items"]
    assert [e for e in events if "exceeded quota: mizzen-quota" in e["message"]]


def test_it_answers_over_tls_to_its_name_and_leads_there_from_plain_http(
    stage: Stage, tmp_path: Path
) -> None:
    """TLS at the gateway, and between the gateway and the API."""
    authority = make_certificates(tmp_path, {"gate": "mizzen.example.com", "api": "mizzen-api"})
    for name in ("gate", "api"):
        files = {f"tls.{end}": (tmp_path / f"{name}.{end}").read_text() for end in ("crt", "key")}
        stage.kubectl.apply([secret(name, stage.namespace, files, kind="kubernetes.io/tls")])
    create = ("create", "configmap", "api-authority", f"--from-file=ca.crt={authority}")
    stage.kubectl.run(*create, "--namespace", stage.namespace)
    values = {**stage.values(), **NO_MLFLOW}
    values["api"] = {**values["api"], "tls": {"secret": "api", "authority": "api-authority"}}
    host = "mizzen.example.com"
    values["gateway"] = {"hostname": host, "tlsSecret": "gate", "http": "redirect"}
    release = stage.release()
    release.install(values)
    address, token = node_address(stage.kubectl), {"Authorization": f"Bearer {stage.token}"}
    secure = Door(
        address, gateway_port(stage.kubectl, stage.namespace, 443), token, host, authority
    )
    assert eventually(lambda: secure.ask("/api/v1/projects").status == 200)
    plain = Door(address, gateway_port(stage.kubectl, stage.namespace, 80), name=host)
    led = plain.ask("/api/v1/projects")
    assert (led.status, led.headers["location"]) == (301, f"https://{host}/api/v1/projects")
    assert "https://mizzen-api:8080/readyz 200" in release.test()


def entrance(stage: Stage) -> Door:
    """The gateway's plain port, with the token, once it leads to the API."""
    port = gateway_port(stage.kubectl, stage.namespace, 80)
    token = {"Authorization": f"Bearer {stage.token}"}
    door = Door(node_address(stage.kubectl), port, token)
    eventually(lambda: door.ask("/api/v1/projects").status == 200)
    return door


def restarts(release: Release, component: str) -> list[int]:
    pods: list[dict[str, Any]] = release.pods(component)
    return [pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods]
