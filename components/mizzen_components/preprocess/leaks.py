"""Features that tell the label by themselves: most often, they became known together with it.

Looked at on training rows. A number is compared by ranks, so any monotone form of the label
is found; a category, or a number with few values, by how many labels it leaves open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mizzen.core.encoding import as_float
from mizzen.core.labels import label_numbers
from mizzen.errors import InvalidData
from mizzen.spec.columns import FeatureColumn
from mizzen.spec.data import Label
from mizzen.spec.features import Features

if TYPE_CHECKING:
    import pandas as pd

    Floats = NDArray[np.float64]

LIMIT = 0.999
SAMPLE = 20_000  # rows looked at, evenly spaced; more would not change the verdict
FEWEST = 30  # rows below which chance alone can look like a leak
FEWEST_RANKED = 200  # the same for separating two classes, with a tenth of it in each


def check_leaks(
    train: pd.DataFrame, features: Features, label: Label, task: str, classes: tuple[str, ...]
) -> None:
    """No single feature tells the label.

    Raises:
        InvalidData: naming every one that does, and how well.
    """
    rows = train.iloc[_sample(len(train))]
    labels = label_numbers(rows[label.column].to_numpy(), task, classes)
    if len(rows) < FEWEST:
        return
    told = {each.name: _told(rows[each.name], each, labels, task) for each in features.inputs}
    leaks = [name for name, share in told.items() if share > LIMIT]
    if leaks:
        raise InvalidData(
            f"features that leak the label {label.column!r}: {', '.join(leaks)}",
            given=", ".join(f"{name} alone tells it ({told[name]:.5f})" for name in leaks),
            allowed=f"at most {LIMIT} on the training rows, by rank or by share of labels told",
            next_step="remove them from `features`, or compute them from what was known at the "
            "event time; if one is truly known by then, no model is needed",
        )


def _told(values: pd.Series[Any], column: FeatureColumn, labels: Floats, task: str) -> float:
    """How well one feature tells the label: 0 not at all, 1 entirely."""
    found = 0.0 if task == "regression" else _labels_told(values, labels)
    if column.kind == "number":
        numbers = as_float(values.to_numpy(), column.name)
        known = ~np.isnan(numbers)
        ranked = _separation if task == "binary" else _correlation
        if task != "multiclass":
            found = max(found, ranked(numbers[known], labels[known]))
    return found


def _labels_told(values: pd.Series[Any], labels: Floats) -> float:
    """Of the labels that the commonest class gets wrong, the share that the value gets right."""
    import pandas as pd

    codes, known = pd.factorize(values, use_na_sentinel=False)
    if len(known) > len(labels) / 10:  # nearly one value per row: an id tells everything
        return 0.0
    counts = pd.crosstab(codes, labels).to_numpy()
    open_before = len(labels) - counts.sum(axis=0).max()
    open_after = len(labels) - counts.max(axis=1).sum()
    return 0.0 if open_before < FEWEST / 10 else 1 - float(open_after / open_before)


def _correlation(numbers: Floats, labels: Floats) -> float:
    """Rank correlation, without its sign."""
    if len(numbers) < FEWEST or np.ptp(numbers) == 0 or np.ptp(labels) == 0:
        return 0.0
    return float(abs(np.corrcoef(_ranks(numbers), _ranks(labels))[0, 1]))


def _separation(numbers: Floats, labels: Floats) -> float:
    """How well a threshold divides two classes: 0 as chance would, 1 entirely (2 AUC - 1)."""
    ones = int((labels == 1).sum())
    zeros = len(labels) - ones
    if len(labels) < FEWEST_RANKED or min(ones, zeros) < FEWEST_RANKED / 10:
        return 0.0
    area = (_ranks(numbers)[labels == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros)
    return float(abs(2 * area - 1))


def _ranks(values: Floats) -> Floats:
    import pandas as pd

    return np.asarray(pd.Series(values).rank(), dtype=np.float64)


def _sample(rows: int) -> NDArray[np.int64]:
    if rows <= SAMPLE:
        return np.arange(rows)
    return np.linspace(0, rows - 1, SAMPLE).astype(np.int64)
