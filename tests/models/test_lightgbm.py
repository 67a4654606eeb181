"""LightGBM models: its own parameters, checked; the same weights for the same inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mizzen.adapters.lightgbm.framework import LightGBMFramework
from mizzen.core.place import Place
from mizzen.errors import IntegrityError, InvalidProject
from mizzen.ports.framework import TrainingJob

from .conftest import write_manifest

Job = Callable[..., TrainingJob]


@pytest.fixture
def framework(place: Place) -> LightGBMFramework:
    return LightGBMFramework(place)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_model_learns_and_answers_as_its_task_promises(
    framework: LightGBMFramework, job: Job, tmp_path: Path, task: str
) -> None:
    made = job({"kind": "lightgbm"}, task)
    framework.fit(made, tmp_path)
    write_manifest(made, tmp_path)
    answers = framework.load(tmp_path, None, {}).predict(made.rows)
    if task == "multiclass":
        assert np.allclose(answers.sum(1), 1)
        assert (answers.argmax(1) == made.labels).mean() > 0.7
    else:
        assert np.corrcoef(answers, made.labels)[0, 1] > 0.7


def test_the_number_of_threads_changes_neither_trees_nor_hash(
    framework: LightGBMFramework, job: Job, tmp_path: Path
) -> None:
    hashes = {
        framework.fit(job({"kind": "lightgbm", "resources": {"cpu": cpu}}), tmp_path).weights_hash
        for cpu in (1, 2, 1)
    }
    assert len(hashes) == 1


def test_categories_are_split_as_categories_and_nulls_as_nulls(
    framework: LightGBMFramework, job: Job, tmp_path: Path
) -> None:
    made = job({"kind": "lightgbm"})
    framework.fit(made, tmp_path)
    text = (tmp_path / "model.txt").read_text()
    assert "feature_names=distance wind city" in text
    assert any(line.startswith("num_cat=") and line != "num_cat=0" for line in text.splitlines())


def test_aliases_of_parameters_mean_the_same(
    framework: LightGBMFramework, job: Job, tmp_path: Path
) -> None:
    one = job({"kind": "lightgbm", "parameters": {"num_iterations": 5, "learning_rate": 0.2}})
    other = job({"kind": "lightgbm", "parameters": {"n_estimators": 5, "eta": 0.2}})
    assert framework.fit(one, tmp_path).figures["rounds"] == 5
    assert framework.fit(one, tmp_path).weights_hash == framework.fit(other, tmp_path).weights_hash


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"num_leafs": 3}, r"unknown parameter 'num_leafs'(.|\n)*num_leaves"),
        ({"n_jobs": 3}, r"'n_jobs' is set by the platform(.|\n)*trainer.resources.cpu"),
        ({"random_state": 3}, r"use trainer.seed"),
        ({"early_stopping_rounds": 3}, r"num_iterations"),
        ({"objective": "poisson"}, r"does not predict probabilities"),
        ({"num_iterations": 0}, r"whole number above 0"),
    ],
)
def test_a_parameter_that_cannot_be_set_is_told(
    framework: LightGBMFramework,
    job: Job,
    tmp_path: Path,
    parameters: dict[str, object],
    message: str,
) -> None:
    with pytest.raises(InvalidProject, match=message):
        framework.fit(job({"kind": "lightgbm", "parameters": parameters}), tmp_path)


def test_a_damaged_model_is_refused(framework: LightGBMFramework, job: Job, tmp_path: Path) -> None:
    made = job({"kind": "lightgbm"})
    framework.fit(made, tmp_path)
    write_manifest(made, tmp_path)
    (tmp_path / "model.txt").write_text("no trees here")
    with pytest.raises(IntegrityError, match=r"holds no LightGBM model"):
        framework.load(tmp_path, None, {})
