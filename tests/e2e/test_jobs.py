"""The jobs of a cluster, as processes that share services with the trainer and no folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mizzen.adapters.backends import load_backend, open_objects
from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.control.models.prepare import known_until
from mizzen.control.models.registered import project_of
from mizzen.core.place import Place
from mizzen.core.runs import RunState
from mizzen.ports.prediction_log import Prediction
from mizzen.project import Project
from mizzen_serving.log_shipper.shipper import Shipper
from mizzen_tests.mlflow_server import mlflow_serving

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

END = datetime(2024, 4, 30, tzinfo=UTC)
PROFILE = """
apiVersion: mizzen.dev/v1
kind: Profile
state: sqlite:///{shared}/state.db
tracking: {{uri: "{mlflow}"}}
data_store: {{url: "{shared}/data"}}
feature_store: {{kind: postgres, sources: "file://{shared}/sources"}}
prediction_log: {{url: "file://{shared}/predictions"}}
"""


@dataclass(frozen=True)
class Trained:
    """A project whose first version is the champion, and a pod elsewhere."""

    project: Project
    pod: Place
    shared: Path

    def job(self, module: str, *words: str) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            f"mizzen.control.jobs.{module}",
            "--project",
            "ferries",
            *words,
        ]
        environment = {**os.environ, **self.pod.to_environment()}
        return subprocess.run(
            command, env=environment, cwd="/", capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Trained]:
    folder = tmp_path_factory.mktemp("ferries") / "project"
    shared = folder.parent / "shared"
    shutil.copytree(Path(__file__).parent / "ferries", folder)
    (folder / "profiles").mkdir()
    (shared / "mlflow").mkdir(parents=True)
    database = request.getfixturevalue("postgres").new_database()
    with pytest.MonkeyPatch.context() as patch, mlflow_serving(shared / "mlflow") as address:
        for name, value in database.items():
            patch.setenv(name, value)
        profile = folder / "profiles" / "shared.yaml"
        profile.write_text(PROFILE.format(shared=shared, mlflow=address))
        project = Project.open(folder, profile="shared")
        run = project.run(end=END.isoformat())
        assert run.state is RunState.SUCCEEDED, run.record
        assert project.champion() is not None
        here = project.workspace.place
        pod = Place("any", folder.parent / "pod", here.profile)
        yield Trained(project, pod, shared)


def test_features_are_loaded_where_no_project_lies(trained: Trained) -> None:
    done = trained.job("materialize", "--until", END.isoformat())
    assert done.stdout == "2 entities of version 1 hold their values of 2024-04-30T00:00:00Z\n"
    views = project_of(trained.project.workspace, 1).views
    source = load_backend("feature_source", "postgres")(trained.project.workspace.place)
    found = source.online(views, {"port": ["Dover", "Calais"]}, [END, END])
    assert all(value is not None for value in found["knots"])


def test_a_version_is_served_with_what_its_training_knew(trained: Trained) -> None:
    place = trained.project.workspace.place
    now = datetime.now(UTC)
    assert known_until(place, 1, now) == END
    assert known_until(place, 99, now) == now


def test_the_drift_job_finds_what_pods_shipped_and_keeps_it(trained: Trained) -> None:
    ship(trained, [1000.0 + n for n in range(600)])
    until = END + timedelta(days=10)
    for _ in range(2):  # the CronJob runs again
        done = trained.job("drift", "--until", until.isoformat())
        assert done.returncode == 0, done.stderr
    assert "ALARM" in done.stdout
    assert "/artifacts/reports/" in done.stdout
    windows = trained.project.workspace.state.monitoring.all_windows("ferries")
    assert [(w.kind, w.alarm, w.version) for w in windows if w.kind == "drift"] == [
        ("drift", True, 1)
    ]
    pages = list((trained.shared / "mlflow" / "artifacts").rglob("report.html"))
    assert len(pages) == 1
    result = json.loads(pages[0].with_name("result.json").read_text())
    assert result["log"]["predictions"] == 600


def test_a_project_without_a_champion_is_no_failure(trained: Trained) -> None:
    command = [sys.executable, "-m", "mizzen.control.jobs.drift", "--project", "nobody"]
    environment = {**os.environ, **trained.pod.to_environment()}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "nobody has no champion yet: nothing to do\n")


def test_what_is_away_has_the_status_of_what_may_be_tried_again(trained: Trained) -> None:
    document = json.loads(trained.pod.to_environment()["MIZZEN_PLACE"])
    document["profile"]["tracking"]["uri"] = "http://127.0.0.1:9"
    command = [sys.executable, "-m", "mizzen.control.jobs.drift", "--project", "ferries"]
    document["home"] = str(trained.shared / "another-pod")
    environment = {**os.environ, "MIZZEN_PLACE": json.dumps(document)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 7
    assert "MLflow does not answer" in done.stderr


def ship(trained: Trained, cars: list[float]) -> None:
    """What a service answered in ten days, as its sidecar ships it."""
    place = Place("ferries", trained.shared / "service", trained.pod.profile)
    log = SegmentLog(place)
    now = datetime.now(UTC)
    log.append(
        [
            Prediction(
                id=f"{n:08x}-0000-7000-8000-000000000000",
                at=END + timedelta(minutes=24 * n),
                model="ferries",
                version=1,
                key={"crossing": n},
                features={"cars": value, "knots": 10.0 + n % 7},
                output=200.0,
                logged_at=now,
            )
            for n, value in enumerate(cars)
        ]
    )
    log.close()
    Shipper(log.folder, open_objects(f"file://{trained.shared}/predictions"), "ferries/", 1).look()
