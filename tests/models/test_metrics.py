"""Metrics equal their definitions, ties and all; intervals hold what they promise."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from mizzen.core.bootstrap import compare, interval
from mizzen.core.calibration import calibrate
from mizzen.core.metrics import METRICS, find_metric
from mizzen.errors import InvalidProject
from mizzen_components.evaluate.slices import slices_of


def binary(rows: int = 500, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels and rounded scores, so that there are many ties."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(rows) < 0.3).astype(float)
    return labels, np.clip(np.round(0.3 + 0.2 * labels + rng.normal(0, 0.2, rows), 1), 0.05, 0.95)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("roc_auc", reference.roc_auc_score),
        ("average_precision", reference.average_precision_score),
        ("log_loss", reference.log_loss),
        ("brier", reference.brier_score_loss),
        ("accuracy", lambda y, p: reference.accuracy_score(y, p >= 0.5)),
    ],
)
def test_binary_metrics_equal_the_reference_with_ties(name: str, expected: object) -> None:
    labels, scores = binary()
    value = find_metric(name, "binary").value(labels, scores)
    assert value == pytest.approx(expected(labels, scores), abs=1e-12)  # type: ignore[operator]


def test_multiclass_metrics_equal_the_reference() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, 400).astype(float)
    scores = rng.dirichlet(np.ones(5), 400)  # a fifth class that never occurs as a label
    guessed = scores.argmax(1)
    expected = {
        "accuracy": reference.accuracy_score(labels, guessed),
        "log_loss": reference.log_loss(labels, scores, labels=range(5)),
        "macro_f1": reference.f1_score(labels, guessed, average="macro"),
    }
    for name, value in expected.items():
        assert find_metric(name, "multiclass").value(labels, scores) == pytest.approx(value)


def test_regression_metrics_equal_the_reference_also_far_from_zero() -> None:
    rng = np.random.default_rng(2)
    labels = 1e7 + rng.normal(size=300)
    scores = labels + rng.normal(size=300)
    expected = {
        "rmse": reference.root_mean_squared_error(labels, scores),
        "mae": reference.mean_absolute_error(labels, scores),
        "r2": reference.r2_score(labels, scores),
    }
    for name, value in expected.items():
        assert find_metric(name, "regression").value(labels, scores) == pytest.approx(value)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 4), st.integers(0, 3)), min_size=2, max_size=30
    )
)
def test_a_resample_is_measured_as_if_its_rows_were_repeated(
    rows: list[tuple[bool, int, int]],
) -> None:
    labels, scores, counts = (np.array(part, dtype=float) for part in zip(*rows, strict=True))
    repeated = np.repeat(np.arange(len(rows)), counts.astype(int))
    for metric in METRICS["binary"].values():
        weighted = metric.prepare(labels, scores / 4)(counts[None, :])[0]
        plain = metric.value(labels[repeated], scores[repeated] / 4)
        assert weighted == pytest.approx(plain, nan_ok=True)


def test_a_metric_without_a_definition_on_the_rows_is_nan() -> None:
    ones = np.ones(5)
    assert math.isnan(find_metric("roc_auc", "binary").value(ones, np.linspace(0, 1, 5)))
    assert math.isnan(find_metric("r2", "regression").value(ones, ones))
    assert math.isnan(find_metric("accuracy", "binary").value(np.empty(0), np.empty(0)))


def test_an_unknown_metric_lists_the_known_ones_and_guesses() -> None:
    with pytest.raises(InvalidProject, match=r"did you mean 'roc_auc'"):
        find_metric("rocauc", "binary")
    with pytest.raises(InvalidProject, match=r"rmse, mae, r2"):
        find_metric("accuracy", "regression")


def test_gain_is_above_zero_when_the_new_value_is_better_in_either_direction() -> None:
    assert find_metric("roc_auc", "binary").gain(0.8, 0.7) > 0
    assert find_metric("rmse", "regression").gain(4.0, 5.0) > 0


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    accuracy = find_metric("accuracy", "binary")
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        labels = (rng.random(200) < 0.7).astype(float)
        found = interval(accuracy, labels, np.ones(200), resamples=200, confidence=0.9, rng=rng)
        covered += found.low <= 0.7 <= found.high
    assert 0.84 <= covered / 200 <= 0.95


def test_the_paired_interval_is_narrower_than_two_separate_ones() -> None:
    labels, scores = binary(2000)
    other = np.clip(scores + np.random.default_rng(3).normal(0, 0.02, 2000), 0, 1)
    auc = find_metric("roc_auc", "binary")
    pair = compare(
        auc, labels, other, scores, resamples=300, confidence=0.95, rng=np.random.default_rng(0)
    )
    width = pair.candidate.high - pair.candidate.low
    assert pair.gain.low < pair.gain.value < pair.gain.high
    assert pair.gain.high - pair.gain.low < width / 2


def test_the_same_seed_gives_the_same_interval_and_a_model_gains_nothing_on_itself() -> None:
    labels, scores = binary()
    loss = find_metric("log_loss", "binary")
    found = [
        compare(
            loss, labels, scores, scores, resamples=50, confidence=0.9, rng=np.random.default_rng(1)
        )
        for _ in range(2)
    ]
    assert found[0] == found[1]
    assert (found[0].gain.low, found[0].gain.value, found[0].gain.high) == (0, 0, 0)


def test_calibration_tells_honest_probabilities_from_boasting_ones() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 1, 20_000)
    labels = (rng.random(20_000) < truth).astype(float)
    assert calibrate(labels, truth).error < 0.02
    boasting = np.where(truth > 0.5, 0.99, 0.01)
    assert calibrate(labels, boasting).error > 0.2
    assert sum(part.rows for part in calibrate(labels, truth).bins) == 20_000


@pytest.mark.parametrize("exponent", [-1000, -600, -300, 300, 600, 1000])
@pytest.mark.parametrize("name", ["rmse", "mae", "r2"])
def test_regression_metrics_of_very_large_and_very_small_targets_are_exact(
    name: str, exponent: int
) -> None:
    rng = np.random.default_rng(3)
    labels = rng.normal(5, 2, 400)
    scores = labels + rng.normal(size=400)
    champion = labels + 1.5 * rng.normal(size=400)
    metric = find_metric(name, "regression")
    power = 0 if name == "r2" else exponent
    large = [np.ldexp(values, exponent) for values in (labels, scores, champion)]
    assert metric.value(large[0], large[1]) == np.ldexp(metric.value(labels, scores), power)
    how = {"resamples": 100, "confidence": 0.9}
    wanted = compare(metric, labels, scores, champion, **how, rng=np.random.default_rng(0))
    found = compare(metric, *large, **how, rng=np.random.default_rng(0))
    for one, other in ((found.candidate, wanted.candidate), (found.gain, wanted.gain)):
        assert one.low == pytest.approx(np.ldexp(other.low, power), rel=1e-12)
        assert one.high == pytest.approx(np.ldexp(other.high, power), rel=1e-12)


def test_errors_far_below_the_targets_are_measured() -> None:
    labels = 1.7e9 + np.arange(100.0)
    assert find_metric("rmse", "regression").value(labels, labels + 1e-3) == pytest.approx(
        1e-3, rel=1e-3
    )
    assert find_metric("mae", "regression").value(np.zeros(3), np.full(3, 1e-320)) == 1e-320


@pytest.mark.parametrize("values", [1.7e9 + np.arange(100.0), 2 * np.linspace(-8e307, 8e307, 100)])
def test_quarters_of_a_number_are_four_slices(values: np.ndarray) -> None:
    parts = list(slices_of(pd.DataFrame({"x": values}), ["x"]))
    assert [len(part.members) for part in parts] == [25] * 4
    assert len({part.value for part in parts}) == 4
