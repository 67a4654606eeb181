"""The metrics that a project may name, by task.

Evaluation computes them on held-out rows, monitoring on labelled predictions. A metric is
*prepared* once for rows and then evaluated for any weighting of them: a resample is a weighting
by counts, so hundreds of bootstrap resamples cost one sort.

`labels`: float64 (rows,), class indices or values. `scores`: what a predictor answers (see
`ports.framework.Predictor`). A value that is not defined (AUC of one class) is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mizzen.errors import InvalidProject

Floats = NDArray[np.float64]
Evaluate = Callable[[Floats], Floats]  # weights (resamples, rows) -> values (resamples,)
Prepare = Callable[[Floats, Floats], Evaluate]
Undefined = Callable[[Floats, Sequence[str]], "str | None"]  # labels, classes -> why no value
_SMALLEST = np.finfo(np.float64).eps  # a probability of 0 for what happened is an infinite loss


def _always(labels: Floats, classes: Sequence[str]) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Metric:
    """`higher`: whether a higher value is better; `meaning`: one line for reports;
    `undefined`: why labels such as these leave it without a value."""

    name: str
    higher: bool
    meaning: str
    prepare: Prepare
    undefined: Undefined = _always

    def why_undefined(self, labels: Floats, classes: Sequence[str]) -> str:
        """Why there is no value, or no interval, on rows with these labels.

        Args:
            classes: their names, by index; empty in a regression.
        """
        if len(labels) == 0:
            return "there is no row"
        reason = self.undefined(labels, classes)
        if reason is not None:
            return reason
        found, counts = np.unique(labels, return_counts=True)
        if not classes or len(found) == 1:
            return f"{len(labels)} rows are too few for it"
        rarest = int(np.argmin(counts))
        name = _class_name(float(found[rarest]), classes)
        return f"{counts[rarest]} of {len(labels)} rows are of class {name}, which is too few"

    def value(self, labels: Floats, scores: Floats) -> float:
        """The metric of these rows, NaN when there is none."""
        if len(labels) == 0:
            return float("nan")
        return float(self.prepare(labels, scores)(np.ones((1, len(labels))))[0])

    def gain(self, new: Any, old: Any) -> Any:
        """The difference, above 0 when `new` is better."""
        return new - old if self.higher else old - new


def find_metric(name: str, task: str, next_step: str = "fix evaluation.metrics") -> Metric:
    """The metric of that name.

    Args:
        next_step: said of a name that is none, unless one of the metrics is nearly called so.

    Raises:
        InvalidProject: the task has no such metric.
    """
    known = METRICS[task]
    if name not in known:
        close = get_close_matches(name, known, n=1)
        raise InvalidProject(
            f"unknown metric {name!r} of a {task} task",
            allowed=", ".join(known),
            next_step=f"did you mean {close[0]!r}?" if close else next_step,
        )
    return known[name]


def find_metrics(names: Sequence[str], task: str) -> list[Metric]:
    """All of them, in the given order; see `find_metric`."""
    return [find_metric(name, task) for name in names]


def _mean_of(per_row: Callable[[Floats, Floats], Floats]) -> Prepare:
    def prepare(labels: Floats, scores: Floats) -> Evaluate:
        values = per_row(labels, scores)
        return lambda weights: _ratio(weights @ values, weights.sum(1))

    return prepare


def _ratio(above: Floats, below: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient: Floats = np.where(below > 0, above / below, np.nan)
    return quotient


def _ties(scores: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Order of rows by rising score, and where each group of equal scores starts in it."""
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    return order, starts


def _auc(labels: Floats, scores: Floats) -> Evaluate:
    """A pair of a positive and a negative counts 1 when ordered rightly, 1/2 when tied."""
    order, starts = _ties(scores)
    positive = labels[order]

    def evaluate(weights: Floats) -> Floats:
        ranked = weights[:, order]
        wins = np.add.reduceat(ranked * positive, starts, axis=1)
        losses = np.add.reduceat(ranked * (1 - positive), starts, axis=1)
        below = np.cumsum(losses, axis=1) - losses / 2
        return _ratio((wins * below).sum(1), wins.sum(1) * losses.sum(1))

    return evaluate


def _average_precision(labels: Floats, scores: Floats) -> Evaluate:
    """Precision at each threshold, weighted by the rise of recall; ties are one threshold."""
    order, starts = _ties(-scores)
    positive = labels[order]

    def evaluate(weights: Floats) -> Floats:
        ranked = weights[:, order]
        found = np.add.reduceat(ranked * positive, starts, axis=1)
        called = np.cumsum(np.add.reduceat(ranked, starts, axis=1), axis=1)
        precision = np.cumsum(found, axis=1) / np.maximum(called, 1e-300)
        return _ratio((found * precision).sum(1), found.sum(1))

    return evaluate


def _binary_loss(labels: Floats, scores: Floats) -> Floats:
    happened = np.where(labels == 1, scores, 1 - scores)
    return -np.log(np.maximum(happened, _SMALLEST))


def _multiclass_loss(labels: Floats, scores: Floats) -> Floats:
    happened = scores[np.arange(len(labels)), labels.astype(np.int64)]
    return -np.log(np.maximum(happened, _SMALLEST))


