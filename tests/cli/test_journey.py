"""A project's whole way through the command line and the Python API, on the real pipeline."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mizzen as package

Mizzen = Callable[..., subprocess.CompletedProcess[str]]
Answer = Callable[..., Any]
ROW = {
    "order_id": "a1",
    "ordered_at": "2025-07-01T00:00:00Z",
    "price": 30,
    "items": 2,
    "discount": 0.1,
    "country": "SE",
    "category": "shoes",
}


@pytest.mark.slow
def test_train_serve_predict_label_and_train_again(
    answer: Answer, mizzen: Mizzen, shop: Path
) -> None:
    first = answer("run", cwd=shop)
    assert first["run"]["state"] == "succeeded"
    assert (first["version"], first["champion"]) == (1, 1)

    again = answer("run", cwd=shop)
    assert {step["state"] for step in again["steps"]} == {"cached"}
    assert again["version"] == 1

    refused = mizzen("run", "--set", "trainer.parameters.num_iterations=1", cwd=shop)
    assert refused.returncode == 0, refused.stderr
    assert "the gate refused the model" in refused.stdout
    assert answer("models", "list", cwd=shop)["champion"]["version"] == 1

    _serve(answer, mizzen, shop)
    _compare(shop)


def _serve(answer: Answer, mizzen: Mizzen, shop: Path) -> None:
    try:
        up = answer("up", cwd=shop)
        assert up["version"] == 1
        told = answer("predict", "--row", json.dumps(ROW), cwd=shop)
        prediction = told["predictions"][0]
        assert 0 <= prediction["output"]["probability"] <= 1
        refused = mizzen("predict", "--row", '{"price": "dear"}', cwd=shop)
        assert refused.returncode == 3, refused.stderr
        answer("labels", "add", prediction["prediction_id"], "1", cwd=shop)
        wrong = mizzen("labels", "add", prediction["prediction_id"], "maybe", cwd=shop)
        assert (wrong.returncode, "allowed: 0, 1" in wrong.stderr) == (3, True)
        assert answer("up", cwd=shop)["service"] == up["service"]
    finally:
        assert mizzen("down", cwd=shop).returncode == 0
    assert not answer("status", cwd=shop)["stack"]["running"]


def _compare(shop: Path) -> None:
    project = package.Project.open(shop)
    newest, *_, oldest = project.runs()
    found = project.compare(oldest.id, newest.id)
    assert found.description["trainer.parameters.num_iterations"] == (60, 1)
    assert found.figures["evaluate.value"][0] != found.figures["evaluate.value"][1]


@pytest.mark.slow
def test_a_detached_run_outlives_its_caller(answer: Answer, shop: Path) -> None:
    started = answer("run", "--detach", cwd=shop)["run"]
    run = package.Project.open(shop).run_info(started["id"])
    assert run.wait(240).check().version == 1
    assert package.Project.open(shop).champion() is not None


@pytest.mark.slow
def test_an_expectation_that_fails_stops_the_run_with_5(mizzen: Mizzen, shop: Path) -> None:
    file = shop / "mizzen.yaml"
    file.write_text(file.read_text().replace("max_value: 1000", "max_value: 20"))
    done = mizzen("run", cwd=shop)
    assert done.returncode == 5
    assert "in step validate" in done.stderr
    assert "mizzen runs logs" in done.stderr
    assert "train " not in done.stdout
