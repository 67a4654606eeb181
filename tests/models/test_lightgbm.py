"""LightGBM models: its own parameters, checked; the same weights for the same inputs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest

from mizzen.adapters.files.model_folder import read_manifest
from mizzen.adapters.lightgbm.by_feature import BY_FEATURE
from mizzen.adapters.lightgbm.framework import LightGBMFramework
from mizzen.adapters.lightgbm.parameters import (
    ONE_VALUE,
    SET_BY_US,
    WITHOUT_EFFECT,
    known_names,
)
from mizzen.adapters.lightgbm.trees import Trees
from mizzen.core.encoding import Encoder, fit_category, fit_number
from mizzen.core.metrics import find_metric
from mizzen.core.place import Place
from mizzen.errors import IntegrityError, InvalidData, InvalidProject
from mizzen.ports.framework import TrainingJob
from mizzen.spec.training import Trainer

from .conftest import Make, answers_of, describe_fitted, rides

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
    describe_fitted(made, tmp_path)
    answers = framework.load(tmp_path, None, {}).predict(made.rows)
    if task == "multiclass":
        assert np.allclose(answers.sum(1), 1)
        assert (answers.argmax(1) == made.labels).mean() > 0.7
    else:
        assert np.corrcoef(answers, made.labels)[0, 1] > 0.7


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("rows", [1, 2, 17, 1024, 1025])
def test_a_few_rows_are_answered_as_the_library_answers_them_bit_by_bit(
    boosters: Callable[[str], lightgbm.Booster], task: str, rows: int
) -> None:
    booster = boosters(task)
    given = np.random.default_rng(3).normal(size=(rows, 3)) * 100
    given[::5, 0] = np.nan
    answers = Trees(booster, 1).predict(given)
    assert answers.tobytes() == booster.predict(given, num_threads=1).tobytes()
    assert answers.shape == booster.predict(given).shape


def test_rows_of_another_width_are_refused_as_the_library_refuses_them(
    boosters: Callable[[str], lightgbm.Booster],
) -> None:
    with pytest.raises(lightgbm.basic.LightGBMError, match="number of features"):
        Trees(boosters("binary"), 1).predict(np.zeros((1, 2)))


@pytest.fixture
def boosters(
    framework: LightGBMFramework, job: Job, tmp_path: Path
) -> Callable[[str], lightgbm.Booster]:
    def fitted(task: str) -> lightgbm.Booster:
        framework.fit(job({"kind": "lightgbm"}, task), tmp_path)
        return lightgbm.Booster(model_file=tmp_path / "model.txt")

    return fitted


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
    describe_fitted(made, tmp_path)
    (tmp_path / "model.txt").write_text("no trees here")
    with pytest.raises(IntegrityError, match=r"holds no LightGBM model"):
        framework.load(tmp_path, None, {})


COLUMNS = {
    "city": {"name": "city", "kind": "category"},
    "distance": {"name": "distance"},
    "kind": {"name": "kind", "kind": "category"},
    "wind": {"name": "wind"},
}
ORDERS = [
    ("city", "distance", "kind", "wind"),
    ("wind", "kind", "city", "distance"),
    ("distance", "wind", "city", "kind"),
    ("kind", "wind", "distance"),
]


def rises(predictor: Any, encoder: Encoder, feature: str) -> float:
    """The least step of the answers along one feature, everything else held, over many rows."""
    rng = np.random.default_rng(1)
    low, high = next((c.low, c.high) for c in encoder.numbers if c.name == feature)
    steps = []
    for _ in range(30):
        columns = {c.name: np.full(60, rng.uniform(c.low, c.high)) for c in encoder.numbers}
        for category in encoder.categories:
            columns[category.name] = np.full(60, rng.choice(category.categories), dtype=object)
        columns[feature] = np.linspace(low, high, 60)
        steps.append(np.diff(predictor.predict(encoder.encode(columns))))
    return float(np.min(steps))


def wavy(rows: int = 1500) -> pd.DataFrame:
    """A label that rises and falls along both numbers."""
    rng = np.random.default_rng(0)
    frame = rides(rows)
    frame["kind"] = rng.choice(["a", "b", "c"], rows)
    frame["wind"] = rng.normal(0, 1, rows)
    waves = 3 * np.sin(2 * frame["wind"]) + 3 * np.sin(frame["distance"])
    frame["delay"] = waves + 2 * (frame["city"] == "Rome") + rng.normal(0, 0.1, rows)
    return frame


@pytest.mark.parametrize("form", ["list", "mapping", "text"])
@pytest.mark.parametrize("alias", ["monotone_constraints", "mc"])
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_a_monotone_constraint_holds_on_the_feature_that_it_names(
    place: Place, tmp_path: Path, order: tuple[str, ...], form: str, alias: str
) -> None:
    frame = wavy()
    numbers = [n for n in order if COLUMNS[n].get("kind") is None]
    names = [n for n in order if n not in numbers]
    encoder = Encoder(
        tuple(fit_number(name, frame[name].to_numpy()) for name in numbers),
        tuple(fit_category(name, frame[name].to_numpy()) for name in names),
    )
    rows = encoder.encode({name: frame[name].to_numpy() for name in encoder.columns})
    signs = [1 if name == "wind" else 0 for name in order]
    given: dict[str, Any] = {
        "list": signs,
        "mapping": {"wind": 1},
        "text": ",".join(map(str, signs)),
    }
    trainer = Trainer(kind="lightgbm", parameters={alias: given[form], "num_iterations": 40})
    labels = frame["delay"].to_numpy()
    made = TrainingJob("regression", trainer, encoder, rows, labels, tmp_path, tmp_path, order)
    framework = LightGBMFramework(place)
    framework.fit(made, tmp_path)
    describe_fitted(made, tmp_path)
    predictor = framework.load(tmp_path, None, {})
    assert rises(predictor, encoder, "wind") >= -1e-12
    assert rises(predictor, encoder, "distance") < -0.1


def test_a_constraint_of_a_described_project_holds_on_its_feature(harness: Make) -> None:
    columns = [{"name": "city", "kind": "category"}, {"name": "distance"}, {"name": "wind"}]
    made = harness(wavy(), task="regression", features={"columns": columns})
    model = made.train(parameters={"monotone_constraints": [0, 0, 1], "num_iterations": 40})
    _, encoder = read_manifest(model)
    predictor = LightGBMFramework(made.place).load(model, None, {})
    assert rises(predictor, encoder, "wind") >= -1e-12
    assert rises(predictor, encoder, "distance") < -0.1


def used(folder: Path, feature: str) -> bool:
    text = (folder / "model.txt").read_text()
    return re.search(rf"^{feature}=\d+$", text, flags=re.M) is not None


def test_other_parameters_by_feature_go_by_name_too(
    framework: LightGBMFramework, job: Job, tmp_path: Path
) -> None:
    for parameters in (
        {"feature_contri": {"wind": 0.0}},
        {"fc": {"wind": 0}},
        {"feature_penalty": [1.0, 0.0, 1.0]},
        {"interaction_constraints": [["distance", "city"]]},
        {"interaction_constraints": [[0, 2]]},
        {"interaction_constraints": "[0, 2]"},
        {"cegb_penalty_feature_coupled": {"wind": 1e9}},
    ):
        framework.fit(job({"kind": "lightgbm", "parameters": parameters}), tmp_path)
        assert not used(tmp_path, "wind"), parameters
        assert used(tmp_path, "distance"), parameters
    parameters = {"max_bin_by_feature": {"wind": 2}}
    framework.fit(job({"kind": "lightgbm", "parameters": parameters}), tmp_path)
    text = (tmp_path / "model.txt").read_text()
    numbers = {n: set() for n in ("0", "1")}
    for features, thresholds in zip(
        re.findall(r"^split_feature=(.*)$", text, flags=re.M),
        re.findall(r"^threshold=(.*)$", text, flags=re.M),
        strict=True,
    ):
        for feature, threshold in zip(features.split(), thresholds.split(), strict=True):
            numbers.setdefault(feature, set()).add(threshold)
    assert len(numbers["1"]) <= 2
    assert len(numbers["0"]) > 20


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"monotone_constraints": [1, 0]}, r"2 values(.|\n)*distance, wind, city"),
        ({"monotone_constraint": {"winds": 1}}, r"'winds', which is no feature(.|\n)*'wind'"),
        ({"mc": {"city": 1}}, r"'city' cannot be 1(.|\n)*no order"),
        ({"monotone_constraints": [2, 0, 0]}, r"cannot be 2"),
        ({"monotone_constraints": "up,down"}, r"no list"),
        ({"max_bin_by_feature": [1, 5, 5]}, r"cannot be 1"),
        ({"feature_contrib": [-1, 1, 1]}, r"cannot be -1"),
        ({"interaction_constraints": ["wind"]}, r"no list of lists"),
        ({"interaction_constraints": [["wnd"]]}, r"'wnd', which is no feature"),
        ({"weight_column": "name:w"}, r"has no effect(.|\n)*no weights"),
        ({"weight": 0}, r"has no effect"),
        ({"label": "name:y"}, r"use label.column"),
        ({"ignore_feature": "name:wind"}, r"leave the column out"),
        ({"forcedsplits_filename": "absent.json"}, r"neither in its bundle"),
        ({"fs": "absent.json"}, r"neither in its bundle"),
        ({"forcedbins_filename": "absent.json"}, r"neither in its bundle"),
        ({"categorical_feature": [0]}, r"`kind: category`"),
        ({"cat_column": "name:city"}, r"`kind: category`"),
        ({"deterministic": False}, r"always on"),
        ({"verbose": 1}, r"always -1"),
        ({"num_machines": 2}, r"one machine"),
        ({"device": "gpu"}, r"cannot be 'gpu'(.|\n)*CPU"),
        ({"tree_learner": "voting"}, r"one machine"),
        ({"bagging_fraction": 0.5}, r"needs bagging_freq"),
        ({"subsample_freq": 1}, r"needs bagging_fraction"),
        ({"tweedie_variance_power": 1.5}, r"needs objective: tweedie"),
        ({"drop_rate": 0.5}, r"needs boosting: dart"),
        ({"eta": 0.1, "learning_rate": 0.2}, r"given twice"),
        ({"num_leaves": None}, r"has no value"),
        ({"predict_contrib": True}, r"own predictions"),
    ],
    ids=str,
)
def test_what_would_have_no_effect_or_another_one_is_refused(
    framework: LightGBMFramework, job: Job, tmp_path: Path, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidProject, match=message):
        framework.fit(job({"kind": "lightgbm", "parameters": parameters}), tmp_path)


PASSED_ON = """
    bagging_fraction bagging_freq bagging_seed bin_construct_sample_cnt boost_from_average boosting
    cat_l2 cat_smooth cegb_penalty_split cegb_tradeoff data_random_seed data_sample_strategy
    drop_rate drop_seed enable_bundle extra_seed extra_trees fair_c feature_fraction
    feature_fraction_bynode feature_fraction_seed feature_pre_filter histogram_pool_size
    is_enable_sparse is_unbalance lambda_l1 lambda_l2 learning_rate linear_lambda linear_tree
    max_bin max_cat_threshold max_cat_to_onehot max_delta_step max_depth max_drop min_data_in_bin
    min_data_in_leaf min_data_per_group min_gain_to_split min_sum_hessian_in_leaf
    monotone_constraints_method monotone_penalty neg_bagging_fraction num_grad_quant_bins
    num_iterations num_leaves objective other_rate path_smooth poisson_max_delta_step
    pos_bagging_fraction quant_train_renew_leaf reg_sqrt scale_pos_weight sigmoid skip_drop
    stochastic_rounding top_rate tweedie_variance_power uniform_drop use_missing
    use_quantized_grad xgboost_dart_mode zero_as_missing alpha
