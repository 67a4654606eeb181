"""The running quality figure: it alarms for a fall, not for noise and not without labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mizzen_monitoring.quality import Quality, judge_quality


def judged(in_use: Any, labels: Any, scores: Any) -> Quality:
    values = np.empty(len(labels), dtype=object)
    values[:] = list(labels)
    return judge_quality(in_use.package, in_use.project, ("0", "1"), values, np.array(scores))


def drawn(rows: int, signal: float, seed: int = 0) -> tuple[list[int], Any]:
    rng = np.random.default_rng(seed)
    load = rng.normal(size=rows)
    chance = 1 / (1 + np.exp(1.5 - signal * load))
    return (rng.random(rows) < chance).astype(int).tolist(), 1 / (1 + np.exp(1.5 - 1.5 * load))


def test_a_model_as_good_as_evaluated_is_quiet(in_use: Any) -> None:
    found = judged(in_use, *drawn(2000, 1.5))
    assert (found.judged, found.alarm) == (True, False)
    assert found.low < found.value < found.high


def test_a_model_that_learnt_something_else_alarms(in_use: Any) -> None:
    found = judged(in_use, *drawn(2000, 0.2))
    assert found.alarm
    assert "at evaluation" in found.reason


@pytest.mark.parametrize("seed", range(5))
def test_noise_of_a_few_labels_does_not_alarm(in_use: Any, seed: int) -> None:
    assert not judged(in_use, *drawn(250, 1.3, seed)).alarm


def test_too_few_labels_are_not_judged(in_use: Any) -> None:
    labels, scores = drawn(2000, 0.0)
    late = [label if row < 199 else None for row, label in enumerate(labels)]
    found = judged(in_use, late, scores)
    assert (found.labelled, found.judged, found.alarm) == (199, False, False)


def test_labels_of_one_class_only_are_not_judged(in_use: Any) -> None:
    found = judged(in_use, [0] * 500, np.linspace(0, 1, 500))
    assert (found.judged, found.alarm) == (False, False)
    assert found.reason == (
        "roc_auc cannot be computed: all 500 rows are of class '0', and it needs both classes"
    )


def test_a_metric_without_a_value_at_evaluation_says_why(in_use: Any, tmp_path: Path) -> None:
    labels, scores = drawn(1000, 1.5)
    values = np.array(labels, dtype=object)
    (tmp_path / "evaluation").mkdir()
    for measured, reason in [
        (
            {"value": None, "why": "all 9 rows are of class '0'"},
            "had no value at evaluation: all 9",
        ),
        (None, "was not measured at evaluation"),
    ]:
        document = {"metrics": {} if measured is None else {"roc_auc": measured}}
        (tmp_path / "evaluation" / "metrics.json").write_text(json.dumps(document))
        found = judge_quality(tmp_path, in_use.project, ("0", "1"), values, np.array(scores))
        assert (found.judged, found.alarm) == (False, False)
        assert found.reason.startswith(f"roc_auc {reason}")


def test_a_class_that_training_never_saw_is_left_out(in_use: Any) -> None:
    labels, scores = drawn(1000, 1.5)
    assert (
        judged(in_use, ["?" if n < 300 else x for n, x in enumerate(labels)], scores).labelled
        == 700
    )
