"""Runs appear in MLflow; while it is away nothing fails and nothing is lost."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mizzen.adapters.mlflow import connection
from mizzen.adapters.mlflow.tracker import MLflowTracker
from mizzen.core.place import Place
from mizzen.core.runs import Outcome, RunState, StepEvent, StepState
from mizzen.errors import Conflict

from .conftest import a_place

START = datetime(2024, 5, 1, tzinfo=UTC)
Event = Callable[..., StepEvent]


def event(step: str, state: StepState, minute: int = 0, **more: Any) -> StepEvent:
    return StepEvent("run-7", step, state, START + timedelta(minutes=minute), **more)


def a_run(tracker: MLflowTracker, folder: Path) -> None:
    """One step from the cache, one that failed once and then worked."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "card.md").write_text("# A card")
    tracker.start("run-7", "rides training", {"start": "", "end": "2024-06-01"})
    tracker.record(event("validate", StepState.CACHED))
    tracker.record(event("train", StepState.RUNNING, 1, parameters={"task": "binary"}))
    error = {"error": "StepFailed", "message": "the loss is nan"}
    tracker.record(event("train", StepState.FAILED, 2, seconds=60.0, error=error))
    tracker.record(event("train", StepState.RUNNING, 3, attempt=2))
    last = event(
        "train",
        StepState.SUCCEEDED,
        4,
        attempt=2,
        seconds=59.5,
        figures={"rows": 1400, "blessed": True, "reason": "better"},
        artifacts={"card": folder / "card.md"},
    )
    tracker.record(last)
    tracker.finish(Outcome("run-7", RunState.SUCCEEDED, {"train": last}))


def pages(place: Place) -> dict[str, Any]:
    """MLflow runs of the project by name."""
    client = connection.connect(place)
    found = client.search_runs([connection.experiment(client, place)])
    return {run.info.run_name: run for run in found}


def test_a_run_its_steps_figures_artifacts_logs_and_errors_are_on_mlflows_pages(
    place: Place, tmp_path: Path
) -> None:
    log = place.home / "runs" / "run-7" / "logs" / "train.2.log"
    log.parent.mkdir(parents=True)
    log.write_text("resumed after epoch 3")
    a_run(MLflowTracker(place), tmp_path / "outputs")
    found = pages(place)
    assert set(found) == {"rides training", "validate", "train", "train (attempt 2)"}
    run, failed, done = (found[n] for n in ("rides training", "train", "train (attempt 2)"))
    assert (run.info.status, failed.info.status, done.info.status) == (
        "FINISHED",
        "FAILED",
        "FINISHED",
    )
    assert run.data.params == {"start": "", "end": "2024-06-01"}
    assert run.data.metrics["train.rows"] == 1400
    assert {page.data.tags["mlflow.parentRunId"] for page in (failed, done)} == {run.info.run_id}
    assert found["validate"].data.tags["mizzen.state"] == "cached"
    assert failed.data.params == {"task": "binary"}
    assert done.data.metrics == {"rows": 1400, "blessed": 1.0, "seconds": 59.5}
    assert done.data.tags["reason"] == "better"
    assert done.info.end_time - done.info.start_time == 60_000
    client = connection.connect(place)
    paths = [f.path for f in client.list_artifacts(done.info.run_id)]
    assert sorted(paths) == ["card", "log"]
    assert [f.path for f in client.list_artifacts(failed.info.run_id)] == ["error.json"]


def test_a_run_is_sorted_by_its_own_metrics_in_the_view_of_model_training(
    place: Place, tmp_path: Path
) -> None:
    evaluation = tmp_path / "evaluation"
    evaluation.mkdir()
    records = {"roc_auc": {"value": 0.8}, "log_loss": {"value": 0.4}, "brier": {"value": None}}
    (evaluation / "metrics.json").write_text(json.dumps({"metrics": records}))
    tracker = MLflowTracker(place)
    tracker.start("run-7", "held", {"trainer.parameters.num_leaves": 7})
    held = event(
        "evaluate",
        StepState.SUCCEEDED,
        1,
        figures={"metric": "roc_auc", "value": 0.8, "blessed": False},
        artifacts={"evaluation": evaluation},
    )
    tracker.record(held)
    tracker.finish(Outcome("run-7", RunState.SUCCEEDED, {"evaluate": held}))
    client = connection.connect(place)
    where = connection.experiment(client, place)
    runs = client.search_runs([where], "metrics.roc_auc > 0.7", order_by=["metrics.log_loss"])
    assert [run.info.run_name for run in runs] == ["held"]
    assert "mlflow.parentRunId" not in runs[0].data.tags
    assert runs[0].data.metrics["log_loss"] == 0.4
    assert "brier" not in runs[0].data.metrics
    assert runs[0].data.params == {"trainer.parameters.num_leaves": "7"}
    tags = client.get_experiment(where).tags
    assert tags["mlflow.experimentKind"] == "custom_model_development"


def test_an_experiment_of_before_opens_on_model_training_unless_a_person_chose(
    place: Place,
) -> None:
    client = connection.connect(place)
    where = client.create_experiment(place.project)
    assert connection.experiment(client, place) == where
    assert client.get_experiment(where).tags["mlflow.experimentKind"] == "custom_model_development"
    client.set_experiment_tag(where, "mlflow.experimentKind", "genai_development")
    assert connection.experiment(client, place) == where
    assert client.get_experiment(where).tags["mlflow.experimentKind"] == "genai_development"


def test_a_run_that_is_resumed_keeps_its_page(place: Place, tmp_path: Path) -> None:
    for _ in range(2):
        a_run(MLflowTracker(place), tmp_path / "outputs")
    client = connection.connect(place)
    assert len(client.search_runs([connection.experiment(client, place)])) == 4
    assert not list((place.home / "tracking").iterdir())


def test_while_mlflow_is_away_a_run_goes_on_and_the_next_one_tells_what_was_missed(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}"
        a_run(MLflowTracker(a_place(place.home, tracking={"uri": uri})), tmp_path / "outputs")
    told = capsys.readouterr().err
    assert "the run goes on" in told
    assert "7 changes are kept" in told
    assert (place.home / "tracking" / "run-7.jsonl").exists()
    later = MLflowTracker(place)
    later.start("run-8", "rides training, later", {})
    assert {"rides training", "train (attempt 2)", "rides training, later"} <= set(pages(place))
    assert not (place.home / "tracking" / "run-7.jsonl").exists()


def test_two_trackers_do_not_record_one_run(place: Place) -> None:
    first = MLflowTracker(place)
    first.start("run-7", "rides", {})
    with pytest.raises(Conflict, match=r"run-7"):
        MLflowTracker(place).start("run-7", "rides", {})


def test_large_artifacts_are_named_and_not_copied(place: Place, tmp_path: Path) -> None:
    large = tmp_path / "frame.parquet"
    with large.open("wb") as file:
        file.truncate(20_000_000)
    tracker = MLflowTracker(place)
    tracker.start("run-7", "rides", {})
    tracker.record(event("features", StepState.SUCCEEDED, artifacts={"frame": large}))
    client = connection.connect(place)
    page = pages(place)["features"]
    assert [f.path for f in client.list_artifacts(page.info.run_id)] == ["frame.path.txt"]


def test_parameters_that_mlflow_finds_too_long_are_shortened(place: Place) -> None:
    tracker = MLflowTracker(place)
    tracker.start("run-7", "rides", {"project": "x" * 20_000, **{f"p{n}": n for n in range(150)}})
    page = pages(place)["rides"]
    assert len(page.data.params) == 151
    assert len(page.data.params["project"]) == 5000
