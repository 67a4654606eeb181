"""Percentile intervals by the bootstrap, of a metric and of the difference of two models.

Rows are resampled by counting how often each was drawn, and both models of a pair are measured
with the same counts: what is hard in a resample is hard for both, so the interval of the
difference is much narrower than two separate ones. The generator is passed in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mizzen.core.metrics import Metric

Floats = NDArray[np.float64]
CHUNK = 4_000_000  # weights in memory at once (32 MB)


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with the interval that holds it with the given confidence. All NaN when the
    metric is not defined on the rows."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same rows; `gain` is above 0 where the candidate is better, whatever
    the metric's direction."""

    candidate: Interval
    champion: Interval
    gain: Interval


def interval(
    metric: Metric,
    labels: Floats,
    scores: Floats,
    *,
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
) -> Interval:
    """The metric of these rows and its percentile interval."""
    if len(labels) == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    evaluate = metric.prepare(labels, scores)
    drawn = [evaluate(counts) for counts in _counts(len(labels), resamples, rng)]
    return _interval(metric.value(labels, scores), np.concatenate(drawn), confidence)


def compare(
    metric: Metric,
    labels: Floats,
    candidate: Floats,
    champion: Floats,
    *,
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
) -> Comparison:
    """Both models' values and their paired difference."""
    if len(labels) == 0:
        nothing = Interval(float("nan"), float("nan"), float("nan"))
        return Comparison(nothing, nothing, nothing)
    new, old = metric.prepare(labels, candidate), metric.prepare(labels, champion)
    pairs = [(new(counts), old(counts)) for counts in _counts(len(labels), resamples, rng)]
    news, olds = (np.concatenate(values) for values in zip(*pairs, strict=True))
    ours, theirs = metric.value(labels, candidate), metric.value(labels, champion)
    return Comparison(
        _interval(ours, news, confidence),
        _interval(theirs, olds, confidence),
        _interval(float(metric.gain(ours, theirs)), metric.gain(news, olds), confidence),
    )


def _counts(rows: int, resamples: int, rng: np.random.Generator) -> Iterator[Floats]:
    """How often each row was drawn, (resamples, rows) in chunks; the draws do not depend on
    the size of a chunk."""
    size = max(1, CHUNK // rows)
    for first in range(0, resamples, size):
        count = min(size, resamples - first)
        drawn = rng.integers(0, rows, size=(count, rows))
        drawn += np.arange(count)[:, None] * rows
        flat = np.bincount(drawn.ravel(), minlength=count * rows)
        yield flat.reshape(count, rows).astype(np.float64)


def _interval(value: float, drawn: Floats, confidence: float) -> Interval:
    """Resamples without a value (one class only) are left out; more than half of them, and
    there is no interval."""
    known = drawn[np.isfinite(drawn)]
    if len(known) <= len(drawn) / 2:
        return Interval(value, float("nan"), float("nan"))
    tail = (1 - confidence) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return Interval(value, float(low), float(high))
