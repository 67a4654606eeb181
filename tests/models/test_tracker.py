"""Runs appear in MLflow; while it is away nothing fails and nothing is lost."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mizzen.adapters.mlflow import connection
from mizzen.adapters.mlflow.dataset import dataset_of
from mizzen.adapters.mlflow.run_note import LONGEST, shortened
from mizzen.adapters.mlflow.tracker import MLflowTracker
from mizzen.adapters.tables import write_table
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


def a_snapshot(folder: Path, **parameters: Any) -> StepEvent:
    """Three rides of a window, one without a label."""
    times = pd.to_datetime(["2024-05-01T08:00Z", "2024-05-03T09:30Z", "2024-05-02T00:00Z"])
    frame = pd.DataFrame({"ride": [1, 2, 3], "at": times, "late": [1.0, 0.0, None]})
    write_table(frame, folder / "tables" / "rows.parquet")
    data = {"source": {"path": "rides.csv"}, "key": ["ride"], "event_time": "at"}
    return event(
        "snapshot",
        StepState.SUCCEEDED,
        figures={"version": "d" * 32, "rows": 3, "unlabelled": 1},
        parameters={"data": data, "label": {"column": "late"}, "start": "", **parameters},
        artifacts={"tables": folder / "tables"},
    )


def an_evaluation(folder: Path, card: str) -> StepEvent:
    """Of a model that the gate held."""
    folder.mkdir(exist_ok=True)
    records = {"roc_auc": {"value": 0.8}, "log_loss": {"value": 0.4}, "brier": {"value": None}}
    (folder / "metrics.json").write_text(json.dumps({"metrics": records}))
    (folder / "card.md").write_text(card)
    figures = {"metric": "roc_auc", "value": 0.8, "blessed": False}
    return event(
        "evaluate", StepState.SUCCEEDED, 1, figures=figures, artifacts={"evaluation": folder}
    )


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
    held = an_evaluation(tmp_path / "evaluation", "# rides")
    tracker = MLflowTracker(place)
    tracker.start("run-7", "held", {"trainer.parameters.num_leaves": 7})
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


def test_a_run_shows_its_data_set_and_its_model_card_once_also_when_it_is_resumed(
    place: Place, tmp_path: Path
) -> None:
    steps = a_snapshot(tmp_path), an_evaluation(tmp_path / "evaluation", "# rides\n\nheld")
    for _ in range(2):
        tracker = MLflowTracker(place)
        tracker.start("run-7", "held", {})
        for step in steps:
            tracker.record(step)
        tracker.finish(Outcome("run-7", RunState.FAILED, {}))
    page = pages(place)["held"]
    assert page.data.tags["mlflow.note.content"] == "# rides\n\nheld"
    (given,) = page.inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.digest) == ("rides/rides.csv", "d" * 32)
    assert (given.dataset.source_type, given.dataset.source) == ("local", '{"uri": "rides.csv"}')
    assert json.loads(given.dataset.profile) == {
        "num_rows": 3,
        "unlabelled": "1 (late)",
        "first_event": "2024-05-01T08:00:00+00:00 (at)",
        "last_event": "2024-05-03T09:30:00+00:00 (at)",
    }
    assert {tag.key: tag.value for tag in given.tags} == {"mlflow.data.context": "training"}


def test_the_card_of_the_package_replaces_that_of_the_evaluation_and_a_persons_text_stays(
    place: Place, tmp_path: Path
) -> None:
    note, package = "mlflow.note.content", tmp_path / "package"
    package.mkdir()
    (package / "card.md").write_text("# rides, version 1")
    registered = event("register", StepState.SUCCEEDED, artifacts={"package": package})
    tracker = MLflowTracker(place)
    tracker.start("run-7", "rides", {})
    tracker.record(an_evaluation(tmp_path / "evaluation", "# rides"))
    tracker.record(registered)
    page = pages(place)["rides"]
    assert page.data.tags[note] == "# rides, version 1"
    connection.connect(place).set_tag(page.info.run_id, note, "mine")
    tracker.record(registered)
    assert pages(place)["rides"].data.tags[note] == "mine"


def test_a_snapshot_says_its_source_and_what_it_is_taken_for(tmp_path: Path) -> None:
    source = {"source": {"python": "data:load"}, "key": ["ride"]}
    found = dataset_of("rides", a_snapshot(tmp_path, data=source, label={}))
    assert found is not None
    assert (found["name"], found["source_type"]) == ("rides/data:load", "code")
    assert json.loads(found["source"]) == {"tags": {"mlflow.source.name": "data:load"}}
    assert (found["context"], found["profile"]) == ("inference", '{"num_rows": 3}')
    # a step of the user's own that has outputs of these names
    assert dataset_of("rides", a_snapshot(tmp_path, data="mine")) is None
    gone = a_snapshot(tmp_path)
    (tmp_path / "tables" / "rows.parquet").unlink()
    without = dataset_of("rides", gone)
    assert without is not None
    assert json.loads(without["profile"]) == {"num_rows": 3, "unlabelled": "1 (late)"}


def test_a_long_model_card_is_cut_at_a_line_and_says_where_the_rest_is() -> None:
    card = "# rides\n\n" + "| a | line |\n" * 1000
    cut = shortened(card)
    kept, _, told = cut.partition("\n\n*Cut here: ")
    assert len(cut) <= LONGEST
    assert card.startswith(kept + "\n")
    assert "card.md" in told
    assert len(shortened("x" * 9000)) == LONGEST
    assert shortened("# rides\n") == "# rides\n"


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
