"""Evaluation on held-out rows, and the verdict against the champion on the same rows."""

from __future__ import annotations

import numpy as np
import pytest

from mizzen.adapters.tables import read_table
from mizzen.errors import InvalidData, InvalidProject

from .conftest import TORCH, Make, read_json, rides


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_first_model_is_measured_sliced_plotted_and_blessed(bench: Make, task: str) -> None:
    made = bench(task=task)
    figures, folder = made.evaluate(made.train())
    document = read_json(folder / "metrics.json")
    primary = document["metrics"][figures.metric]
    assert figures.blessed
    assert figures.champion_value is None
    assert primary["low"] < primary["value"] < primary["high"]
    assert {part["slice"] for part in document["slices"]} == {"Oslo", "Rome", "Lima"}
    assert sum(part["rows"] for part in document["slices"]) == document["rows"]
    assert (document["calibration"] is not None) == (task == "binary")
    plots = {"binary": {"roc", "calibration"}, "multiclass": {"confusion"}}
    drawn = {path.stem for path in (folder / "plots").iterdir()}
    assert drawn == plots.get(task, {"residuals"}) | {"slices"}
    scores = read_table(folder / "predictions.parquet")
    assert scores["ride"].tolist() == read_table(made.folder / "test.parquet")["ride"].tolist()


def test_a_better_model_replaces_its_champion_and_a_worse_one_is_held(bench: Make) -> None:
    made = bench(rides(4000))
    weak = made.train(parameters={"num_iterations": 1, "num_leaves": 2})
    version = made.register(weak, made.evaluate(weak)[1])
    strong = made.train(parameters={"num_iterations": 40})
    figures, folder = made.evaluate(strong, str(version))
    assert figures.blessed
    assert figures.value > figures.champion_value > 0.5
    assert read_json(folder / "metrics.json")["champion"] == version
    worse, folder = made.evaluate(weak, str(version))
    assert not worse.blessed
    assert read_json(folder / "verdict.json")["rule"] == "margin"


def test_the_champion_answers_with_its_own_encoder_and_its_own_code(bench: Make) -> None:
    made = bench(trainer=TORCH)
    model = made.train()
    figures, folder = made.evaluate(model)
    version = made.register(model, folder)
    made.pack(model="def build(inputs):\n    raise RuntimeError('another day, other code')\n")
    made.document["features"] = {"columns": [{"name": "distance"}]}
    made.split(rides())
    lean = made.train(kind="lightgbm", model=None, parameters={})
    changed, _ = made.evaluate(lean, str(version))
    assert changed.champion_value == pytest.approx(figures.value)


def test_a_champion_whose_columns_are_gone_holds_the_candidate_unless_a_floor_decides(
    bench: Make,
) -> None:
    made = bench()
    model = made.train()
    version = made.register(model, made.evaluate(model)[1])
    made.document["features"] = {"columns": [{"name": "distance"}, {"name": "wind"}]}
    made.document["evaluation"] = {"metrics": ["roc_auc"]}
    made.split(rides().drop(columns="city"))
    lean = made.train()
    figures, folder = made.evaluate(lean, str(version))
    assert not figures.blessed
    assert read_json(folder / "verdict.json")["rule"] == "champion_cannot_be_loaded"
    assert "city" in figures.reason
    assert made.evaluate(lean, str(version), gate={"floor": 0.55})[0].blessed
    assert not made.evaluate(lean, str(version), gate={"floor": 0.999})[0].blessed


def test_a_damaged_champion_holds_the_candidate_even_with_a_floor(bench: Make) -> None:
    made = bench()
    model = made.train()
    version = made.register(model, made.evaluate(model)[1])
    for package in made.place.home.rglob("model.txt"):
        package.write_text("tree\nversion=v4\n")
    figures, folder = made.evaluate(model, str(version), gate={"floor": 0.5})
    assert not figures.blessed
    assert read_json(folder / "verdict.json")["rule"] == "champion_cannot_be_loaded"


def test_a_champion_that_was_never_registered_holds_the_candidate(bench: Make) -> None:
    made = bench()
    figures, _ = made.evaluate(made.train(), "12")
    assert not figures.blessed
    assert "no version 12" in figures.reason


def test_a_metric_that_is_not_defined_on_the_rows_is_null_and_holds(bench: Make) -> None:
    made = bench()
    model = made.train()
    test = made.folder / "test.parquet"
    frame = read_table(test)
    frame[frame["late"] == 1].to_parquet(test)
    figures, folder = made.evaluate(model)
    assert (figures.blessed, figures.value) == (False, 0.0)
    assert read_json(folder / "metrics.json")["metrics"]["roc_auc"]["value"] is None
    assert read_json(folder / "verdict.json")["rule"] == "not_a_number"


def test_rows_of_a_class_that_training_never_saw_are_counted(bench: Make) -> None:
    made = bench(task="multiclass")
    model = made.train()
    test = made.folder / "test.parquet"
    frame = read_table(test)
    frame.loc[:4, "grade"] = "unheard of"
    frame.to_parquet(test)
    document = read_json(made.evaluate(model)[1] / "metrics.json")
    assert (document["unseen_labels"], document["rows"]) == (5, len(frame) - 5)


def test_numbers_with_many_values_are_sliced_into_quarters(bench: Make) -> None:
    made = bench(evaluation={"metrics": ["roc_auc"], "slices": ["distance", "wind"]})
    _, folder = made.evaluate(made.train())
    slices = read_json(folder / "metrics.json")["slices"]
    assert len([part for part in slices if part["column"] == "distance"]) == 4
    assert "(null)" in {part["slice"] for part in slices if part["column"] == "wind"}


def test_the_same_rows_and_seed_give_the_same_evaluation(bench: Make) -> None:
    made = bench()
    model = made.train()
    first, second = (made.evaluate(model)[1] / "metrics.json" for _ in range(2))
    assert first.read_bytes() == second.read_bytes()


def test_an_unknown_metric_lists_the_known_ones(bench: Make) -> None:
    made = bench(evaluation={"metrics": ["auc_roc"]})
    with pytest.raises(InvalidProject, match=r"roc_auc.*log_loss"):
        made.evaluate(made.train())


def test_an_unknown_slice_column_is_named(bench: Make) -> None:
    made = bench(evaluation={"metrics": ["roc_auc"], "slices": ["town"]})
    with pytest.raises(InvalidData, match="town"):
        made.evaluate(made.train())


def test_predictions_of_a_batch_equal_those_of_the_evaluation(bench: Make) -> None:
    made = bench(trainer=TORCH)
    model = made.train()
    _, folder = made.evaluate(model)
    version = made.register(model, folder)
    answers = made.predict(read_table(made.folder / "test.parquet"), version)
    scored = read_table(folder / "predictions.parquet")
    assert answers["ride"].tolist() == scored["ride"].tolist()
    assert np.array_equal(answers["probability"], scored["probability"])
