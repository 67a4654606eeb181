"""Registering is atomic: one visible, complete version, or none, whatever happens in between."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from mizzen.adapters.mlflow.pyfunc import open_package
from mizzen.adapters.mlflow.registry import MLflowRegistry
from mizzen.adapters.tables import read_table
from mizzen.control.workspace import open_workspace
from mizzen.core.manifest import DEPENDENCIES
from mizzen.core.place import Place
from mizzen.errors import IntegrityError, NotFound, TemporaryError
from mizzen.project import Project
from mizzen.state.records import Evaluation
from mizzen_tests import shop_records
from mizzen_tests.tiny_wheel import unpack, write_wheel

from .conftest import TORCH, Make, a_place, description, read_json, spec_of


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The least that a registry asks of a package."""
    folder = tmp_path / "package"
    (folder / "evaluation").mkdir(parents=True)
    (folder / "project.json").write_text(spec_of(description()).model_dump_json(by_alias=True))
    (folder / "model.txt").write_text("weights")
    (folder / "evaluation" / "metrics.json").write_text("{}")
    return folder


@pytest.fixture
def registry(place: Place) -> MLflowRegistry:
    return MLflowRegistry(place)


def register(registry: MLflowRegistry, package: Path, run: str = "run-1") -> int:
    return registry.register("rides", package, run, {"a": "b"}, {"auc": 0.1 + 0.2}, {"lr": 0.1})


def test_a_version_is_stored_with_tags_metrics_and_parameters(
    registry: MLflowRegistry, package: Path
) -> None:
    assert registry.versions("rides") == []
    assert register(registry, package) == 1
    found = registry.get("rides", 1)
    assert (found.version, found.run_id, found.tags["a"]) == (1, "run-1", "b")
    assert found.metrics == {"auc": 0.1 + 0.2}


def test_the_same_package_of_the_same_run_registers_once(
    registry: MLflowRegistry, package: Path
) -> None:
    assert register(registry, package) == register(registry, package) == 1
    assert register(registry, package, "run-2") == 2
    (package / "model.txt").write_text("other weights")
    assert register(registry, package) == 3
    assert [found.version for found in registry.versions("rides")] == [1, 2, 3]


def test_what_is_fetched_is_what_was_registered(
    registry: MLflowRegistry, package: Path, place: Place, tmp_path: Path
) -> None:
    register(registry, package)
    for into in (place.home / "packages", tmp_path / "elsewhere"):
        folder = registry.fetch("rides", 1, into)
        assert (folder / "model.txt").read_text() == "weights"
        assert (folder / "evaluation" / "metrics.json").exists()


def test_a_copy_that_was_changed_is_fetched_again(
    registry: MLflowRegistry, package: Path, place: Place
) -> None:
    register(registry, package)
    folder = registry.fetch("rides", 1, place.home / "packages")
    (folder / "model.txt").write_text("changed behind our back")
    folder = registry.fetch("rides", 1, place.home / "packages")
    assert (folder / "model.txt").read_text() == "weights"


