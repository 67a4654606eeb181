"""The same registry and tracker over HTTP, against a real MLflow server."""

from __future__ import annotations

from pathlib import Path

import pytest

from mizzen.adapters.mlflow import connection
from mizzen.adapters.mlflow.registry import MLflowRegistry
from mizzen.adapters.mlflow.tracker import MLflowTracker
from mizzen.core.place import Place

from .conftest import description, spec_of

pytestmark = pytest.mark.slow


def test_a_version_registers_once_is_fetched_bit_equal_and_gets_its_alias(
    remote: Place, tmp_path: Path
) -> None:
    package = tmp_path / "package"
    (package / "evaluation").mkdir(parents=True)
    (package / "project.json").write_text(spec_of(description()).model_dump_json(by_alias=True))
    (package / "evaluation" / "metrics.json").write_text("{}")
    tracker = MLflowTracker(remote)
    tracker.start("run-1", "rides training", {"end": ""})
    registry, name = MLflowRegistry(remote), remote.project
    for _ in range(2):
        assert registry.register(name, package, "run-1", {"a": "b"}, {"auc": 0.5}, {}) == 1
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
    assert {run.info.run_name for run in runs} == {"rides training", "model"}
    assert not list((remote.home / "tracking").glob("*.json"))
