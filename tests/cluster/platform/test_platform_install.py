"""charts/mizzen with profile dev: installed, asked from outside, changed, and brought back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from scenario.addresses import gateway_port, node_address
from scenario.inside import python_in
from scenario.release import CHARTS, Release
from scenario.stage import Stage, s3_client, secret_of
from scenario.web import Door
from testnode.errors import ClusterError
from testnode.eventually import eventually
from testnode.figures import record, timed
from testnode.images.mizzen import image_name
from testnode.images.store import build_image, load_image
from testnode.places import IMAGES
from testnode.providers.choice import Provider
from testnode.providers.node import NodeProvider

DEV = yaml.safe_load((CHARTS / "mizzen" / "profiles" / "dev.yaml").read_text())


def dev(stage: Stage, **more: Any) -> dict[str, Any]:
    """The profile with what this node has; values of one part replace one another whole."""
    merged = {name: {**DEV.get(name, {}), **given} for name, given in stage.values().items()}
    for name, given in more.items():
        merged[name] = {**merged.get(name, {}), **given}
    return {**DEV, **merged}


@pytest.fixture(scope="module")
def release(shared_stage: Stage) -> Iterator[Release]:
    made = shared_stage.release()
    with timed("platform: helm install, profile dev, to all Ready"):
        made.install(dev(shared_stage))
    yield made
    made.uninstall()


@pytest.fixture
def door(release: Release, shared_stage: Stage) -> Door:
    """With the right token."""
    kubectl = release.kubectl
    port = gateway_port(kubectl, release.namespace, 80)
    token = {"Authorization": f"Bearer {shared_stage.token}"}
    return Door(node_address(kubectl), port, token)


def test_every_part_answers_by_its_name(release: Release) -> None:
    said = release.test()
    assert "Succeeded" in said
    assert "http://mizzen-api:8080/readyz 200" in said
    assert "http://mizzen-mlflow:5000/health 200" in said


def test_notes_warn_about_this_profile(release: Release, shared_stage: Stage) -> None:
    said = release.upgrade(dev(shared_stage))
    assert "no TLS" in said
    assert "MLflow is open to whoever reaches the gateway" in said
    assert "missing" not in said


def test_the_api_answers_through_the_gateway_to_who_has_the_token(door: Door) -> None:
    assert eventually(lambda: door.ask("/api/v1/projects").status == 200)
    nobody = Door(door.host, door.port)
    assert nobody.ask("/api/v1/projects").status == 401
    assert nobody.ask("/api/v1/projects", Authorization="Bearer wrong").status == 401


def test_what_asks_for_no_token_is_not_reached_from_outside(door: Door) -> None:
    eventually(lambda: door.ask("/api/v1/projects").status == 200)
    assert door.ask("/metrics").status == 404


def test_a_model_file_goes_through_mlflow_to_s3_and_back(
    door: Door, shared_stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    # as Mizzen does: through the server, not by addresses of S3 that are known in the cluster only
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD", "false")
    eventually(lambda: door.ask("/mlflow/health").status == 200)
    client = MlflowClient(f"http://{door.host}:{door.port}/mlflow")
    run = client.create_run(client.create_experiment("flights"))
    (tmp_path / "model.txt").write_text("the same bytes")
    client.log_artifact(run.info.run_id, str(tmp_path / "model.txt"))
    back = client.download_artifacts(run.info.run_id, "model.txt", str(tmp_path / "back"))
    assert Path(back).read_text() == "the same bytes"
    (key,) = bucket_keys(shared_stage)
    assert key.startswith("mlflow/")


def test_mlflow_refuses_a_name_that_is_not_its_own(release: Release) -> None:
    """A page in somebody's browser could otherwise reach it by DNS rebinding."""
    ask = (
        "import urllib.request as r; r.urlopen(r.Request("
        "'http://mizzen-mlflow:5000/api/2.0/mlflow/experiments/search?max_results=1', "
        "headers={'Host': 'elsewhere.example.com'}))"
    )
    with pytest.raises(ClusterError, match=r"HTTP Error 403"):
        python_in(release.kubectl, "deployment/mizzen-api", release.namespace, ask)