"""


def test_every_parameter_of_the_installed_lightgbm_is_looked_at() -> None:
    judged = {*SET_BY_US, *WITHOUT_EFFECT, *ONE_VALUE, *BY_FEATURE, *PASSED_ON.split()}
    assert set(known_names().values()) - judged == set()


def test_zero_as_missing_sees_real_zeros(
    framework: LightGBMFramework, job: Job, tmp_path: Path
) -> None:
    def answers(folder: Path, at: float, **parameters: Any) -> Any:
        rng = np.random.default_rng(0)
        values = rng.integers(-3, 4, 2000).astype(float)
        labels = (values == at).astype(float)
        encoder = Encoder((fit_number("x", values),), (), ("0", "1"))
        trainer = Trainer(kind="lightgbm", parameters={"num_iterations": 50, **parameters})
        rows = encoder.encode({"x": values})
        made = TrainingJob("binary", trainer, encoder, rows, labels, folder, folder)
        folder.mkdir()
        framework.fit(made, folder)
        describe_fitted(made, folder)
        asked = encoder.encode({"x": np.array([0.0, np.nan, 2.0])})
        return framework.load(folder, None, {}).predict(asked)

    zero, null, two = answers(tmp_path / "zero", 0.0, zero_as_missing=True)
    assert zero == null
    assert zero > 0.9
    assert two < 0.1
    zero, null, two = answers(tmp_path / "plain", 2.0)
    assert two > 0.9
    assert zero < 0.1


@pytest.mark.parametrize("size", [1e-300, 1e-40, 1.0, 1e200, 1e305])
def test_trees_tell_numbers_of_any_size_apart(
    framework: LightGBMFramework, tmp_path: Path, size: float
) -> None:
    values = np.random.default_rng(0).random(1500) * size
    labels = (values > 0.5 * size).astype(float)
    encoder = Encoder((fit_number("x", values),), (), ("0", "1"))
    trainer = Trainer(kind="lightgbm", parameters={"num_iterations": 30})
    rows = encoder.encode({"x": values})
    made = TrainingJob("binary", trainer, encoder, rows, labels, tmp_path, tmp_path)
    answers = answers_of(framework, made, tmp_path)
    assert find_metric("roc_auc", "binary").value(labels, answers) > 0.999


@pytest.mark.parametrize(
    ("shift", "scale"), [(1.7e9, 1.0), (-1e15, 1.0), (0.0, 1e200), (0.0, 1e-200), (1e300, 1e290)]
)
@pytest.mark.parametrize("objective", ["regression", "mae", "quantile"])
def test_a_target_far_from_zero_or_of_any_size_is_learnt_as_well(
    framework: LightGBMFramework,
    job: Job,
    tmp_path: Path,
    shift: float,
    scale: float,
    objective: str,
) -> None:
    parameters = {"objective": objective, "num_iterations": 60}
    plain = job({"kind": "lightgbm", "parameters": parameters}, "regression")
    (tmp_path / "plain").mkdir()
    usual = answers_of(framework, plain, tmp_path / "plain") - plain.labels
    far = replace(plain, labels=shift + scale * plain.labels)
    (tmp_path / "far").mkdir()
    answers = (answers_of(framework, far, tmp_path / "far") - far.labels) / scale
    assert np.sqrt((answers**2).mean()) < 1.2 * np.sqrt((usual**2).mean())


def test_a_target_that_an_objective_cannot_learn_is_refused(
    framework: LightGBMFramework, job: Job, tmp_path: Path
) -> None:
    made = job({"kind": "lightgbm", "parameters": {"objective": "poisson"}}, "regression")
    with pytest.raises(InvalidData, match=r"float32, which loses these"):
        framework.fit(replace(made, labels=made.labels - made.labels.min() + 1.7e9), tmp_path)


def test_columns_may_have_any_name(framework: LightGBMFramework, tmp_path: Path) -> None:
    names = ["a b", "a_b", '금액 "{x}"', "a:b,[c]"]
    values = np.random.default_rng(0).random((500, 4))
    encoder = Encoder(tuple(fit_number(n, values[:, i]) for i, n in enumerate(names)), ())
    rows = encoder.encode({n: values[:, i] for i, n in enumerate(names)})
    trainer = Trainer(kind="lightgbm", parameters={"monotone_constraints": {"a b": 1}})
    made = TrainingJob("regression", trainer, encoder, rows, values.sum(1), tmp_path, tmp_path)
    assert np.corrcoef(answers_of(framework, made, tmp_path), values.sum(1))[0, 1] > 0.9