def test_a_store_that_was_changed_is_an_error(
    registry: MLflowRegistry, package: Path, place: Place, tmp_path: Path
) -> None:
    register(registry, package)
    stored = next((place.home / "mlartifacts").rglob("model.txt"))
    stored.write_text("changed behind our back")
    with pytest.raises(IntegrityError, match=r"not what was registered"):
        registry.fetch("rides", 1, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere" / "rides" / "1").exists()


def test_a_loader_that_was_changed_is_an_error(
    registry: MLflowRegistry, package: Path, place: Place, tmp_path: Path
) -> None:
    register(registry, package)
    mlmodel = next((place.home / "mlartifacts").rglob("MLmodel"))
    text = mlmodel.read_text()
    mlmodel.write_text(text.replace("mizzen.adapters.mlflow.pyfunc", "antigravity"))
    with pytest.raises(IntegrityError, match=r"not what was registered\n.*MLmodel was changed"):
        registry.fetch("rides", 1, tmp_path / "elsewhere")
    mlmodel.unlink()
    with pytest.raises(IntegrityError, match=r"MLmodel"):
        registry.fetch("rides", 1, tmp_path / "elsewhere")
    mlmodel.write_text(text)
    assert not (registry.fetch("rides", 1, tmp_path / "elsewhere") / "MLmodel").exists()


def test_no_loader_can_be_put_beside_a_fetched_package_or_a_variant(
    registry: MLflowRegistry, package: Path, place: Place, tmp_path: Path
) -> None:
    register(registry, package)
    registry.add_variant("rides", 1, "onnx", package)
    variant = next((place.home / "mlartifacts").rglob("onnx"))
    (variant / "MLmodel").write_text("flavors: {python_function: {loader_module: antigravity}}")
    with pytest.raises(IntegrityError, match=r"not what was registered"):
        registry.fetch("rides", 1, tmp_path / "elsewhere", "onnx")
    copy = registry.fetch("rides", 1, place.home / "packages")
    (copy / "MLmodel").write_text("flavors: {}")
    assert not (registry.fetch("rides", 1, place.home / "packages") / "MLmodel").exists()


def test_a_package_that_is_gone_says_where_it_was_and_what_to_do(
    registry: MLflowRegistry, package: Path, place: Place, tmp_path: Path
) -> None:
    register(registry, package)
    shutil.rmtree(place.home / "mlartifacts")
    with pytest.raises(IntegrityError, match=r"rides version 1 is gone") as caught:
        registry.fetch("rides", 1, tmp_path / "elsewhere")
    assert "mlartifacts" in str(caught.value.given)
    assert "train again" in str(caught.value.next_step)


def test_a_moved_home_finds_its_packages_and_takes_new_ones(
    registry: MLflowRegistry, package: Path, place: Place, tmp_path: Path
) -> None:
    register(registry, package)
    home = tmp_path / "moved"
    place.home.rename(home)
    moved = MLflowRegistry(replace(place, home=home))
    (package / "model.txt").write_text("other weights")
    assert register(moved, package) == 2
    for version, weights in ((1, "weights"), (2, "other weights")):
        folder = moved.fetch("rides", version, tmp_path / "elsewhere")
        assert (folder / "model.txt").read_text() == weights
    assert not place.home.exists()


def test_a_copied_home_does_not_look_into_the_one_it_was_copied_from(
    registry: MLflowRegistry, package: Path, place: Place, tmp_path: Path
) -> None:
    register(registry, package)
    shutil.copytree(place.home, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "mlartifacts")
    with pytest.raises(IntegrityError, match=r"is gone"):
        MLflowRegistry(replace(place, home=tmp_path / "copy")).fetch("rides", 1, tmp_path / "to")


def test_aliases_move_and_go(registry: MLflowRegistry, package: Path) -> None:
    register(registry, package)
    register(registry, package, "run-2")
    for version in (1, 2, 2):
        registry.set_alias("rides", "champion", version)
        assert registry.get("rides", version).aliases == ("champion",)
        assert registry.alias("rides", "champion") == version
    assert registry.get("rides", 1).aliases == ()
    for _ in range(2):
        registry.set_alias("rides", "champion", None)
        assert registry.alias("rides", "champion") is None
    assert registry.get("rides", 2).aliases == ()


def test_a_version_that_does_not_exist_lists_the_known_ones(
    registry: MLflowRegistry, package: Path, tmp_path: Path
) -> None:
    register(registry, package)
    with pytest.raises(NotFound, match=r"no version 7(.|\n)*allowed: 1"):
        registry.get("rides", 7)
    with pytest.raises(NotFound, match=r"no version 7"):
        registry.fetch("rides", 7, tmp_path / "into")
    with pytest.raises(NotFound, match=r"no version 7"):
        registry.set_alias("rides", "champion", 7)


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond 8 MB: for a program, what a full disk looks like."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_makes_no_version_and_a_retry_makes_one(
    registry: MLflowRegistry, package: Path, place: Place, request: pytest.FixtureRequest
) -> None:
    with (package / "model.txt").open("wb") as file:
        file.truncate(12_000_000)
    request.getfixturevalue("small_disk")
    with pytest.raises(TemporaryError, match=r"no space to store the model"):
        register(registry, package)
    assert registry.versions("rides") == []
    assert not list((place.home / "mlartifacts").rglob("model.txt"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert register(registry, package) == 1


CHILD = """
import os, signal, sys
from pathlib import Path
from mizzen.adapters.mlflow import registry
from mizzen.core.place import Place

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2]:
    setattr(registry.MLflowRegistry if sys.argv[2].startswith("_u") else registry, sys.argv[2], die)
found = registry.MLflowRegistry(Place.from_environment(os.environ)).register(
    "rides", Path(sys.argv[1]), sys.argv[3], {}, {"auc": 0.5}, {"lr": 0.1})
print(found)
"""


def child(place: Place, package: Path, dies_in: str, run: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(package), dies_in, run],
        env={**os.environ, **place.to_environment()},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_a_kill_before_the_last_act_makes_no_version_and_a_retry_makes_one(
    registry: MLflowRegistry, package: Path, place: Place
) -> None:
    deaths = [child(place, package, moment, "run-1") for moment in ("_upload", "_create")]
    assert {process.wait(120) for process in deaths} == {-signal.SIGKILL}
    assert registry.versions("rides") == []
    assert register(registry, package) == 1
    assert len(registry.versions("rides")) == 1
    assert len(list((place.home / "mlartifacts").rglob("model.txt"))) == 1


@pytest.mark.slow
def test_two_runs_at_once_both_register_in_a_home_that_had_no_mlflow(
    package: Path, tmp_path: Path
) -> None:
    place = a_place(tmp_path / "fresh home")
    pair = [child(place, package, "", run) for run in ("run-1", "run-2")]
    versions = sorted(process.communicate(timeout=300)[0].strip() for process in pair)
    assert versions == ["1", "2"]


def test_a_registry_that_is_away_is_a_temporary_error(package: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}"
        registry = MLflowRegistry(a_place(tmp_path, tracking={"uri": uri}))
        with pytest.raises(TemporaryError, match=r"mizzen doctor"):
            register(registry, package)


def test_a_registered_model_says_where_it_comes_from(harness: Make) -> None:
    made = harness(trainer=TORCH)
    model = made.train()
    version = made.register(model, made.evaluate(model)[1])
    registry = MLflowRegistry(made.place)
    found, folder = registry.get("rides", version), made.folder / "package"
    assert found.tags["mizzen.data_version"] == "d" * 32
    assert found.tags["mizzen.feature_version"] == "f" * 16
    assert found.tags["mizzen.code"] == made.code
    assert found.tags["mizzen.git_dirty"] == "false"
    assert found.tags["mizzen.expectations"] == '{"checks": 1, "failed": 0}'
    assert found.tags["mizzen.weights_hash"] == read_json(model / "manifest.json")["weights_hash"]
    assert set(found.metrics) >= {"roc_auc", "roc_auc.low", "log_loss", "calibration_error"}
    for name in ("project.json", "bundle.tar", "baseline.json", "validation.json", "card.md"):
        assert (folder / name).is_file()
    assert (folder / "evaluation" / "plots" / "roc.png").is_file()
    assert "torch==" in (folder / "requirements.txt").read_text()
    assert "blessed: there is no champion yet" in (folder / "card.md").read_text()
    assert f"- data version: `{'d' * 32}`" in (folder / "card.md").read_text()
    assert not (folder / "evaluation" / "card.md").exists()


def test_a_project_loads_a_version_and_refuses_one_whose_loader_was_changed(
    harness: Make, tmp_path: Path
) -> None:
    made = harness()
    model = made.train()
    number = made.register(model, made.evaluate(model)[1])
    folder = made.place.home.parent
    (folder / "mizzen.yaml").write_text(yaml.safe_dump(made.document), encoding="utf-8")
    state = open_workspace(folder).state
    verdict = Evaluation("roc_auc", 0.8, None, True, "why")
    state.runs.add(shop_records.run("run-1", project="rides", evaluation=verdict), str(folder))
    state.models.register("rides", "run-1", number)
    project = Project.open(folder)
    rows = read_table(made.folder / "test.parquet")
    answers = project.load_model(number).predict(rows[["distance", "wind", "city"]])
    own = open_package(made.folder / "package").predict(rows)
    assert np.array_equal(answers, own)
    shutil.rmtree(made.place.home / "packages")
    mlmodel = next((made.place.home / "mlartifacts").rglob("MLmodel"))
    loader = "mizzen.adapters.mlflow.pyfunc"
    mlmodel.write_text(mlmodel.read_text().replace(loader, "antigravity"))
    with pytest.raises(IntegrityError, match=r"not what was registered\n.*MLmodel was changed"):
        project.load_model(number)


def test_a_registered_model_requires_the_packages_that_its_project_names(
    harness: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked = unpack(write_wheel(tmp_path / "wheels", "2.1.0"), tmp_path / "installed")
    monkeypatch.syspath_prepend(str(unpacked))
    monkeypatch.setenv(DEPENDENCIES, "tinyboost")
    made = harness()
    model = made.train()
    made.register(model, made.evaluate(model)[1])
    needed = (made.folder / "package" / "requirements.txt").read_text().splitlines()
    assert "tinyboost==2.1.0" in needed
    assert {line.partition("==")[0] for line in needed} >= {"lightgbm", "mizzen", "numpy"}


def test_mlflow_itself_loads_a_version_and_answers_as_we_do(harness: Make) -> None:
    import mlflow

    made = harness(trainer=TORCH)
    model = made.train()
    version = made.register(model, made.evaluate(model)[1])
    rows = read_table(made.folder / "test.parquet")
    loaded = mlflow.pyfunc.load_model(f"models:/rides/{version}")
    answers = loaded.predict(rows[["distance", "wind", "city"]])
    assert np.array_equal(answers, made.predict(rows, version)["probability"])
    weights = next(made.place.home.glob("mlartifacts/*/artifacts/model/encoder.json"))
    weights.write_text(weights.read_text() + " ")
    with pytest.raises(IntegrityError, match=r"not what was registered"):
        mlflow.pyfunc.load_model(f"models:/rides/{version}")
    pickled = [p for p in made.place.home.rglob("*") if p.suffix in {".pkl", ".pickle", ".pt"}]
    assert pickled == []
