"""The same registry and tracker over HTTP, against a real MLflow server."""

from __future__ import annotations

from pathlib import Path

import pytest

from mizzen.adapters.mlflow import connection
from mizzen.adapters.mlflow.registry import MLflowRegistry
from mizzen.adapters.mlflow.tracker import MLflowTracker
from mizzen.core.place import Place

from .conftest import description, spec_of
from .test_tracker import a_snapshot, an_evaluation

pytestmark = pytest.mark.slow


def test_a_version_registers_once_is_fetched_bit_equal_and_gets_its_alias(
    remote: Place, tmp_path: Path
) -> None:
    package = tmp_path / "package"
    (package / "evaluation").mkdir(parents=True)
    (package / "project.json").write_text(spec_of(description()).model_dump_json(by_alias=True))
    (package / "evaluation" / "metrics.json").write_text("{}")
    tracker = MLflowTracker(remote)
    tracker.start("run-7", "rides training", {"end": ""})
    for _ in range(2):
        tracker.record(a_snapshot(tmp_path))
        tracker.record(an_evaluation(tmp_path / "evaluation", "# rides"))
    registry, name = MLflowRegistry(remote), remote.project
    for _ in range(2):
        assert registry.register(name, package, "run-7", {"a": "b"}, {"auc": 0.5}, {}) == 1
    folder = registry.fetch(name, 1, tmp_path / "elsewhere")
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {"project.json", "evaluation/metrics.json"}
    assert registry.alias(name, "champion") is registry.alias("nobody", "champion") is None
    registry.set_alias(name, "champion", 1)
    assert registry.alias(name, "champion") == 1
    found = registry.get(name, 1)
    assert (found.aliases, found.metrics, found.tags["a"]) == (("champion",), {"auc": 0.5}, "b")
    client = connection.connect(remote)
    runs = client.search_runs([connection.experiment(client, remote)])
    page = {run.info.run_name: run for run in runs}
    assert set(page) == {"rides training", "snapshot", "evaluate", "model"}
    (given,) = page["rides training"].inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.digest) == (f"{name}/rides.csv", "d" * 32)
    assert page["rides training"].data.tags["mlflow.note.content"] == "# rides"
    assert not list((remote.home / "tracking").glob("*.json"))
