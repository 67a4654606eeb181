"""How good the answers turned out to be: late labels, joined by prediction id.

`quality_job` calls it. The primary metric over the labelled predictions of a window is compared
with the one at evaluation; the alarm needs a fall that noise does not explain.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mizzen.core.bootstrap import Interval, interval
from mizzen.core.labels import label_numbers
from mizzen.core.metrics import Metric, find_metric
from mizzen.spec.project import ProjectSpec

Floats = NDArray[np.float64]
_SEED = 0  # of the resamples: the same window gives the same interval
_MEMORY = 6_000_000  # rows times resamples; more rows need fewer of them


@dataclass(frozen=True, slots=True)
class Quality:
    """The running figure with its interval. `judged`: false with fewer than
    `monitoring.min_rows` labels, or without a value on either side (then NaN)."""

    metric: str
    value: float
    low: float
    high: float
    evaluated: float
    labelled: int
    judged: bool
    alarm: bool
    reason: str


def judge_quality(
    package: Path,
    project: ProjectSpec,
    classes: tuple[str, ...],
    labels: NDArray[Any],
    scores: Floats,
    waits_for: str | None = None,
) -> Quality:
    """The verdict on the labelled predictions of a window.

    Args:
        package: the model package; its evaluation holds the value to compare with.
        labels: raw label of each prediction, null where none is known yet; rows whose class
            training never saw are left out.
        scores: what the model answered, as `ports.framework.Predictor` tells.
        waits_for: why the window is not judged yet; the labels that came first say nothing.
    """
    metric = find_metric(project.evaluation.metrics[0], project.task)
    numbers, known = _numbers(labels, project.task, classes)
    evaluated, missing = _evaluated(package, metric.name)
    found = Interval(math.nan, math.nan, math.nan)
    if waits_for is None:
        found = _interval(metric, numbers, scores[known], project)
    least = project.monitoring.min_rows
    enough = waits_for is None and len(numbers) >= least
    judged = enough and math.isfinite(found.low) and math.isfinite(evaluated)
    alarm, reason = False, waits_for or f"{len(numbers)} labels; monitoring.min_rows is {least}"
    if judged:
        alarm, reason = _compare(metric, found, evaluated, project.monitoring.quality_drop)
    elif enough:
        why = metric.why_undefined(numbers, classes)
        lack = f"cannot be computed: {why}" if not math.isfinite(found.low) else missing
        reason = f"{metric.name} {lack}"
    return Quality(
        metric.name,
        found.value,
        found.low,
        found.high,
        evaluated,
        len(numbers),
        judged,
        alarm,
        reason,
    )


def _compare(metric: Metric, found: Interval, evaluated: float, drop: float) -> tuple[bool, str]:
    """The whole interval, not the value alone, must lie more than `drop` below evaluation."""
    best = found.high if metric.higher else found.low
    alarm = float(metric.gain(best, evaluated)) < -drop
    reason = (
        f"{metric.name} {found.value:.4f} [{found.low:.4f}, {found.high:.4f}], "
        f"at evaluation {evaluated:.4f}, allowed fall {drop:g}"
    )
    return alarm, reason


def _interval(metric: Metric, labels: Floats, scores: Floats, project: ProjectSpec) -> Interval:
    resamples = min(project.evaluation.resamples, max(100, _MEMORY // max(1, len(labels))))
    return interval(
        metric,
        labels,
        scores,
        resamples=resamples,
        confidence=1 - 2 * project.monitoring.false_alarm,  # one side of it alarms
        rng=np.random.default_rng(_SEED),
    )


def _numbers(
    labels: NDArray[Any], task: str, classes: tuple[str, ...]
) -> tuple[Floats, NDArray[np.intp]]:
    """Labels as numbers, and the rows that they belong to."""
    rows = np.flatnonzero([label is not None for label in labels.tolist()])
    numbers = label_numbers(labels[rows], task, classes)
    kept = np.flatnonzero(numbers >= 0) if classes else np.arange(len(rows))
    return numbers[kept], rows[kept]


def _evaluated(package: Path, metric: str) -> tuple[float, str]:
    """The metric at evaluation; NaN with the reason where it had no value."""
    document = json.loads((package / "evaluation" / "metrics.json").read_text(encoding="utf-8"))
    found = document["metrics"].get(metric)
    if found is None:
        return math.nan, "was not measured at evaluation"
    if found["value"] is None:
        return math.nan, f"had no value at evaluation: {found.get('why', 'no reason is kept')}"
    return float(found["value"]), ""