def predicted_class(scores: Floats) -> Floats:
    """The most probable class; of two, the second from 0.5 on."""
    chosen = scores.argmax(1) if scores.ndim == 2 else scores >= 0.5
    return chosen.astype(np.float64)


def _macro_f1(labels: Floats, scores: Floats) -> Evaluate:
    """The mean F1 of the classes that occur, as a label or as a prediction."""
    classes = scores.shape[1]
    guessed = predicted_class(scores)
    member = np.arange(classes)
    truth = (labels[:, None] == member).astype(np.float64)
    guess = (guessed[:, None] == member).astype(np.float64)
    hits = truth * guess

    def evaluate(weights: Floats) -> Floats:
        total = weights @ (truth + guess)
        with np.errstate(invalid="ignore", divide="ignore"):
            each = np.where(total > 0, 2 * (weights @ hits) / total, np.nan)
        mean: Floats = np.nanmean(each, axis=1)
        return mean

    return evaluate


def _errors(labels: Floats, scores: Floats) -> tuple[Floats, int]:
    """What the scores are off by, as numbers near 1 and the power of two to multiply them by:
    squares and sums of very large or very small ones would be infinite, or 0."""
    exponent = _exponent(labels, scores)
    apart = np.ldexp(labels, -exponent) - np.ldexp(scores, -exponent)
    further = _exponent(apart)
    return np.ldexp(apart, -further), exponent + further


def _exponent(*values: Floats) -> int:
    largest = max(float(np.abs(each).max()) for each in values)
    return int(np.frexp(largest)[1]) if np.isfinite(largest) else 0


def _rmse(labels: Floats, scores: Floats) -> Evaluate:
    errors, exponent = _errors(labels, scores)
    return lambda weights: np.ldexp(np.sqrt(_ratio(weights @ errors**2, weights.sum(1))), exponent)


def _mae(labels: Floats, scores: Floats) -> Evaluate:
    errors, exponent = _errors(labels, scores)
    return lambda weights: np.ldexp(_ratio(weights @ np.abs(errors), weights.sum(1)), exponent)


def _r2(labels: Floats, scores: Floats) -> Evaluate:
    exponent = _exponent(labels, scores)
    labels, scores = np.ldexp(labels, -exponent), np.ldexp(scores, -exponent)
    centred = labels - labels.mean()  # a large mean would cancel all digits below
    further = _exponent(centred, labels - scores)
    centred, apart = np.ldexp(centred, -further), np.ldexp(labels - scores, -further)
    parts = np.stack([centred, centred**2, apart**2], axis=1)

    def evaluate(weights: Floats) -> Floats:
        first, second, residual = (weights @ parts).T
        spread = second - first**2 / weights.sum(1)
        return 1 - _ratio(residual, spread)

    return evaluate


def _class_name(label: float, classes: Sequence[str]) -> str:
    return repr(classes[int(label)]) if int(label) < len(classes) else f"{label:g}"


def _one_class(labels: Floats, classes: Sequence[str]) -> str | None:
    """For metrics that set one class against another."""
    if len(np.unique(labels)) > 1:
        return None
    name = _class_name(float(labels[0]), classes)
    return f"all {len(labels)} rows are of class {name}, and it needs both classes"


def _no_positive(labels: Floats, classes: Sequence[str]) -> str | None:
    """For metrics of the positive class."""
    if (labels == 1).any():
        return None
    return f"none of {len(labels)} rows is of class {_class_name(1.0, classes)}"


def _constant(labels: Floats, classes: Sequence[str]) -> str | None:
    """For shares of the variance."""
    if np.ptp(labels) > 0:
        return None
    return f"the label is {labels[0]:g} in all {len(labels)} rows: there is nothing to explain"


def _table(*metrics: Metric) -> Mapping[str, Metric]:
    return {metric.name: metric for metric in metrics}


def _hits(labels: Floats, scores: Floats) -> Floats:
    return np.asarray(predicted_class(scores) == labels, dtype=np.float64)


_ACCURACY = Metric("accuracy", True, "share of rows whose class is right", _mean_of(_hits))
_LOSS = "mean negative log of the probability given to what happened"

METRICS: Mapping[str, Mapping[str, Metric]] = {
    "binary": _table(
        Metric("roc_auc", True, "chance that a positive scores above a negative", _auc, _one_class),
        Metric(
            "average_precision",
            True,
            "area under precision and recall",
            _average_precision,
            _no_positive,
        ),
        Metric("log_loss", False, _LOSS, _mean_of(_binary_loss)),
        Metric(
            "brier",
            False,
            "mean squared error of probabilities",
            _mean_of(lambda y, p: (y - p) ** 2),
        ),
        _ACCURACY,
    ),
    "multiclass": _table(
        _ACCURACY,
        Metric("log_loss", False, _LOSS, _mean_of(_multiclass_loss)),
        Metric("macro_f1", True, "mean over classes of the F1 score", _macro_f1),
    ),
    "regression": _table(
        Metric("rmse", False, "root of the mean squared error", _rmse),
        Metric("mae", False, "mean absolute error", _mae),
        Metric("r2", True, "share of the variance that is explained", _r2, _constant),
    ),
}
