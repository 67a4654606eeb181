"""Evaluation on held-out rows, and the verdict against the champion on the same rows."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from mizzen.adapters.tables import read_table
from mizzen.errors import InvalidData, InvalidProject
from mizzen.spec.reading import reading_of
from mizzen_components import snapshot
from mizzen_pipelines.sections import section

from .conftest import TORCH, Make, read_json, rides, spec_of

CASE = Path(__file__).parents[1] / "data" / "cases" / "one-row-flips-type"


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_first_model_is_measured_sliced_plotted_and_blessed(harness: Make, task: str) -> None:
    made = harness(task=task)
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


def test_a_better_model_replaces_its_champion_and_a_worse_one_is_held(harness: Make) -> None:
    made = harness(rides(4000))
    weak = made.train(parameters={"num_iterations": 1, "num_leaves": 2})
    version = made.register(weak, made.evaluate(weak)[1])
    strong = made.train(parameters={"num_iterations": 40})
    figures, folder = made.evaluate(strong, str(version))
    assert figures.blessed
    assert figures.value > figures.champion_value > 0.5
    assert read_json(folder / "metrics.json")["champion"] == version
    weaker = made.train(parameters={"num_iterations": 1, "num_leaves": 2, "learning_rate": 0.01})
    worse, folder = made.evaluate(weaker, str(version), evaluation={"metrics": ["log_loss"]})
    assert not worse.blessed
    assert read_json(folder / "verdict.json")["rule"] == "margin"
    card = (folder / "card.md").read_text()
    assert f"Gate: {worse.reason} (rule `margin`)." in card
    assert "| log_loss (lower is better) | " in card
    assert "data version" not in card


def test_one_more_row_that_looks_otherwise_changes_nothing_about_the_champions_measure(
    harness: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = yaml.safe_load((CASE / "mizzen.yaml").read_text(encoding="utf-8"))
    monkeypatch.setenv("MIZZEN_PROJECT_DIR", str(tmp_path))
    (tmp_path / "data").mkdir()

    def rows(file: str) -> pd.DataFrame:
        shutil.copy(CASE / file, tmp_path / "data" / "x.csv")
        spec, tables = spec_of(document), tmp_path / file
        sections = {name: section(getattr(spec, name)) for name in ("data", "label")}
        reading = section(reading_of(spec))
        window = {"source_digest": "", "start": "", "end": ""}
        snapshot.run(code="", **sections, reading=reading, **window, tables=tables)
        return read_table(tables / "rows.parquet")

    made = harness(rows("run1.csv"), **document)
    good = made.train()
    first, folder = made.evaluate(good)
    version = made.register(good, folder)
    made.split(rows("run2.csv"))
    worse, folder = made.evaluate(made.train(parameters={"num_iterations": 2}), str(version))
    assert first.value is not None
    assert first.value > 0.75
    assert worse.champion_value == pytest.approx(first.value, abs=0.01)
    assert not worse.blessed
    assert read_json(folder / "verdict.json")["rule"] == "margin"


def test_the_champion_answers_with_its_own_encoder_and_its_own_code(harness: Make) -> None:
    made = harness(trainer=TORCH)
    model = made.train()
    figures, folder = made.evaluate(model)
    version = made.register(model, folder)
    made.pack(model="def build(inputs):\n    raise RuntimeError('another day, other code')\n")
    made.document["features"] = {"columns": [{"name": "distance"}]}
    made.split(rides())
    lean = made.train(kind="lightgbm", model=None, parameters={})
    changed, _ = made.evaluate(lean, str(version))
    assert changed.champion_value == pytest.approx(figures.value)


def test_a_champion_whose_columns_are_gone_holds_the_candidate_whatever_the_floor(
    harness: Make,
) -> None:
    made = harness()
    model = made.train()
    version = made.register(model, made.evaluate(model)[1])
    made.document["features"] = {"columns": [{"name": "distance"}, {"name": "wind"}]}
    made.document["evaluation"] = {"metrics": ["roc_auc"]}
    made.split(rides().drop(columns="city"))
    lean = made.train()
    for gate in ({}, {"floor": 0.55}):
        figures, folder = made.evaluate(lean, str(version), gate=gate)
        assert not figures.blessed
        assert figures.registrable
        assert read_json(folder / "verdict.json")["rule"] == "champion_cannot_be_compared"
        assert "city" in figures.reason
        assert "--force" in figures.reason


def test_a_candidate_with_fewer_features_is_compared_with_its_champion_on_the_champions_own(
    harness: Make,
) -> None:
    made = harness()
    model = made.train()
    figures, folder = made.evaluate(model)
    version = made.register(model, folder)
    made.document["features"] = {"columns": [{"name": "distance"}]}
    made.split(rides())
    ablated, folder = made.evaluate(made.train(), str(version), gate={"floor": 0.55})
    assert not ablated.blessed
    assert read_json(folder / "verdict.json")["rule"] in {"margin", "no_harm"}
    assert ablated.champion_value == pytest.approx(figures.value)


def test_a_damaged_champion_holds_the_candidate_even_with_a_floor(harness: Make) -> None:
    made = harness()
    model = made.train()
    version = made.register(model, made.evaluate(model)[1])
    for package in made.place.home.rglob("model.txt"):
        package.write_text("tree\nversion=v4\n")
    other = made.train(parameters={"num_iterations": 5})
    figures, folder = made.evaluate(other, str(version), gate={"floor": 0.5})
    assert not figures.blessed
    assert read_json(folder / "verdict.json")["rule"] == "champion_cannot_be_compared"


def test_a_champion_that_was_never_registered_holds_the_candidate(harness: Make) -> None:
    made = harness()
    figures, _ = made.evaluate(made.train(), "12")
    assert not figures.blessed
    assert "no version 12" in figures.reason


def test_a_metric_that_is_not_defined_on_the_rows_is_null_and_holds(harness: Make) -> None:
    made = harness()
    model = made.train()
    test = made.folder / "test.parquet"
    frame = read_table(test)
    frame[frame["late"] == 1].to_parquet(test)
    figures, folder = made.evaluate(model)
    assert (figures.blessed, figures.value) == (False, None)
    auc = read_json(folder / "metrics.json")["metrics"]["roc_auc"]
    assert auc["value"] is None
    why = f"all {read_json(folder / 'metrics.json')['rows']} rows are of class '1'"
    assert auc["why"] == f"{why}, and it needs both classes"
    assert auc["why"] in figures.reason
    assert read_json(folder / "verdict.json")["rule"] == "not_a_number"


def test_a_slice_of_one_class_says_why_it_has_no_value(harness: Make) -> None:
    made = harness()
    model = made.train()
    test = made.folder / "test.parquet"
    frame = read_table(test)
    frame.loc[frame["city"] == "Lima", "late"] = 0
    frame.to_parquet(test)
    _, folder = made.evaluate(model)
    slices = {part["slice"]: part for part in read_json(folder / "metrics.json")["slices"]}
    assert slices["Lima"]["value"] is None
    assert "rows are of class '0', and it needs both classes" in slices["Lima"]["why"]
    assert "why" not in slices["Oslo"]


def test_the_same_model_under_another_evaluation_is_the_same_version(harness: Make) -> None:
    made = harness()
    model = made.train()
    version = made.register(model, made.evaluate(model)[1])
    other = {"metrics": ["log_loss"], "resamples": 150}
    figures, folder = made.evaluate(model, str(version), evaluation=other)
    assert (figures.blessed, figures.reason) == (True, f"same model as version {version}")
    assert read_json(folder / "verdict.json")["rule"] == "same_model"
    made.document["evaluation"] = other
    assert made.register(model, folder) == version
    kept = list(made.place.home.rglob("evaluations/run-1/metrics.json"))
    assert [read_json(file)["primary"] for file in kept] == ["log_loss"]


TIMED = {
    "data": {"source": {"path": "rides.csv"}, "key": ["ride"], "event_time": "at"},
    "split": {"by": "time", "test": "20d"},
}


def timed_rides(rows: int = 3000) -> pd.DataFrame:
    """Rides over 100 days."""
    at = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(np.arange(rows) * 100 / rows, "D")
    return rides(rows).assign(at=at)


@pytest.mark.parametrize(
    ("test", "champion_test", "fresh", "told"),
    [
        ("60d", "20d", 200, "measured on the 600 rows that neither model was trained on, without "),
        ("60d", "20d", 700, "was trained on 1200 of these 1800 rows, which favours it (roc_auc"),
        ("20d", "60d", 200, None),
        ("20d", "20d", 200, None),
    ],
)
def test_models_are_compared_on_rows_that_neither_was_trained_on_or_the_verdict_says_so(
    harness: Make, test: str, champion_test: str, fresh: int, told: str | None
) -> None:
    changes = {**TIMED, "split": {"by": "time", "test": champion_test}}
    made = harness(timed_rides(), **changes)
    first = made.train()
    version = made.register(first, made.evaluate(first)[1])
    made.document["split"] = {"by": "time", "test": test}
    made.split(timed_rides())
    second = made.train(parameters={"num_iterations": 31})
    figures, folder = made.evaluate(second, str(version), gate={"fresh_rows": fresh})
    document = read_json(folder / "metrics.json")
    if told is None:
        assert "trained on" not in figures.reason
        assert (document["left_out"], document["favoured"]) == (0, 0)
    else:
        assert told in figures.reason
        assert document["left_out"] + document["favoured"] == 1200
    assert document["rows"] == len(read_table(folder / "predictions.parquet"))


def test_a_run_that_ends_before_its_champion_is_told_how_the_champion_is_favoured(
    harness: Make,
) -> None:
    made = harness(timed_rides(), **TIMED)
    first = made.train()
    version = made.register(first, made.evaluate(first)[1])
    frame = timed_rides()
    made.split(frame[frame["at"] < pd.Timestamp("2025-03-01", tz="UTC")])
    figures, _ = made.evaluate(made.train(), str(version))
    assert f"version {version} was trained on all" in figures.reason


def test_a_larger_share_of_keys_is_compared_on_those_that_the_champion_never_saw(
    harness: Make,
) -> None:
    made = harness(rides(3000))
    first = made.train()
    version = made.register(first, made.evaluate(first)[1])
    count = len(read_table(made.folder / "test.parquet"))
    made.document["split"] = {"by": "key", "test": 0.6}
    made.split(rides(3000))
    figures, folder = made.evaluate(made.train(), str(version))
    assert f"measured on the {count} rows that neither model was trained on" in figures.reason
    assert read_json(folder / "metrics.json")["rows"] == count


def test_rows_of_a_class_that_training_never_saw_are_counted(harness: Make) -> None:
    made = harness(task="multiclass")
    model = made.train()
    test = made.folder / "test.parquet"
    frame = read_table(test)
    frame.loc[:4, "grade"] = "unheard of"
    frame.to_parquet(test)
    document = read_json(made.evaluate(model)[1] / "metrics.json")
    assert (document["unseen_labels"], document["rows"]) == (5, len(frame) - 5)


def test_numbers_with_many_values_are_sliced_into_quarters(harness: Make) -> None:
    made = harness(evaluation={"metrics": ["roc_auc"], "slices": ["distance", "wind"]})
    _, folder = made.evaluate(made.train())
    slices = read_json(folder / "metrics.json")["slices"]
    assert len([part for part in slices if part["column"] == "distance"]) == 4
    assert "(null)" in {part["slice"] for part in slices if part["column"] == "wind"}


def test_the_same_rows_and_seed_give_the_same_evaluation(harness: Make) -> None:
    made = harness()
    model = made.train()
    first, second = (made.evaluate(model)[1] / "metrics.json" for _ in range(2))
    assert first.read_bytes() == second.read_bytes()


def test_an_unknown_metric_lists_the_known_ones(harness: Make) -> None:
    made = harness(evaluation={"metrics": ["auc_roc"]})
    with pytest.raises(InvalidProject, match=r"roc_auc.*log_loss"):
        made.evaluate(made.train())


def test_an_unknown_slice_column_is_named(harness: Make) -> None:
    made = harness(evaluation={"metrics": ["roc_auc"], "slices": ["town"]})
    with pytest.raises(InvalidData, match=r"evaluation\.slices names 'town'"):
        made.evaluate(made.train())


def test_predictions_of_a_batch_equal_those_of_the_evaluation(harness: Make) -> None:
    made = harness(trainer=TORCH)
    model = made.train()
    _, folder = made.evaluate(model)
    version = made.register(model, folder)
    answers = made.predict(read_table(made.folder / "test.parquet"), version)
    scored = read_table(folder / "predictions.parquet")
    assert answers["ride"].tolist() == scored["ride"].tolist()
    assert np.array_equal(answers["probability"], scored["probability"])