def test_the_memory_at_rest(release: Release) -> None:
    def used() -> dict[str, int]:
        said = release.kubectl.run("top", "pods", "--namespace", release.namespace, "--no-headers")
        rows = [line.split() for line in said.splitlines()]
        memory = {row[0]: int(row[2].removesuffix("Mi")) for row in rows}
        named = {part: memory[pod] for pod in memory for part in ("api", "mlflow") if part in pod}
        return named if set(named) == {"api", "mlflow"} else {}

    for part, mebibytes in eventually(used, within_s=120).items():
        record(f"platform: memory of {part} at rest", mebibytes, "MiB")


def test_an_upgrade_to_other_values_and_back(release: Release, shared_stage: Stage) -> None:
    """Everything optional on, then a rollback: what came goes again."""
    before = release.revision()
    more = {name: {"enabled": True} for name in ("quota", "limitRange")}
    more["features"] = {"enabled": True}
    more["api"] = {"replicas": 2, "disruption": {"enabled": True}}
    watching = ("serviceMonitor", "podMonitor", "rules", "dashboards", "discovery")
    more["monitoring"] = {name: {"enabled": True} for name in watching}
    values = dev(shared_stage, **more)
    values["projects"] = [
        {"name": "flights", "materialize": {"enabled": True, "schedule": "@daily"}}
    ]
    with timed("platform: upgrade from itself with every part on"):
        release.upgrade(values)
    assert len(release.pods("api")) == 2
    assert len(release.pods("features")) == 1
    assert "http://mizzen-features:6566/health 200" in release.test()
    release.rollback(before)
    assert eventually(lambda: len(release.pods("api")) == 1)
    assert release.pods("features") == []
    kinds = "quota,limitrange,servicemonitor,podmonitor,prometheusrule,role,pdb,cronjob"
    assert release.kubectl.get(kinds, "--namespace", release.namespace)["items"] == []


def test_a_rollback_after_a_migration(
    cluster: Provider, release: Release, shared_stage: Stage, door: Door, tmp_path: Path
) -> None:
    """The version before works on the schema of the next; nothing is lost on the way."""
    assert isinstance(cluster, NodeProvider)
    build_image(
        "mizzen.test/mizzen/control:next",
        IMAGES / "next-control.Dockerfile",
        IMAGES,
        base=image_name("control"),
    )
    load_image(cluster.spec, "mizzen.test/mizzen/control:next")
    project = {"name": "flights", "folder": "/here", "created_at": "2026-01-01T00:00:00Z"}
    assert door.ask("/api/v1/projects/flights", "PUT", project).status == 204
    values = dev(shared_stage)
    values["api"] = {**values["api"], "image": {"registry": "mizzen.test", "tag": "next"}}
    release.upgrade(values)
    assert eventually(lambda: tables(door) == "9999")
    release.rollback()
    eventually(lambda: tables_of_pods(release) == {"control:dev"})
    assert eventually(lambda: door.ask("/api/v1/projects").status == 200)
    assert [p["name"] for p in door.ask("/api/v1/projects").json()] == ["flights"]
    assert tables(door) == "9999"
    release.upgrade(dev(shared_stage))  # on the newer schema its migration has nothing to do


def tables(door: Door) -> str:
    return str(door.ask("/api/v1/about").json()["tables"])


def tables_of_pods(release: Release) -> set[str]:
    images = [pod["spec"]["containers"][0]["image"] for pod in release.pods("api")]
    return {image.rpartition("/")[2] for image in images}


def bucket_keys(stage: Stage) -> list[str]:
    s3 = secret_of(stage.kubectl, "mizzen-s3", stage.namespace)
    listed = s3_client(stage.kubectl, s3).list_objects_v2(Bucket=stage.bucket)
    return [found["Key"] for found in listed["Contents"]]
